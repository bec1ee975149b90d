"""Follows the dead letters of a sink with one event each, also those of an earlier process that died too soon.

Behind the delivery's back: a full journal has no room for an event, but must not keep a sink from going on.
"""

from __future__ import annotations

import asyncio

from gateway.contracts import Journal
from gateway.delivery.dead_letters import dead_event
from gateway.delivery.record import SinkRecord
from gateway.errors import JournalFull


class DeadLetterTeller:
    """One sink's. `buried` is called when there may be a new letter."""

    def __init__(self, journal: Journal, sink: str, record: SinkRecord) -> None:
        self._journal = journal
        self._record = record
        self._sink = sink
        self._news = asyncio.Event()
        self._news.set()

    def buried(self) -> None:
        """There may be a new letter."""
        self._news.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while letters := await self._journal.dead_letters(
                sink=self._sink, after=self._record.told_letters
            ):
                told = [dead_event(letter, self._journal.id) for letter in letters]
                events = [event for event in told if event is not None]
                try:
                    await self._journal.append(f"sink/{self._sink}", events, None)
                except JournalFull:
                    await self._journal.wait_for_room()
                    continue
                self._record.told_letters = letters[-1].id
                await self._record.save()
