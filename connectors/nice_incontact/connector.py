"""The connector: one feed for each agent's session, those that poll, and commands to the agent they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors._wire.arguments import target
from connectors.nice_incontact import polls, sending
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.directory import Directory
from connectors.nice_incontact.session import PLATFORM_NAME, SessionFeed
from connectors.nice_incontact.settings import Agent, NiceIncontactSettings, SignIn
from connectors.nice_incontact.signin import Tokens
from gateway.commands import Command, Expectation, Outcome
from gateway.contracts import (
    CommandTarget,
    Connector,
    ConnectorContext,
    Diagnosable,
    DirectoryKind,
    DirectoryListing,
    DirectoryReader,
    Feed,
    Prober,
    Snapshotter,
)
from gateway.errors import CommandRefused, NotReady, Reason
from gateway.events import Event

DIAGNOSED_FEEDS = 100


class NiceIncontact:
    """One business unit, seen by one user, application or access key."""

    platform = PLATFORM_NAME

    def __init__(self, settings: NiceIncontactSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._settings = settings
        self._context = context
        self.api = self._api_of(settings.sign_in)
        self._sessions = tuple(self._session_of(agent) for agent in settings.all_agents)
        self._agents = {feed.agent.agent_id: feed for feed in self._sessions}
        self._by_name = {feed.name: feed for feed in self._sessions}
        self._polls = polls.build(settings, self.api, connector=context.name, clock=context.clock)
        self._directory = Directory(self.api, context.clock)

    @property
    def feeds(self) -> Sequence[Feed]:
        """One for each agent, and those that poll."""
        return (*self._sessions, *self._polls)

    async def close(self) -> None:
        """Nothing is shared by the feeds but tokens, which end by themselves."""

    async def execute(self, command: Command) -> Outcome:
        """Send a command over the session of the agent that it names, or as an administrator without one."""
        agent = target(command, "agent")
        feed = self._agents.get(agent)
        if feed is None:
            if self._settings.sign_in.method == "client":
                raise CommandRefused(
                    f"{command.verb.value}: client tokens serve no user's calls",
                    reason=Reason.FORBIDDEN,
                    hint="use another sign_in.method",
                )
            return await sending.administrate(self.api, command, agent)
        return await sending.carry_out(feed, command)

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide a command to an agent whose session is followed."""
        feed = self._agents.get(target(command, "agent"))
        return None if feed is None else sending.foresee(feed, command)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """What changed for the feed's agent while nobody listened; a feed that polls has compared by itself."""
        if isinstance(feed, polls.PollFeed):
            return feed.take_reconciled()
        return await self._by_name[feed.name].snapshot()

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """Agents, teams, skills, unavailable codes and dispositions."""
        return self._directory.kinds

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """One list, as the platform has it now."""
        return await self._directory.read(kind)

    async def probe(self) -> str:
        """Sign in and ask for the server's time."""
        await self.api.tokens.current()
        try:
            await self.api.get("server-time")
        except NotReady as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
        held = self.api.tokens.held
        unit = held.business_unit if held is not None else None
        return (
            f"NICE inContact at {self.api.peer}, {self._settings.api_version}, business unit "
            f"{unit or 'untold'}; {self.api.tokens.who} is signed in; {len(self._sessions)} agents"
        )

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets: totals, and the first feeds one by one."""
        facts = {feed.name: feed.diagnostics() for feed in self._sessions}
        return {
            "api": self.api.peer,
            "api_version": self._settings.api_version,
            "sign_in": self._settings.sign_in.method,
            "tokens": self.api.tokens.fetched,
            "agents": len(facts),
            "connected": sum(fact["connected"] for fact in facts.values()),
            "sessions": sum(fact["session"] for fact in facts.values()),
            "duplicates": sum(fact["duplicates"] for fact in facts.values()),
            "feeds": dict(list(facts.items())[:DIAGNOSED_FEEDS]),
            "polls": {feed.name: feed.diagnostics() for feed in self._polls},
        }

    def _api_of(self, sign_in: SignIn) -> Api:
        settings, context = self._settings, self._context
        tokens = Tokens(
            context.http,
            sign_in,
            context.clock,
            ahead_seconds=settings.refresh_ahead_seconds,
            timeout_seconds=settings.request_timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        return Api(context.http, settings, tokens)

    def _session_of(self, agent: Agent) -> SessionFeed:
        settings = self._settings
        api = self._api_of(settings.sign_in_of(agent)) if agent.signs_in else self.api
        return SessionFeed(settings, agent, api, self._context)


if TYPE_CHECKING:

    def _implements(
        connector: NiceIncontact,
    ) -> tuple[Connector, CommandTarget, Snapshotter, Prober, Diagnosable, DirectoryReader]:
        return connector, connector, connector, connector, connector, connector
