"""Keeps the live picture up to date and over restarts: a consumer of the journal like any sink.

A snapshot is saved first, then the consumer's position: whatever is killed in between is read again, and reading again
is harmless. Between two snapshots the journal keeps the events that lie behind the last one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.contracts import Journal
from gateway.errors import JournalCorrupt, JournalError, JournalFull
from gateway.picture import Picture

# The slash keeps it apart from sinks, whose names have none.
CONSUMER = "gateway/picture"
NAMESPACE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperPolicy:
    """A snapshot is saved after so many events or so many seconds; `batch_events` are read at a time.

    While the journal is full, `full_seconds` stands for `snapshot_seconds`: the picture may be what keeps it full.
    """

    snapshot_events: int = 50_000
    snapshot_seconds: float = 30.0
    full_seconds: float = 1.0
    batch_events: int = 500


class PictureKeeper:
    """Folds the journal into a picture.

    Attributes:
        rebuilt: why the saved snapshot could not be used and the picture was folded from what the journal holds.
        snapshots_skipped: how often the journal had no room for a snapshot; it is tried again later.
    """

    def __init__(
        self,
        picture: Picture,
        *,
        journal: Journal,
        clock: Clock,
        policy: KeeperPolicy | None = None,
    ) -> None:
        self._picture = picture
        self._journal = journal
        self._clock = clock
        self._policy = policy or KeeperPolicy()
        self._pending = 0
        self._saved_at = clock.monotonic()
        self._no_room = False
        self.rebuilt = ""
        self.snapshots_skipped = 0

    async def restore(self) -> None:
        """Load the last snapshot, and claim the events behind it. Call it before `run`."""
        snapshot = await self._journal.get(NAMESPACE, self._journal.id)
        if snapshot is not None:
            try:
                self._picture.load(snapshot)
            except JournalCorrupt as error:
                self.rebuilt = error.message
            if self._picture.position > self._journal.statistics().last_position:
                self.rebuilt = "the snapshot of the picture is ahead of the journal"
                self._picture.clear()
        with suppress(JournalFull):
            await self._journal.commit(CONSUMER, self._picture.position)
        self._saved_at = self._clock.monotonic()

    async def run(self) -> None:
        """Fold events as they come, until cancelled; the last thing it does is to save a snapshot.

        Raises JournalError when the journal cannot be read any more.
        """
        try:
            while True:
                await self._step()
        except asyncio.CancelledError:
            with suppress(JournalError):  # without this snapshot the next start reads a little more
                await self.save()
            raise

    async def save(self) -> None:
        """Save a snapshot and then the position, if there is anything new. Raises JournalError."""
        if not self._pending:
            return
        position, pending = self._picture.position, self._pending
        await self._journal.put(NAMESPACE, self._journal.id, self._picture.snapshot())
        await self._journal.commit(CONSUMER, position)
        self._pending -= pending
        self._saved_at = self._clock.monotonic()
        self._no_room = False

    async def _step(self) -> None:
        events = await self._journal.read(self._picture.position, self._policy.batch_events)
        for event in events:
            self._picture.apply(event)
        self._pending += len(events)
        if self._pending and self._seconds_left() <= 0:
            await self._save_if_room()
        if len(events) >= self._policy.batch_events:
            await asyncio.sleep(0)  # a read from memory gives nobody else a turn
        else:
            await self._wait()

    async def _wait(self) -> None:
        if not self._pending:
            await self._journal.wait(self._picture.position)
            return
        with suppress(TimeoutError):
            # The journal may become full while nothing comes.
            async with asyncio.timeout(min(self._seconds_left(), self._policy.full_seconds)):
                await self._journal.wait(self._picture.position)

    def _seconds_left(self) -> float:
        seconds = self._policy.snapshot_seconds
        if not self._no_room:
            if self._pending >= self._policy.snapshot_events:
                return 0.0
            if self._journal.statistics().full:
                seconds = self._policy.full_seconds
        return self._saved_at + seconds - self._clock.monotonic()

    async def _save_if_room(self) -> None:
        try:
            await self.save()
        except JournalFull:
            self.snapshots_skipped += 1
            self._no_room = True
            self._saved_at = self._clock.monotonic()
