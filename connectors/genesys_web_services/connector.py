"""The connector: one feed for each agent account, commands to the agent they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors._wire.cookies import CookieStore
from connectors.genesys_web_services import listings
from connectors.genesys_web_services.client import VERSION, AgentHttp
from connectors.genesys_web_services.directory import Directory, DirectoryFeed
from connectors.genesys_web_services.feed import PLATFORM_NAME, AgentFeed
from connectors.genesys_web_services.settings import Account, GenesysWebServicesSettings
from connectors.genesys_web_services.statistics import StatisticsFeed, doubts
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
from gateway.events import Event, source_of

DIAGNOSED_FEEDS = 100


class GenesysWebServices:
    """One Web Services server and the agents whose accounts are configured."""

    platform = PLATFORM_NAME

    def __init__(self, settings: GenesysWebServicesSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._settings = settings
        self._context = context
        self._directory = Directory()
        self._agent_feeds = tuple(
            AgentFeed(settings, account, context, self._directory)
            for account in settings.all_accounts
        )
        self._site_feeds = self._feeds_of_the_site()
        self._agents = {feed.account.name: feed for feed in self._agent_feeds}
        self._by_name = {feed.name: feed for feed in self._agent_feeds}

    @property
    def feeds(self) -> Sequence[Feed]:
        """One for each account, and those of the site."""
        return (*self._agent_feeds, *self._site_feeds)

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """Those of the dictionaries that are read: none without the setting `directory`."""
        settings = self._settings.directory
        return listings.kinds_of(settings.dictionaries) if settings else frozenset()

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """A dictionary as it was last read."""
        name = listings.DICTIONARY_OF[kind]
        reading = self._directory.reading(name)
        if reading is None:
            raise NotReady(
                f"{name} of {self.name!r} could not be read yet",
                reason=Reason.NOT_FOUND,
                hint="the connector's diagnostics say whether the account may read it",
            )
        read_at, left_out = reading
        aliases = {account.username: account.name for account in self._settings.all_accounts}
        entries = listings.listed(kind, self._directory.dictionaries[name], aliases)
        return DirectoryListing(entries=entries, read_at=read_at, left_out=left_out)

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
        return await feed.execute(self._directory.resolved(command))

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide a command to an agent whose feed is connected."""
        feed = self._agents.get(command.target.agent or "")
        return None if feed is None else feed.foresee(self._directory.resolved(command))

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """What changed for the feed's agent while nobody listened; the site's feeds miss nothing that can be read."""
        agent = self._by_name.get(feed.name)
        return () if agent is None else await agent.snapshot()

    async def probe(self) -> str:
        """Sign in the first account and ask for the server's version. The HTTP session is left to expire."""
        account = self._settings.all_accounts[0]
        http = self._http_of(account)
        await http.sign_in()
        version = (await http.get(VERSION)).get("version")
        shown = version if isinstance(version, str) else "of unknown version"
        return (
            f"Web Services {shown} at {http.peer}; {account.username!r} is signed in, "
            f"the first of {len(self._agent_feeds)} accounts"
        ) + "".join(f"; statistic {said}" for said in self._doubts())

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets: totals, and the first feeds one by one."""
        facts = {feed.name: feed.diagnostics() for feed in self._agent_feeds}
        services = {
            name: state for fact in facts.values() for name, state in fact["services"].items()
        }
        return {
            "base_url": self._settings.base_url,
            "observe_only": self._settings.observe_only,
            "topics": list(self._settings.topics),
            "accounts": len(facts),
            "connected": sum(fact["connected"] for fact in facts.values()),
            "duplicates": sum(fact["duplicates"] for fact in facts.values()),
            "services": services,
            "feeds": dict(list(facts.items())[:DIAGNOSED_FEEDS]),
            "site": {feed.name: feed.diagnostics() for feed in self._site_feeds},
        }

    def _doubts(self) -> list[str]:
        statistics = self._settings.statistics
        return doubts(statistics) if statistics else []

    def _feeds_of_the_site(self) -> tuple[StatisticsFeed | DirectoryFeed, ...]:
        """Each has an HTTP session of its own: what it asks for must not keep an agent's session alive."""
        settings, context = self._settings, self._context
        source = source_of(context.name, PLATFORM_NAME)
        feeds: list[StatisticsFeed | DirectoryFeed] = []
        if settings.statistics is not None:
            feeds.append(
                StatisticsFeed(
                    settings.statistics,
                    self._http_of(settings.reads_site),
                    name=f"{context.name}/site:statistics",
                    source=source,
                    clock=context.clock,
                    request_timeout_seconds=settings.request_timeout_seconds,
                )
            )
        if settings.directory is not None:
            feeds.append(
                DirectoryFeed(
                    settings.directory,
                    self._directory,
                    self._http_of(settings.reads_site),
                    name=f"{context.name}/site:directory",
                    source=source,
                    clock=context.clock,
                    request_timeout_seconds=settings.request_timeout_seconds,
                )
            )
        return tuple(feeds)

    def _http_of(self, account: Account) -> AgentHttp:
        settings, context = self._settings, self._context
        return AgentHttp(
            context.http,
            base_url=settings.base_url,
            username=account.username,
            password=account.password.get_secret_value(),
            cookies=CookieStore(),
            clock=context.clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )


if TYPE_CHECKING:

    def _implements(
        connector: GenesysWebServices,
    ) -> tuple[Connector, CommandTarget, Snapshotter, Prober, Diagnosable, DirectoryReader]:
        return connector, connector, connector, connector, connector, connector
