"""The connector: one feed for each agent account, commands to the agent they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors._wire.cookies import CookieStore
from connectors.genesys_web_services.client import VERSION, AgentHttp
from connectors.genesys_web_services.feed import PLATFORM_NAME, AgentFeed
from connectors.genesys_web_services.settings import GenesysWebServicesSettings
from gateway.commands import Command, Outcome
from gateway.contracts import (
    CommandTarget,
    Connector,
    ConnectorContext,
    Diagnosable,
    Feed,
    Prober,
    Snapshotter,
)
from gateway.errors import CommandRefused, Reason
from gateway.events import Event

DIAGNOSED_FEEDS = 100


class GenesysWebServices:
    """One Web Services server and the agents whose accounts are configured."""

    platform = PLATFORM_NAME

    def __init__(self, settings: GenesysWebServicesSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._settings = settings
        self._context = context
        self._feeds = tuple(
            AgentFeed(settings, account, context) for account in settings.all_accounts
        )
        self._agents = {feed.account.name: feed for feed in self._feeds}
        self._by_name = {feed.name: feed for feed in self._feeds}

    @property
    def feeds(self) -> Sequence[Feed]:
        """One for each account."""
        return self._feeds

    async def close(self) -> None:
        """Nothing is shared by the feeds but what the gateway owns."""

    async def execute(self, command: Command) -> Outcome:
        """Send a command over the HTTP session of the agent that it names."""
        agent = command.target.agent
        feed = self._agents.get(agent or "")
        if feed is None:
            raise CommandRefused(
                f"target.agent: {agent!r} is no agent of connector {self.name!r}",
                reason=Reason.NOT_FOUND,
                hint="use the agent's name from the configuration",
            )
        return await feed.execute(command)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """What changed for the feed's agent while nobody listened."""
        return await self._by_name[feed.name].snapshot()

    async def probe(self) -> str:
        """Sign in the first account and ask for the server's version. The HTTP session is left to expire."""
        account = self._settings.all_accounts[0]
        http = AgentHttp(
            self._context.http,
            base_url=self._settings.base_url,
            username=account.username,
            password=account.password.get_secret_value(),
            cookies=CookieStore(),
            clock=self._context.clock,
            timeout_seconds=self._settings.request_timeout_seconds,
            max_reply_bytes=self._settings.max_reply_bytes,
        )
        await http.sign_in()
        version = (await http.get(VERSION)).get("version")
        shown = version if isinstance(version, str) else "of unknown version"
        return (
            f"Web Services {shown} at {http.peer}; {account.username!r} is signed in, "
            f"the first of {len(self._feeds)} accounts"
        )

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets: totals, and the first feeds one by one."""
        facts = {feed.name: feed.diagnostics() for feed in self._feeds}
        return {
            "base_url": self._settings.base_url,
            "observe_only": self._settings.observe_only,
            "topics": list(self._settings.topics),
            "accounts": len(facts),
            "connected": sum(fact["connected"] for fact in facts.values()),
            "duplicates": sum(fact["duplicates"] for fact in facts.values()),
            "feeds": dict(list(facts.items())[:DIAGNOSED_FEEDS]),
        }


if TYPE_CHECKING:

    def _implements(
        connector: GenesysWebServices,
    ) -> tuple[Connector, CommandTarget, Snapshotter, Prober, Diagnosable]:
        return connector, connector, connector, connector, connector
