"""The feed of one agent's session.

A feed is connected while the platform answers it, whether or not the agent has a session: where there
is none, it is looked for at a slow rhythm. What follows an interruption depends on what the platform
answers to the last name of the session: events, and nothing is missing; the current states, and what
was missed cannot be known; that the session is over; or that it knows no such session.
Source: NICE inContact developer portal, "Using Events" and "Agent Session Events"; method reference,
"Get Next Event"; FAQ, "Agent API Questions".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from connectors._wire.http_errors import as_lost
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.mapping import Mapper, Origin, is_end, is_start
from connectors.nice_incontact.session.requests import Life, Polled, SessionRequests
from connectors.nice_incontact.session.state import FeedResume, decode_resume, encode_resume
from connectors.nice_incontact.settings import Agent, NiceIncontactSettings
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import (
    AuthRejected,
    ConfigError,
    ConnectionFailed,
    NotConnected,
    Reason,
)
from gateway.events import Event, event_id, source_of

PLATFORM_NAME = "nice_incontact"
SEEN_EVERY_SECONDS = 60.0
"""How often a session without events is written down as seen, which bounds a later gap."""
QUICK_SECONDS = 1.0
"""A poll without events that is answered sooner than it was to be held is not repeated sooner than this."""


class SessionFeed:
    """The feed of one agent, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self, settings: NiceIncontactSettings, agent: Agent, api: Api, context: ConnectorContext
    ) -> None:
        self.agent = agent
        self.name = f"{context.name}/{agent.agent_id}"
        self.guarantee = Guarantee.SNAPSHOT
        self.api = api
        self._settings = settings
        self._clock = context.clock
        self.requests = SessionRequests(api, agent, settings.sessions)
        self._origin = Origin(
            feed=self.name,
            source=source_of(context.name, PLATFORM_NAME),
            agent=agent.agent_id,
            keep_payload=settings.keep_payload,
        )
        self.mapper = Mapper(self._origin)
        self._connected = False
        self._start = ""
        self._cursor = ""
        self._seen_at = 0.0
        self._written_at = 0.0
        self._wants_start = settings.sessions.mode == "start"
        self._owed = ""
        # The name whose first answer is expected to be the session's beginning, and how it came about.
        self._fresh = ""
        self._started = False
        # What was found out and is told by the next delivery.
        self._pending_events: list[Event] = []
        self._pending_gap: Gap | None = None
        self._states: tuple[Any, ...] | None = None
        self._must_write = False
        self._task: asyncio.Task[Polled] | None = None
        self._pausing = False
        self._wake = asyncio.Event()
        self._duplicates = 0
        self._polls = 0
        self._joins = 0

    @property
    def connected(self) -> bool:
        """Whether the platform answers."""
        return self._connected

    @property
    def cursor(self) -> str:
        """The newest name of the session, empty if the agent has none that is followed."""
        return self._cursor

    async def connect(self, resume: bytes | None) -> Link:
        """Go on with the kept session, or join or start one, as the contract says."""
        await self.close()
        kept = self._restore(resume)
        await self.api.tokens.current()
        resumed = bool(self._cursor) and await self._go_on(kept)
        if not self._cursor:
            await self._begin()
        self._connected = True
        return Link(session=self._public_name(), resumed=resumed)

    async def receive(self) -> Delivery:
        """The next events, mapped. Cancelled, the poll goes on and its answer is returned by the next call."""
        if not self._connected:
            raise NotConnected(f"the feed {self.name!r} is not connected", reason=Reason.STOPPED)
        try:
            while True:
                if (delivery := self._first()) is not None:
                    return delivery
                if not self._cursor:
                    await self._wait_for_session()
                    continue
                polled = await self._polled()
                if (delivery := self._delivery(polled)) is not None:
                    return delivery
        except ConnectionFailed as error:
            self._connected = False
            raise as_lost(error) from None
        except ConfigError as error:
            # The contract of `receive` has no configuration error: connecting will tell it.
            self._connected = False
            raise AuthRejected(error.message, reason=error.reason, hint=error.hint) from error

    async def commit(self, delivery: Delivery) -> None:
        """The delivery is durable. The platform is told by the next poll, whose name says how far we are."""

    async def drain(self) -> Delivery | None:
        """Take what the platform holds. The session goes on: it is the agent's."""
        polled = await self._stopped_poll()
        if self._cursor and polled is None:
            polled = await self.requests.poll(self._cursor, 0)
        delivery = None if polled is None else self._delivery(polled, clean=True)
        return delivery or self._first(clean=True) or self._made([], clean=True)

    async def close(self) -> None:
        """Stop polling. The session lives on at the platform."""
        self._connected = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                # Whatever it ended with, the place in the session was not moved.
                task.exception()

    async def snapshot(self) -> list[Event]:
        """What the platform says now, as the events that lead there from what was told last."""
        states, self._states = self._states, None
        if states is None and self._cursor:
            states = await self._read_states()
        # From here on the picture has it; if the process ends before a delivery that says so, it is read again.
        occasion, self._owed = f"gap {self._owed}", ""
        self._must_write = True
        return self._adopt(states, occasion)

    def _adopt(self, states: tuple[Any, ...] | None, occasion: str) -> list[Event]:
        """What leads to the states that were read; None of them: there is no session."""
        received = self._clock.now()
        if not self._cursor:
            return self.mapper.absent(occasion=occasion, received=received, reconciled=True)
        if not states:
            return []
        return self.mapper.adopt(states, occasion=occasion, received=received, reconciled=True)

    def follow(self, start: str) -> None:
        """A command started a session: the poll goes on with it."""
        self._start = self._cursor = self._fresh = start
        self._started = True
        self._wants_start = self._settings.sessions.mode == "start"
        self._wake.set()

    def look(self) -> None:
        """Look for a session now instead of at the next turn."""
        self._wake.set()

    def stay_away(self) -> None:
        """The session was ended on purpose: it is not started again."""
        self._wants_start = False

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        picture = self.mapper.picture
        return {
            "connected": self._connected,
            "session": bool(self._cursor),
            "state": picture.standing.native_state if picture.standing else None,
            "contacts": len(picture.contacts),
            "polls": self._polls,
            "joins": self._joins,
            "duplicates": self._duplicates + self.mapper.duplicates,
        }

    def _restore(self, resume: bytes | None) -> FeedResume | None:
        """Take up the kept state. The one in memory may be ahead of the journal, so it is not used."""
        kept = decode_resume(resume) if resume is not None else None
        in_memory = self._cursor
        self._duplicates += self.mapper.duplicates
        self.mapper = Mapper(self._origin, kept.picture if kept else None)
        self._pending_events, self._pending_gap, self._states = [], None, None
        self._owed = kept.owed if kept else ""
        self._start = kept.start if kept else ""
        self._cursor = kept.cursor if kept else ""
        self._fresh = ""
        self._must_write = self._pausing = False
        self._seen_at = kept.seen_at if kept else 0.0
        if kept is not None:
            self._wants_start = self._settings.sessions.mode == "start" and kept.wants_start
        if resume is not None and kept is None:
            self._pending_gap = Gap(key=event_id(self.name, resume.hex()), reason="corrupt")
        elif kept is not None and kept.cursor and not kept.clean and kept.cursor != in_memory:
            # A process that was killed may have taken an answer that the journal does not have.
            self._pending_gap = self._gap("unclean_stop")
        return kept

    async def _go_on(self, kept: FeedResume | None) -> bool:
        """Whether the kept session goes on. Its first answer is kept for the first delivery."""
        polled = await self.requests.poll(self._cursor, 0)
        if polled.life is Life.UNKNOWN:
            self._lose("session_lost")
            return False
        if polled.life is Life.ENDED:
            self._lose("session_ended")
            self._wants_start = False
            return False
        if kept is not None and kept.owed:
            await self._pay(kept.owed, polled)
        else:
            self._take(polled)
        return True

    async def _pay(self, owed: str, polled: Polled) -> None:
        """The states that were read after an earlier gap are not in the picture: read them on the same occasion."""
        self._take(polled)
        states, self._states = self._states, None
        if states is None and self._cursor:
            states = await self._read_states()
        self._owed = ""
        self._pending_events += self._adopt(states, f"gap {owed}")

    async def _begin(self) -> None:
        """Start a session if that is wanted, else join the one that the agent has."""
        start = await self.requests.start() if self._wants_start else None
        if start is not None:
            self.follow(start)
        elif (start := await self.requests.join()) is not None:
            self._join(start)
        if start is None:
            if self._pending_gap is None:
                self._pending_events += self.mapper.absent(
                    occasion=f"absent {self.mapper.picture.session or ''}",
                    received=self._clock.now(),
                )
            return
        # The platform keeps events for us from the first answer on, so it is asked for at once.
        polled = await self.requests.poll(start, 0)
        if self._pending_gap is not None and polled.events:
            # They are told by the snapshot that the supervisor asks for after the gap.
            self._cursor = polled.cursor or start
            self._fresh, self._states = "", polled.events
            self._saw()
        elif polled.life is Life.GOES_ON:
            self._take(polled)

    def _join(self, start: str) -> None:
        """The first answer to this name has the current states."""
        self._joins += 1
        self._start = self._cursor = self._fresh = start
        self._started = False

    async def _read_states(self) -> tuple[Any, ...] | None:
        """The current states, by the name that the session began with; None if it is over meanwhile."""
        polled = await self.requests.poll(self._start or self._cursor, 0)
        self._fresh = ""
        self._saw()
        if polled.life is not Life.GOES_ON:
            if polled.life is Life.UNKNOWN:
                raise NotConnected(
                    f"{self.api.peer} knows no session of agent {self.agent.agent_id} any more",
                    reason=Reason.SESSION_LOST,
                )
            self._over()
            return None
        self._cursor = polled.cursor or self._cursor
        return polled.events

    async def _wait_for_session(self) -> None:
        """Wait for a turn and look once whether the agent has a session by now."""
        turns = (
            asyncio.create_task(self._wake.wait(), name=f"{self.name} wake"),
            asyncio.create_task(
                self._clock.sleep(self._settings.sessions.join_interval_seconds),
                name=f"{self.name} turn",
            ),
        )
        try:
            await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for turn in turns:
                turn.cancel()
            await asyncio.wait(turns)
        self._wake.clear()
        if self._cursor:
            return
        start = await self.requests.join()
        self._saw()
        if start is not None and not self._cursor:
            self._join(start)

    async def _polled(self) -> Polled:
        """The answer of the poll under way. Cancelled, the poll goes on: its answer may be lost otherwise."""
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name=f"{self.name} poll")
        await asyncio.wait({self._task})
        task, self._task = self._task, None
        return task.result()

    async def _poll(self) -> Polled:
        if self._pausing:
            await self._clock.sleep(QUICK_SECONDS)
        held = self._settings.sessions.poll_timeout_seconds
        began = self._clock.monotonic()
        polled = await self.requests.poll(self._cursor, held)
        self._pausing = not polled.events and self._clock.monotonic() - began < min(
            QUICK_SECONDS, held
        )
        return polled

    async def _stopped_poll(self) -> Polled | None:
        """The answer of the poll under way if it is there already; else the poll is given up."""
        task, self._task = self._task, None
        if task is None:
            return None
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        return None if task.cancelled() else task.result()

    def _delivery(self, polled: Polled, *, clean: bool = False) -> Delivery | None:
        """What an answer comes to; None if nothing is to be told or written down."""
        self._polls += 1
        if polled.life is Life.UNKNOWN:
            raise NotConnected(
                f"{self.api.peer} knows no session of agent {self.agent.agent_id} any more",
                reason=Reason.SESSION_LOST,
            )
        if polled.life is Life.ENDED:
            events = self._ended()
            self._over()
            return self._made(events, clean=clean)
        self._take(polled)
        delivery = self._first(clean=clean)
        due = self._seen_at - self._written_at >= SEEN_EVERY_SECONDS
        if delivery is None and (due or clean):
            delivery = self._made([], clean=clean)
        return delivery

    def _take(self, polled: Polled) -> None:
        """Map an answer's events for the next delivery, or keep the current states that it has instead."""
        polled_with, received = self._cursor, self._clock.now()
        self._cursor = polled.cursor or self._cursor
        self._saw()
        told = polled.events
        if not told:
            return
        fresh, self._fresh = polled_with == self._fresh, ""
        if fresh and not self._started:
            self._pending_events += self.mapper.adopt(
                told, occasion=f"start {polled_with}", received=received, reconciled=False
            )
        elif not fresh and self.mapper.picture.session is not None and any(map(is_start, told)):
            # Our name was not the newest: another answer was given out for it, and nobody has it.
            self._pending_gap = self._pending_gap or self._gap("expired", polled_with)
            self._states = told
            return
        else:
            self._pending_events += self.mapper.map(told, cursor=polled_with, received=received)
        if any(map(is_end, told)):
            self._over()

    def _ended(self) -> list[Event]:
        """The session is over, and the event that says so was not heard."""
        return self.mapper.absent(
            occasion=f"end {self._cursor}", received=self._clock.now(), live=True
        )

    def _over(self) -> None:
        """There is no session any more. Whoever ended it does not find it started again."""
        self._start = self._cursor = self._fresh = ""
        self._wants_start = False
        self._states = None

    def _lose(self, reason: str) -> None:
        self._pending_gap = self._pending_gap or self._gap(reason)
        self._start = self._cursor = ""

    def _first(self, *, clean: bool = False) -> Delivery | None:
        """What waits to be told."""
        if not (self._pending_events or self._pending_gap or self._must_write):
            return None
        self._must_write = False
        events, self._pending_events = self._pending_events, []
        gap, self._pending_gap = self._pending_gap, None
        if gap is not None:
            self._owed = gap.key
        return self._made(events, gap=gap, clean=clean and gap is None)

    def _made(
        self, events: Sequence[Event], *, gap: Gap | None = None, clean: bool = False
    ) -> Delivery:
        self._written_at = self._seen_at
        return Delivery(events=tuple(events), resume=self._resume(clean=clean), gap=gap)

    def _resume(self, *, clean: bool) -> bytes:
        return encode_resume(
            FeedResume(
                picture=self.mapper.picture,
                start=self._start,
                cursor=self._cursor,
                seen_at=self._seen_at,
                clean=clean,
                owed=self._owed,
                wants_start=self._wants_start,
            )
        )

    def _gap(self, reason: str, cursor: str | None = None) -> Gap:
        kept = FeedResume(picture=self.mapper.picture, seen_at=self._seen_at)
        place = self._cursor if cursor is None else cursor
        return Gap(
            key=event_id(self.name, "gap", self._start, place), reason=reason, since=kept.since
        )

    def _saw(self) -> None:
        self._seen_at = self._clock.now().timestamp()

    def _public_name(self) -> str:
        """Names the session without giving it away."""
        return event_id("session", self._start)[:16] if self._start else "none"
