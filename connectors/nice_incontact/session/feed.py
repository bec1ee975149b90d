"""The feed of one agent's session: joining or starting it, and the long poll.

A feed is connected while the platform answers it, whether or not the agent has a session: where there
is none, it is looked for at a slow rhythm. The place in the session, and what an answer means for it,
are in `place`.
Source: NICE inContact method reference, "Agent Sessions" and "Get Next Event"; FAQ, "Agent API
Questions".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors._wire.http_errors import as_lost
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.mapping import Mapper, Origin
from connectors.nice_incontact.session.place import Place
from connectors.nice_incontact.session.polled import Life, Polled
from connectors.nice_incontact.session.requests import SessionRequests
from connectors.nice_incontact.settings import Agent, NiceIncontactSettings
from gateway.contracts import ConnectorContext, Delivery, Guarantee, Link
from gateway.errors import (
    AuthRejected,
    ConfigError,
    ConnectionFailed,
    NotConnected,
    NotReady,
    Reason,
)
from gateway.events import Event, source_of

PLATFORM_NAME = "nice_incontact"
QUICK_SECONDS = 1.0
"""A poll without events that is answered sooner than it was to be held is not repeated sooner than this."""
PATIENCE_SECONDS = 1.0
"""A poll that is to be given up is waited for so long."""


class SessionFeed:
    """The feed of one agent, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self, settings: NiceIncontactSettings, agent: Agent, api: Api, context: ConnectorContext
    ) -> None:
        self.agent = agent
        self.name = f"{context.name}/{agent.agent_id}"
        self.guarantee = Guarantee.SNAPSHOT
        self.api = api
        self._settings = settings.sessions
        self._clock = context.clock
        self.requests = SessionRequests(api, agent, settings.sessions)
        self._place = Place(
            Origin(
                feed=self.name,
                source=source_of(context.name, PLATFORM_NAME),
                agent=agent.agent_id,
                keep_payload=settings.keep_payload,
            )
        )
        self._connected = False
        self._task: asyncio.Task[Polled] | None = None
        self._pausing = False
        self._wake = asyncio.Event()
        self._polls = 0
        self._joins = 0

    @property
    def connected(self) -> bool:
        """Whether the platform answers."""
        return self._connected

    @property
    def cursor(self) -> str:
        """The newest name of the session, empty if the agent has none that is followed."""
        return self._place.cursor

    @property
    def mapper(self) -> Mapper:
        """The agent as it was told so far."""
        return self._place.mapper

    async def connect(self, resume: bytes | None) -> Link:
        """Go on with the kept session, or join or start one, as the contract says."""
        await self.close()
        self._pausing = False
        self._place.restore(resume)
        await self.api.tokens.current()
        resumed = bool(self._place.cursor) and await self._go_on()
        if not self._place.cursor:
            await self._begin()
        self._connected = True
        return Link(session=self._place.public_name, resumed=resumed)

    async def receive(self) -> Delivery:
        """The next events, mapped. Cancelled, the poll goes on and its answer is returned by the next call."""
        if not self._connected:
            raise NotConnected(f"the feed {self.name!r} is not connected", reason=Reason.STOPPED)
        try:
            while (delivery := self._place.delivery()) is None:
                if self._place.cursor:
                    polled = await self._polled()
                    if polled is not None:
                        self._take(polled)
                else:
                    await self._wait_for_session()
        except ConnectionFailed as error:
            self._connected = False
            raise as_lost(error) from None
        except ConfigError as error:
            # The contract of `receive` has no configuration error: connecting will tell it.
            self._connected = False
            raise AuthRejected(error.message, reason=error.reason, hint=error.hint) from error
        return delivery

    async def commit(self, delivery: Delivery) -> None:
        """The delivery is durable. The platform is told by the next poll, whose name says how far we are."""

    async def drain(self) -> Delivery | None:
        """Take what the platform holds. The session goes on: it is the agent's."""
        polled = await self._stopped_poll()
        if polled is None and self._place.cursor:
            polled = await self.requests.poll(self._place.cursor, 0)
        if polled is not None:
            self._take(polled)
        return self._place.delivery(clean=True, always=True)

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
        """What the platform says now, as the events that lead there from what was told last.

        Asked for after a gap, or to be sure: then a poll may be under way. It is given up, for its name would be an
        old one once the states are read; what it had already is told first.
        """
        place = self._place
        if (polled := await self._stopped_poll()) is not None:
            self._take(polled)
        states = await self._states()
        # From here on the picture has it; if the process ends before a delivery that says so, it is read again.
        occasion = f"gap {place.owed}" if place.owed else f"look {place.cursor}"
        place.owed = ""
        return [*place.take_events(), *place.reconciled(states, occasion, self._clock.now())]

    def follow(self, start: str) -> None:
        """A command started a session: the poll goes on with it."""
        self._place.begin(start, joined=False)
        self._wake.set()

    def look(self) -> None:
        """Look for a session now instead of at the next turn."""
        self._wake.set()

    def tell_tones(self, call: str, command: str) -> None:
        """The platform took tones of a command: told at once, for no poll will."""
        self._place.tell_tones(call, command, self._clock.now())
        self._wake.set()

    def stay_away(self) -> None:
        """The session was ended on purpose: it is not started again."""
        self._place.left = True

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        picture = self.mapper.picture
        return {
            "connected": self._connected,
            "session": bool(self._place.cursor),
            "state": picture.standing.native_state if picture.standing else None,
            "contacts": len(picture.contacts),
            "polls": self._polls,
            "joins": self._joins,
            "duplicates": self._place.duplicates,
        }

    async def _go_on(self) -> bool:
        """Whether the kept session goes on. Its first answer waits for the first delivery."""
        place = self._place
        polled = await self.requests.poll(place.cursor, 0)
        if polled.life is not Life.GOES_ON:
            ended = polled.life is Life.ENDED
            place.lose("session_ended" if ended else "session_lost")
            place.left = place.left or ended
            return False
        place.take(polled, self._clock.now())
        if place.owed:
            # What was read after an earlier gap is not in the picture: read it on the same occasion.
            owed, place.owed = place.owed, ""
            place.tell_states(await self._states(), f"gap {owed}", self._clock.now())
        return True

    async def _begin(self) -> None:
        """Start a session if that is wanted, else join the one that the agent has."""
        place = self._place
        wanted = self._settings.mode == "start" and not place.left
        start = await self.requests.start() if wanted else None
        if start is not None:
            place.begin(start, joined=False)
        elif not await self._join():
            place.tell_absence(self._clock.now())
            return
        # The platform keeps events for us from the first answer on, so it is asked for at once.
        polled = await self.requests.poll(place.cursor, 0)
        if polled.life is Life.UNKNOWN:
            raise NotReady(
                f"{self.api.peer} does not know the session of agent {self.agent.agent_id} that was just joined",
                reason=Reason.SESSION_LOST,
            )
        if polled.life is Life.ENDED:
            place.tell_end(self._clock.now())
        else:
            place.take(polled, self._clock.now())

    async def _join(self) -> bool:
        """Join the session that the agent has, unless a command has just started one."""
        start = await self.requests.join()
        self._place.saw(self._clock.now())
        if start is None or self._place.cursor:
            return False
        self._joins += 1
        self._place.begin(start, joined=True)
        return True

    async def _states(self) -> tuple[Any, ...] | None:
        """The current states: those that an answer had, or read by the name that the session began with."""
        place = self._place
        states = place.take_states()
        if states is not None or not place.cursor:
            return states
        polled = await self.requests.poll(place.start or place.cursor, 0)
        if polled.life is Life.UNKNOWN:
            raise self._unknown()
        if polled.life is Life.ENDED:
            place.over()
            return None
        place.move(polled, self._clock.now())
        return polled.events

    async def _wait_for_session(self) -> None:
        """Wait for a turn and look once whether the agent has a session by now."""
        turns = (
            asyncio.create_task(self._wake.wait(), name=f"{self.name} wake"),
            asyncio.create_task(
                self._clock.sleep(self._settings.join_interval_seconds), name=f"{self.name} turn"
            ),
        )
        try:
            await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for turn in turns:
                turn.cancel()
            await asyncio.wait(turns)
        self._wake.clear()
        if not self._place.cursor:
            await self._join()

    async def _polled(self) -> Polled | None:
        """The answer of the poll under way, or None when something else is to be told before it comes.

        Cancelled, the poll goes on: its answer may be lost otherwise.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name=f"{self.name} poll")
        woken = asyncio.create_task(self._wake.wait(), name=f"{self.name} wake")
        try:
            await asyncio.wait({self._task, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            await asyncio.wait({woken})
        self._wake.clear()
        if not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    async def _poll(self) -> Polled:
        if self._pausing:
            await self._clock.sleep(QUICK_SECONDS)
        held = self._settings.poll_timeout_seconds
        began = self._clock.monotonic()
        polled = await self.requests.poll(self._place.cursor, held)
        lasted = self._clock.monotonic() - began
        self._pausing = not polled.events and lasted < min(QUICK_SECONDS, held)
        return polled

    async def _stopped_poll(self) -> Polled | None:
        """The answer of the poll under way if it comes soon; else the poll is given up.

        An answer that is on its way when a poll is given up is lost, and the platform gives none twice. Where much
        happens the next answer is near, and nothing is on its way when it has come.
        """
        task = self._task
        if task is None:
            return None
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        self._task = None
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        return None if task.cancelled() else task.result()

    def _take(self, polled: Polled) -> None:
        """What an answer of the poll comes to."""
        self._polls += 1
        if polled.life is Life.UNKNOWN:
            raise self._unknown()
        if polled.life is Life.ENDED:
            self._place.tell_end(self._clock.now())
        else:
            self._place.take(polled, self._clock.now())

    def _unknown(self) -> NotConnected:
        return NotConnected(
            f"{self.api.peer} knows no session of agent {self.agent.agent_id} any more",
            reason=Reason.SESSION_LOST,
        )
