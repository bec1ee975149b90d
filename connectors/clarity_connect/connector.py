"""The connector: one feed for the whole contact centre, commands over REST."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from connectors.clarity_connect import listings, sending
from connectors.clarity_connect.directory import Directory
from connectors.clarity_connect.feed import PLATFORM_NAME, ClarityFeed
from connectors.clarity_connect.mapping.values import identifier, text
from connectors.clarity_connect.settings import ClarityConnectSettings
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
    Foreseeing,
    PartialSnapshotter,
    Prober,
)
from gateway.errors import NotReady, Reason
from gateway.events import Event


class ClarityConnect:
    """One Clarity Connect site, seen by one account."""

    platform = PLATFORM_NAME

    def __init__(self, settings: ClarityConnectSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._context = context
        self._settings = settings
        self._feed = ClarityFeed(settings, context)
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def feeds(self) -> Sequence[Feed]:
        """The one."""
        return (self._feed,)

    @property
    def directory(self) -> Directory:
        """Questions to the platform, as the feed's account."""
        return self._feed.directory

    async def close(self) -> None:
        """Nothing is held but what the gateway owns."""

    async def execute(self, command: Command) -> Outcome:
        """Send a command; those about one agent or session keep their order."""
        if not self._feed.connected:
            raise NotReady(f"the feed of {self.name!r} is not connected", reason=Reason.STOPPED)
        order = self._orders.setdefault(str(command.target), asyncio.Lock())
        async with order:
            return await sending.carry_out(
                self._feed.api,
                self._feed.directory,
                command,
                self._feed.state,
                self._settings.change_method,
            )

    def foresee(self, command: Command) -> Expectation | None:
        """What would prove a command, where it is no change of a session, and needs nothing to be asked for first."""
        return sending.foresee(command, self._feed.state)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:  # noqa: ARG002 - there is only one
        """What changed while nobody listened."""
        return await self._feed.snapshot()

    async def snapshot_of(self, feed: Feed, subjects: Collection[str]) -> Sequence[Event]:  # noqa: ARG002 - there is only one
        """What changed of these agents, calls and interactions; queues and groups cannot be read."""
        return await self._feed.snapshot_of(subjects)

    async def probe(self) -> str:
        """Sign in and ask for version, transports and what the account sees."""
        directory = self._feed.directory
        info = await directory.info()
        told = info.get("signalRTransports")
        offered = ", ".join(map(str, told)) if isinstance(told, list) else "untold"
        structure = await directory.structure()
        version = text(info.get("connectVersion")) or "of unknown version"
        return (
            f"Clarity Connect {version} at {self._feed.api.peer}; {self._settings.username!r} sees "
            f"{len(structure.agents)} agents and {len(structure.queues)} queues; transports: {offered}"
        )

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """The structure that the account may see, and the statuses and away reasons that it can have."""
        return listings.KINDS

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """Ask the platform, as the feed's account."""
        if not self._feed.connected:
            raise NotReady(f"the feed of {self.name!r} is not connected", reason=Reason.STOPPED)
        directory = self._feed.directory
        if kind in listings.STRUCTURE:
            entries = listings.structure_entries(kind, (await directory.structure()).told)
        else:
            agent = identifier((await directory.profile()).get("id"))
            entries = listings.state_entries(await directory.statuses(agent)) if agent else []
        return DirectoryListing(entries=entries, read_at=self._context.clock.now())

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        return {
            "base_url": self._settings.base_url,
            "hubs": list(self._settings.hubs),
            **self._feed.diagnostics(),
        }


if TYPE_CHECKING:

    def _implements(
        connector: ClarityConnect,
    ) -> tuple[
        Connector,
        CommandTarget,
        Foreseeing,
        PartialSnapshotter,
        Prober,
        Diagnosable,
        DirectoryReader,
    ]:
        return connector, connector, connector, connector, connector, connector, connector
