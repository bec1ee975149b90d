"""The connector: feeds of agents, of statistics and of the configuration; commands to the agent they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors._wire.cookies import CookieStore
from connectors.genesys_engage_cloud import listings
from connectors.genesys_engage_cloud.auth import Tokens
from connectors.genesys_engage_cloud.client import ApiHttp
from connectors.genesys_engage_cloud.feed import PLATFORM_NAME, ApiFeed
from connectors.genesys_engage_cloud.feed_provisioning import ProvisioningFeed
from connectors.genesys_engage_cloud.feed_statistics import StatisticsFeed
from connectors.genesys_engage_cloud.feed_workspace import WorkspaceFeed
from connectors.genesys_engage_cloud.settings import GenesysEngageCloudSettings
from connectors.genesys_engage_cloud.vendor import AUTHENTICATION
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


class GenesysEngageCloud:
    """One site of the cloud, the agents whose accounts are configured, and what is watched beside them."""

    platform = PLATFORM_NAME

    def __init__(self, settings: GenesysEngageCloudSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._settings = settings
        self._context = context
        accounts = settings.all_accounts
        users = {account.name: account.user_name for account in accounts}
        agents = [WorkspaceFeed(settings, account, context, users) for account in accounts]
        self._agents = {feed.account.name: feed for feed in agents}
        feeds: list[ApiFeed] = [*agents]
        if settings.statistics is not None:
            feeds.append(StatisticsFeed(settings, settings.statistics, context))
        if settings.provisioning is not None:
            feeds.append(ProvisioningFeed(settings, settings.provisioning, context))
        self._feeds = tuple(feeds)
        self._by_name = {feed.name: feed for feed in self._feeds}
        self._names = {user: name for name, user in users.items()}

    @property
    def feeds(self) -> Sequence[Feed]:
        """One for each account, then statistics and provisioning, if they are configured."""
        return self._feeds

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """Agents, groups, queues, skills and states, asked for in the session of some agent."""
        return listings.KINDS if self._agents else frozenset()

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """A list as the platform gives it to the first agent whose feed is connected."""
        feed = next((each for each in self._agents.values() if each.connected), None)
        if feed is None:
            raise NotReady(f"no agent of connector {self.name!r} is connected")
        data = await feed.ask(listings.path_of(kind))
        entries, left_out = listings.listed(kind, data, self._names)
        return DirectoryListing(
            entries=entries, read_at=self._context.clock.now(), left_out=left_out
        )

    async def close(self) -> None:
        """Nothing is shared by the feeds but what the gateway owns."""

    async def execute(self, command: Command) -> Outcome:
        """Send a command over the session of the agent that it names."""
        agent = command.target.agent
        feed = self._agents.get(agent or "")
        if feed is None:
            raise CommandRefused(
                f"target.agent: {agent!r} is no agent of connector {self.name!r}",
                reason=Reason.NOT_FOUND,
                hint="use the agent's name from the configuration",
            )
        return await feed.execute(command)

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide a command to an agent whose feed is connected."""
        feed = self._agents.get(command.target.agent or "")
        return None if feed is None else feed.foresee(command)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """What changed while nobody listened on the feed."""
        return await self._by_name[feed.name].snapshot()

    async def probe(self) -> str:
        """Fetch a token of the first account, or of the client, and ask whether it is taken.

        A code or refresh token that can be used only once is left for the feed.
        """
        settings = self._settings
        account = next(iter(settings.all_accounts), None)
        credentials = settings.credentials_of(account.username if account else None)
        if not credentials.repeatable:
            credentials = settings.credentials_of(None)
        http = ApiHttp(
            self._context.http,
            base_url=settings.base_url,
            api_key=settings.api_key.get_secret_value(),
            cookies=CookieStore(),
            clock=self._context.clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        who = repr(credentials.username) if credentials.username else "the client"
        tokens = Tokens(
            credentials,
            http,
            self._context.clock,
            refresh_ahead_seconds=settings.refresh_ahead_seconds,
            who=f"account {who}" if credentials.username else who,
        )
        token = await tokens.renew()
        await http.call("GET", f"{AUTHENTICATION}/ping", bearer=token)
        return (
            f"Engage Cloud at {http.peer}; {who} has a token, {len(self._feeds)} feeds configured"
        )

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets: totals, and the first feeds one by one."""
        facts = {feed.name: feed.facts() for feed in self._feeds}
        return {
            "base_url": self._settings.base_url,
            "observe_only": self._settings.observe_only,
            "channels": list(self._settings.channels),
            "accounts": len(self._agents),
            "connected": sum(fact["connected"] for fact in facts.values()),
            "duplicates": sum(fact.get("duplicates", 0) for fact in facts.values()),
            "feeds": dict(list(facts.items())[:DIAGNOSED_FEEDS]),
        }


if TYPE_CHECKING:

    def _implements(
        connector: GenesysEngageCloud,
    ) -> tuple[Connector, CommandTarget, Snapshotter, Prober, Diagnosable, DirectoryReader]:
        return connector, connector, connector, connector, connector, connector

    def _feeds_implement(
        agent: WorkspaceFeed, statistics: StatisticsFeed, provisioning: ProvisioningFeed
    ) -> tuple[Feed, Feed, Feed]:
        return agent, statistics, provisioning
