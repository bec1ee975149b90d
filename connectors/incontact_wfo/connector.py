"""The connector: one feed that polls the tracker, commands over HTTP, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import msgspec

from connectors.incontact_wfo import commands
from connectors.incontact_wfo.client import Recorder
from connectors.incontact_wfo.commands import Who
from connectors.incontact_wfo.feed import PLATFORM_NAME, TrackerFeed
from connectors.incontact_wfo.mapping import Cause, read_agent, read_all
from connectors.incontact_wfo.settings import IncontactWfoSettings
from connectors.incontact_wfo.vendor import BY_ID
from gateway.commands import Command, Expectation, Outcome, Status
from gateway.contracts import (
    CommandTarget,
    Connector,
    ConnectorContext,
    Diagnosable,
    DirectoryEntry,
    DirectoryKind,
    DirectoryListing,
    DirectoryReader,
    Feed,
    Foreseeing,
    Prober,
    Snapshotter,
)
from gateway.errors import CommandRefused, ConnectionFailed, Reason
from gateway.events import Event


class IncontactWfo:
    """One inContact WFO recording API server."""

    platform = PLATFORM_NAME

    def __init__(self, settings: IncontactWfoSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._settings = settings
        self._clock = context.clock
        self._recorder = Recorder(settings, context.http)
        self._feed = TrackerFeed(settings, self._recorder, context)
        self._words = {word.lower(): meant for word, meant in settings.recording_states.items()}
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def feeds(self) -> Sequence[Feed]:
        """The one."""
        return (self._feed,)

    async def close(self) -> None:
        """Nothing is held but what the gateway owns."""

    async def execute(self, command: Command) -> Outcome:
        """Send a command, then read the agent to see what came of it; those about one agent keep their order."""
        who = commands.whom(
            command,
            identify_by=self._settings.identify_agents_by,
            holder=self._feed.mapper.holder_of(command.target.call),
        )
        request = commands.build(command, who, tag_fields=self._settings.tag_fields)
        order = self._orders.setdefault(self._known(who) or str(who), asyncio.Lock())
        async with order:
            self._feed.check_room()
            if who.call is not None:
                await self._check_call(who)
            cause = commands.cause_of(command)
            known = self._known(who)
            if known is not None:
                self._feed.mapper.causes[known] = cause
            try:
                answer = await self._recorder.send(request.path, request.body)
                outcome = commands.outcome_of(who, answer.status, answer.body)
                if outcome.status is not Status.ACCEPTED:
                    return outcome
                return await self._followed(command, who, outcome, cause)
            finally:
                self._forget(cause)

    def foresee(self, command: Command) -> Expectation | None:
        """What would prove a command to an agent whose id is known; of others any agent's recording would."""
        who = commands.whom(
            command,
            identify_by=self._settings.identify_agents_by,
            holder=self._feed.mapper.holder_of(command.target.call),
        )
        commands.build(command, who, tag_fields=self._settings.tag_fields)
        known = self._known(who)
        return None if known is None else commands.expectation(command, known)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:  # noqa: ARG002 - there is only one
        """What changed while nobody looked; the poll that found the gap has read it."""
        return self._feed.take_reconciled()

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """The agents of the tracker."""
        return frozenset({DirectoryKind.AGENTS})

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """The agents of the tracker, with what they can be found by. Raises like `Feed.connect`."""
        del kind
        reading, _ = await self._feed.look()
        return DirectoryListing(
            entries=[
                DirectoryEntry(
                    id=agent.id, name=agent.names.get("Username", agent.id), details=agent.names
                )
                for agent in reading.agents
            ],
            read_at=self._clock.now(),
        )

    async def probe(self) -> str:
        """Read the tracker once."""
        peer = self._recorder.peer
        if self._settings.agents:
            first = self._settings.agents[0]
            answer = await self._recorder.agent(first.identifier, first.value)
            found = "is" if answer.status == HTTPStatus.OK else "is not"
            return f"recorder at {peer}; agent {first.value!r} {found} in the tracker"
        answer = await self._recorder.everybody()
        if answer.status != HTTPStatus.OK:
            return f"recorder at {peer}: HTTP 404, the tracker is empty or the server has no GetAll"
        agents = read_all(answer.body).agents
        busy = sum(any(call.active for call in agent.calls) for agent in agents)
        return f"recorder at {peer}; {len(agents)} agents in the tracker, {busy} on a call"

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        return {
            "base_url": self._settings.base_url,
            "authentication": "none" if self._settings.username is None else "basic",
            "time_zone": self._settings.time_zone,
            **self._feed.diagnostics(),
        }

    def _known(self, who: Who) -> str | None:
        """The agent's id, as far as it is known."""
        if who.identifier == BY_ID:
            return who.value
        return self._feed.mapper.agent_of(who.identifier, who.value)

    async def _check_call(self, who: Who) -> None:
        """The recorder acts on whatever call the agent has: it must be the one that is meant."""
        answer = await self._recorder.agent(who.identifier, who.value)
        agent = read_agent(answer.body) if answer.status == HTTPStatus.OK else None
        calls = agent.calls if agent else ()
        if not any(call.active and who.call in {call.id, call.key} for call in calls):
            raise CommandRefused(
                f"target.call: {who.call!r} is not the active call of agent {who.value}",
                reason=Reason.NOT_FOUND,
            )

    async def _followed(
        self, command: Command, who: Who, outcome: Outcome, cause: Cause
    ) -> Outcome:
        """Read the agent: the recorder's 200 says that it did something, the tracker shows what."""
        feed = self._feed
        known = self._known(who)
        ticket = feed.mapper.ticket()
        agent = None
        try:
            read = await self._recorder.agent(who.identifier, who.value)
        except ConnectionFailed:
            # The command was taken; the next poll shows what came of it.
            pass
        else:
            agent = read_agent(read.body) if read.status == HTTPStatus.OK else None
            if agent is not None:
                feed.mapper.causes.setdefault(agent.id, cause)
            feed.read(read, ticket, asked_for=known)
        awaited = commands.expectation(command, agent.id if agent else known)
        if cause.seen:
            return msgspec.structs.replace(outcome, expectation=awaited)
        if agent is not None and commands.shows(command, agent, self._words):
            return msgspec.structs.replace(
                outcome, status=Status.DONE, message="the recorder shows that it was so already"
            )
        if (state := commands.CLAIMED.get(command.verb)) is not None:
            feed.claim(agent.id if agent else known, str(who), state, cause=command.id)
        return msgspec.structs.replace(outcome, expectation=awaited)

    def _forget(self, cause: Cause) -> None:
        causes = self._feed.mapper.causes
        for agent in [name for name, one in causes.items() if one is cause]:
            del causes[agent]


if TYPE_CHECKING:

    def _implements(
        connector: IncontactWfo,
    ) -> tuple[
        Connector, CommandTarget, Foreseeing, Snapshotter, Prober, Diagnosable, DirectoryReader
    ]:
        return connector, connector, connector, connector, connector, connector, connector
