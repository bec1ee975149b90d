"""When each feed received something last, kept in the journal: a gap that reaches back before a start knows since when.

One record for each connector, written now and then: what a killed process leaves is a little too early, and so a
bound that holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.clock import Clock
from gateway.contracts import Connector, Feed, Journal
from gateway.errors import JournalFull
from gateway.liveness import FeedWatch

NAMESPACE = "received"
SAVE_SECONDS = 30.0

_decoder = msgspec.json.Decoder(dict[str, datetime])


class Receiving(Protocol):
    """A feed's runner, as far as it says when something came."""

    connector: Connector
    feed: Feed
    watch: FeedWatch


def read_receptions(state: bytes) -> Mapping[str, datetime]:
    """The times by feed that a record tells; none if it cannot be read, which costs a gap its begin."""
    try:
        return _decoder.decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


class Receptions:
    """Saves the times every `SAVE_SECONDS` while feeds receive, and gives them to the feeds of the next process."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._saved: dict[str, bytes] = {}
        self._due = clock.monotonic() + SAVE_SECONDS

    async def restore(self, runners: Iterable[Receiving]) -> None:
        """Take up what the last process left, and forget connectors that are no more. Raises JournalFull."""
        kept = dict(await self._journal.items(NAMESPACE))
        for connector, members in _by_connector(runners).items():
            self._give(members, kept.pop(connector, None))
        for connector in kept:
            await self._journal.put(NAMESPACE, connector, None)

    async def take_up(self, runners: Iterable[Receiving]) -> None:
        """The same for feeds that came while the gateway runs."""
        for connector, members in _by_connector(runners).items():
            self._give(members, await self._journal.get(NAMESPACE, connector))

    async def save_if_due(self, runners: Iterable[Receiving]) -> None:
        """Save what changed, if it is time."""
        if self._clock.monotonic() >= self._due:
            await self.save(runners)

    async def save(self, runners: Iterable[Receiving]) -> None:
        """Save what changed, unless the journal has no room: the bounds of gaps are a little less exact then."""
        self._due = self._clock.monotonic() + SAVE_SECONDS
        for connector, members in _by_connector(runners).items():
            times = {
                member.feed.name: member.watch.received_at
                for member in members
                if member.watch.received_at is not None
            }
            state = msgspec.json.encode(times)
            if times and state != self._saved.get(connector):
                with suppress(JournalFull):
                    await self._journal.put(NAMESPACE, connector, state)
                    self._saved[connector] = state

    def _give(self, members: Iterable[Receiving], state: bytes | None) -> None:
        times = {} if state is None else read_receptions(state)
        now = self._clock.now()
        for member in members:
            time = times.get(member.feed.name)
            # One without a zone, or later than now, was told by a clock that was wrong.
            if time is not None and time.tzinfo is not None and time <= now:
                member.watch.received_at = member.watch.received_at or time


def _by_connector(runners: Iterable[Receiving]) -> Mapping[str, list[Receiving]]:
    found: dict[str, list[Receiving]] = {}
    for runner in runners:
        found.setdefault(runner.connector.name, []).append(runner)
    return found
