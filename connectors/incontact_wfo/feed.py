"""The one feed: everybody in the tracker, read again and again, and single agents after commands.

The recorder pushes nothing. A poll is told as the difference to what was told last, which is the
resume state; so a restart repeats nothing, and what changed meanwhile is told. What came and went
between two looks is not seen: when nobody looked for longer than three intervals, that is a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from connectors._wire.polling import Poller, Rhythm, missed
from connectors.incontact_wfo.client import Answer, Recorder
from connectors.incontact_wfo.mapping import (
    Mapper,
    Origin,
    Reading,
    Words,
    decode_state,
    encode_state,
    read_agent,
    read_all,
)
from connectors.incontact_wfo.settings import IncontactWfoSettings
from connectors.incontact_wfo.vendor import BY_ID, RecordingWord
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import NotConnected, NotReady, Reason
from gateway.events import Event, Provenance, event_id, source_of

PLATFORM_NAME = "incontact_wfo"
AT_ONCE = 8
"""So many agents are asked for at the same time."""
MAX_WAITING = 10_000
"""Events of commands that are not yet journalled; beyond it commands are refused."""
KEEP_SECONDS = 60.0
"""How often it is written down that the recorder was looked at, if nothing changes."""
DEADLINE_SLACK_SECONDS = 5.0


class TrackerFeed:
    """The recorder's tracker, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self, settings: IncontactWfoSettings, recorder: Recorder, context: ConnectorContext
    ) -> None:
        self.name = f"{context.name}/tracker"
        self.guarantee = Guarantee.POLLED
        self._settings = settings
        self._recorder = recorder
        self._clock = context.clock
        self.mapper = Mapper(
            Origin(
                feed=self.name,
                source=source_of(context.name, PLATFORM_NAME),
                keep_payload=settings.keep_payload,
            ),
            Words(
                calls=settings.call_states,
                recordings=settings.recording_states,
                tags=settings.tag_fields,
                zone=settings.zone,
            ),
        )
        rounds = 1 + len(settings.agents) // AT_ONCE
        self._poller = Poller(
            Rhythm(
                interval_seconds=settings.interval_seconds,
                deadline_seconds=rounds * settings.request_timeout_seconds + DEADLINE_SLACK_SECONDS,
            ),
            clock=context.clock,
            peer=recorder.peer,
        )
        self._waiting: list[Event] = []
        self._told = asyncio.Event()
        self._first: tuple[Reading, int] | None = None
        self._poll: asyncio.Task[tuple[Reading, int]] | None = None
        self._reconciled: list[Event] = []
        self._kept_at: datetime | None = None
        self.connected = False

    async def connect(self, resume: bytes | None) -> Link:
        """Look at the recorder; what is seen is the first delivery."""
        await self.close()
        kept = decode_state(resume)
        looked_at = self.mapper.state.polled_at
        self._first = await self.look()
        self.mapper.restore(kept)
        if kept is not None and kept.polled_at is not None and looked_at is not None:
            # Looks that showed nothing new are not written down one by one.
            kept.polled_at = max(kept.polled_at, looked_at)
        self._waiting.clear()
        self._kept_at = None
        self._poller.restart()
        self.connected = True
        session = event_id("session", self.name, self._clock.now().isoformat())[:16]
        return Link(session=session, resumed=kept is not None)

    async def receive(self) -> Delivery:
        """The next poll that has something new, or what came of a command. Cancelled, the poll goes on."""
        while True:
            if not self.connected:
                raise NotConnected(
                    f"the feed {self.name!r} is not connected", reason=Reason.STOPPED
                )
            if self._waiting:
                return self._delivery(())
            if self._first is not None:
                first, self._first = self._first, None
                if (delivery := self._take(*first)) is not None:
                    return delivery
            if self._poll is None:
                self._poll = asyncio.create_task(
                    self._poller.poll(self.look), name=f"{self.name} poll"
                )
                self._poll.add_done_callback(lambda _: self._told.set())
            if self._poll.done():
                # No await from here on: what is remembered as told is also returned.
                poll, self._poll = self._poll, None
                if (delivery := self._take(*poll.result())) is not None:
                    return delivery
                continue
            self._told.clear()
            await self._told.wait()

    async def commit(self, delivery: Delivery) -> None:
        """The recorder knows no acknowledgement."""

    async def drain(self) -> Delivery | None:
        """What came of commands; the recorder holds nothing for us."""
        return self._delivery(())

    async def close(self) -> None:
        """End the poll that is under way."""
        self.connected = False
        self._first = None
        poll, self._poll = self._poll, None
        if poll is not None:
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)

    def take_reconciled(self) -> Sequence[Event]:
        """What changed while nobody looked, found by the poll that ended the gap."""
        events, self._reconciled = self._reconciled, []
        return events

    def check_room(self) -> None:
        """Whether a further command may be sent. Raises NotReady."""
        if not self.connected:
            raise NotReady(f"the feed {self.name!r} is not connected", reason=Reason.STOPPED)
        if len(self._waiting) >= MAX_WAITING:
            raise NotReady(
                f"what came of {MAX_WAITING} commands waits for the journal",
                reason=Reason.RATE_LIMITED,
            )

    def read(self, answer: Answer, ticket: int, *, asked_for: str | None) -> None:
        """Tell what an agent who was read after a command shows.

        `asked_for` is the id of the agent who was asked for, if it is known.
        """
        agent = read_agent(answer.body) if answer.status == HTTPStatus.OK else None
        gone = answer.status == HTTPStatus.NOT_FOUND and asked_for is not None
        reading = Reading(
            everybody=False,
            agents=(agent,) if agent else (),
            gone=(asked_for,) if gone and asked_for else (),
        )
        self._announce(self.mapper.take(reading, ticket, received=self._clock.now()))

    def claim(self, agent: str | None, about: str, state: RecordingWord, *, cause: str) -> None:
        """Tell what the recorder says it did and does not show."""
        self._announce(
            self.mapper.claim(agent, about, state, received=self._clock.now(), cause=cause)
        )

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        state = self.mapper.state
        return {
            "connected": self.connected,
            "agents": self.mapper.agents,
            "agents_on_a_call": len(state.agents),
            "polled_at": state.polled_at.isoformat() if state.polled_at else None,
            "polls": self._poller.polls,
            "put_off": self._poller.put_off,
            "unknown_words": sorted(self.mapper.unknown_words),
        }

    async def look(self) -> tuple[Reading, int]:
        """Read everybody, with the ticket for it; changes nothing. Raises like `connect`."""
        ticket = self.mapper.ticket()
        if self._settings.agents:
            wanted = [(agent.identifier, agent.value) for agent in self._settings.agents]
            answers = await self._ask_each(wanted)
            bodies = [answer.body for answer in answers if answer.status == HTTPStatus.OK]
            return read_all(bodies), ticket
        answer = await self._recorder.everybody()
        found = answer.status == HTTPStatus.OK
        reading = read_all(answer.body) if found else Reading(found=False, complete=False)
        known = sorted(self.mapper.state.agents)
        if reading.agents or not known:
            return reading, ticket
        # Nobody is left? Too much depends on it: those who have calls are asked for one by one.
        each = await self._ask_each([(BY_ID, name) for name in known])
        present = read_all([one.body for one in each if one.status == HTTPStatus.OK])
        gone = [n for n, one in zip(known, each, strict=True) if one.status == HTTPStatus.NOT_FOUND]
        return (
            Reading(
                agents=present.agents,
                gone=tuple(gone),
                complete=False,
                found=found,
                odd=(*reading.odd, *present.odd),
            ),
            ticket,
        )

    def _announce(self, events: list[Event]) -> None:
        self._waiting += events
        if events:
            self._told.set()

    async def _ask_each(self, wanted: Sequence[tuple[str, str]]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(wanted)
        queue: Iterator[tuple[int, tuple[str, str]]] = iter(enumerate(wanted))

        async def ask() -> None:
            for place, (identifier, value) in queue:
                answers[place] = await self._recorder.agent(identifier, value)

        tasks = [
            asyncio.create_task(ask(), name=f"{self.name} agents")
            for _ in range(min(AT_ONCE, len(wanted)))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [answer for answer in answers if answer is not None]

    def _take(self, reading: Reading, ticket: int) -> Delivery | None:
        now, before = self._clock.now(), self.mapper.state.polled_at
        fresh = before is None
        interval = self._settings.interval_seconds
        gap = None if before is None else missed(self.name, before, now, interval)
        provenance = Provenance.SNAPSHOT if fresh else Provenance.POLLED
        if gap is not None:
            provenance = Provenance.RECONCILED
        events = self.mapper.take(reading, ticket, received=now, provenance=provenance)
        if gap is not None:
            # They are asked for by `snapshot`, between the beginning and the end of the gap.
            self._reconciled, events = events, []
        is_due = self._kept_at is None or now - self._kept_at >= timedelta(seconds=KEEP_SECONDS)
        if events or self._waiting or gap or is_due:
            return self._delivery(events, gap)
        return None

    def _delivery(self, events: Sequence[Event], gap: Gap | None = None) -> Delivery:
        waiting, self._waiting = self._waiting, []
        self._kept_at = self._clock.now()
        return Delivery(events=(*waiting, *events), resume=encode_state(self.mapper.state), gap=gap)
