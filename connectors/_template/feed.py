"""The one feed: long polls of the exchange's log, each going on behind the last.

The place in the log is the resume state, so a killed process repeats nothing and misses nothing that
the exchange still has. What it has no more is a gap: what is there then is compared with what was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors._template.client import Exchange
from connectors._template.mapping import Changes, Mapper, Place, State
from connectors._template.settings import ExamplePbxSettings
from connectors._template.vendor import PLATFORM_NAME
from connectors._wire.http_errors import as_lost
from connectors._wire.json_values import UNREADABLE
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import ConnectionFailed, NotConnected, Reason
from gateway.events import Event, Provenance, event_id, source_of


class LogFeed:
    """The exchange's log, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self, settings: ExamplePbxSettings, exchange: Exchange, context: ConnectorContext
    ) -> None:
        self.name = f"{context.name}/log"
        self.guarantee = Guarantee.RESUMABLE
        self._exchange = exchange
        self._clock = context.clock
        self._wait_seconds = settings.wait_seconds
        self._mapper = Mapper(
            self.name, source_of(context.name, PLATFORM_NAME), keep_payload=settings.keep_payload
        )
        self._state: State | None = None
        self._first: Delivery | None = None
        self.polls = 0

    @property
    def connected(self) -> bool:
        """Whether what comes of a command will be seen."""
        return self._state is not None

    async def connect(self, resume: bytes | None) -> Link:
        """Look where the log is; what is found is the first delivery."""
        await self.close()
        kept = _decode(resume)
        if kept is None:
            place, body = await self._exchange.state()
            now = self._clock.now()
            state = State(place=place, at=now)
            events = self._mapper.compare(state, body, now, Provenance.SNAPSHOT)
            self._first = _delivery(state, events)
        else:
            state = kept
            found = await self._exchange.changes(kept.place)
            if _goes_on(state, found):
                self._first = self._follow(state, found)
            else:
                gap = self._gap(state, found)
                # What the log has of it comes with the snapshot that follows every gap.
                state.place = Place(log=found.log, number=found.first - 1)
                self._first = _delivery(state, (), gap)
        self._state = state
        return Link(session=state.place.log, resumed=kept is not None and self._first.gap is None)

    async def receive(self) -> Delivery:
        """The next changes. Cancelled, nothing is lost: the next call asks from the same place."""
        if self._state is None:
            raise self._not_connected()
        if self._first is not None:
            first, self._first = self._first, None
            return first
        state = self._state
        while True:
            try:
                found = await self._exchange.changes(state.place, wait_seconds=self._wait_seconds)
            except ConnectionFailed as error:
                raise as_lost(error) from None
            self.polls += 1
            # No await from here on: what is remembered as told is also returned.
            if not _goes_on(state, found):
                raise NotConnected(
                    f"{self._exchange.peer} has a new log, or lost a part of it",
                    reason=Reason.SESSION_LOST,
                )
            if found.changes or found.next != state.place.number:
                return self._follow(state, found)

    async def commit(self, delivery: Delivery) -> None:
        """The exchange knows no acknowledgement."""

    async def drain(self) -> Delivery | None:
        """What the log has by now."""
        state = self._state
        if state is None:
            return None
        found = await self._exchange.changes(state.place)
        return self._follow(state, found) if _goes_on(state, found) else None

    async def close(self) -> None:
        """There is no session to end."""
        self._state = self._first = None

    async def reconcile(self) -> Sequence[Event]:
        """Everything up to now: what the log has, then what else differs from what was told. Raises like `connect`."""
        state = self._state
        if state is None:
            raise self._not_connected()
        place, body = await self._exchange.state()
        events: list[Event] = []
        while state.place.log == place.log and state.place.number < place.number:
            found = await self._exchange.changes(state.place, until=place.number)
            if not _goes_on(state, found) or found.next <= state.place.number:
                break
            events += self._follow(state, found, Provenance.RECONCILED).events
        state.place, state.at = place, self._clock.now()
        events += self._mapper.compare(state, body, state.at, Provenance.RECONCILED)
        # The place that was reached goes into the journal at once, not only with the next change.
        self._first = _delivery(state, ())
        return events

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts for the API."""
        state = self._state
        return {
            "log": state.place.log if state else None,
            "number": state.place.number if state else None,
            "agents": len(state.agents) if state else 0,
            "calls": len(state.calls) if state else 0,
            "polls": self.polls,
        }

    def _follow(
        self, state: State, found: Changes, provenance: Provenance = Provenance.LIVE
    ) -> Delivery:
        now = self._clock.now()
        events = self._mapper.take(state, found, now, provenance)
        state.place, state.at = Place(log=found.log, number=found.next), now
        return _delivery(state, events)

    def _gap(self, state: State, found: Changes) -> Gap:
        same = found.log == state.place.log
        return Gap(
            key=event_id("gap", self.name, state.place.log, state.place.number),
            reason="expired" if same else "session_lost",
            since=state.at,
            unrecovered=found.first - 1 - state.place.number if same else None,
        )

    def _not_connected(self) -> NotConnected:
        return NotConnected(f"the feed {self.name!r} is not connected", reason=Reason.STOPPED)


def _delivery(state: State, events: Sequence[Event], gap: Gap | None = None) -> Delivery:
    return Delivery(events=tuple(events), resume=msgspec.json.encode(state), gap=gap)


def _goes_on(state: State, found: Changes) -> bool:
    """Whether the answer is of the same log, and the log has all that follows the place."""
    return found.log == state.place.log and found.first <= state.place.number + 1


def _decode(resume: bytes | None) -> State | None:
    if resume is None:
        return None
    try:
        return msgspec.json.decode(resume, type=State)
    except UNREADABLE:
        return None
