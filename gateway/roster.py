"""The connectors and sinks that run: the one place where blocks of the configuration become parts, or cease to be.

At the start every block is taken up before anything runs; a reload takes blocks out and up while the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from config.settings import ConnectorConfig, SinkConfig
from gateway.attachments import AttachmentSpool
from gateway.clock import Clock
from gateway.command_router import CommandRouter, Executor
from gateway.contracts import (
    Connector,
    ConnectorContext,
    Journal,
    PlatformDescriptor,
    SinkContext,
)
from gateway.delivery.policy import DispatchPolicy
from gateway.delivery.record import forget_sink
from gateway.directory import Directory
from gateway.dispatcher import Dispatcher
from gateway.filters import EventFilter
from gateway.lifecycle import CleanupStack
from gateway.masking import Masker
from gateway.pausing import ConnectorPauses
from gateway.picture import Picture
from gateway.registry import Registry
from gateway.sink_runner import SinkRunner
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from gateway.tracing import traced


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every plug-in is built with."""

    registry: Registry
    http: aiohttp.ClientSession
    clock: Clock
    attachments: AttachmentSpool
    journal: Journal
    picture: Picture
    metrics: CollectorRegistry
    telemetry: Telemetry
    data_dir: Path


class Roster:
    """Takes blocks up and out, and tells every part that has to know."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        supervisor: Supervisor,
        pauses: ConnectorPauses,
        router: CommandRouter,
        directory: Directory,
        sinks: SinkRunner,
    ) -> None:
        self._around = surroundings
        self._supervisor = supervisor
        self._pauses = pauses
        self._router = router
        self._directory = directory
        self._sinks = sinks
        self._connectors: dict[str, Connector] = {}
        self._platforms: dict[str, PlatformDescriptor] = {}

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """By name: a view that follows every change."""
        return self._connectors

    @property
    def platforms(self) -> Mapping[str, PlatformDescriptor]:
        """The platform of each connector, by the connector's name; a view too."""
        return self._platforms

    async def try_connector(self, block: ConnectorConfig) -> None:
        """Build a connector that is not taken up, to see whether it can be. Raises ConfigError."""
        _, connector = self._build(block)
        await connector.close()

    def _build(self, block: ConnectorConfig) -> tuple[PlatformDescriptor, Connector]:
        around = self._around
        platform = around.registry.platform(block.platform)
        context = ConnectorContext(
            name=block.name,
            http=around.http,
            clock=around.clock,
            attachments=around.attachments,
        )
        return platform, platform.build(block.settings, context)

    def add_connector(self, block: ConnectorConfig) -> None:
        """Build a connector and take it up. Raises ConfigError, and then nothing has changed."""
        platform, connector = self._build(block)
        self._connectors[block.name] = connector
        self._platforms[block.name] = platform
        self._pauses.add(block.name)
        self._directory.add(connector)
        self._router.add(
            block.name,
            Executor(
                connector=connector,
                capabilities=platform.capabilities,
                per_second=block.commands_per_second,
            ),
        )
        self._supervisor.add(connector, block.rhythm_seconds)

    async def remove_connector(self, name: str, *, for_good: bool) -> None:
        """Take a connector out: no further commands, its feeds drained, its sessions left alive.

        Args:
            name: of a connector that is there.
            for_good: none of that name comes after it, so that it was paused is forgotten too.
        """
        self._router.remove(name)
        await self._supervisor.remove(name)
        self._directory.remove(name)
        del self._platforms[name]
        if for_good:
            await self._pauses.remove(name)
        await self._connectors.pop(name).close()

    def add_sink(self, block: SinkConfig) -> None:
        """Build a sink and take it up. Raises ConfigError, and then nothing has changed."""
        around = self._around
        kind = around.registry.sink(block.kind)
        context = SinkContext(
            name=block.name,
            journal_id=around.journal.id,
            http=around.http,
            clock=around.clock,
            data_dir=around.data_dir,
            metrics=around.metrics,
            picture=around.picture,
        )
        sink = kind.build(block.settings, context)
        self._sinks.add(
            Dispatcher(
                block.name,
                traced(sink, around.telemetry.tracing, name=block.name, kind=kind.name),
                accepts=EventFilter(block.events, block.connectors),
                mask=Masker(block.mask),
                traits=kind.traits_for(block.settings) if kind.traits_for else kind.traits,
                journal=around.journal,
                telemetry=around.telemetry,
                clock=around.clock,
                policy=DispatchPolicy(),
            )
        )

    async def remove_sink(self, name: str, *, for_good: bool) -> None:
        """Take a sink out when it has settled what it is delivering.

        Args:
            name: of a sink that is there.
            for_good: none of that name comes after it, so its position no longer holds events in the journal.
        """
        await self._sinks.remove(name)
        if for_good:
            undelivered = await forget_sink(self._around.journal, name)
            self._around.telemetry.sink_forgotten(name, undelivered=undelivered)

    def close_with(self, cleanup: CleanupStack) -> None:
        """Have the connectors of then closed when the gateway ends."""
        cleanup.push("connectors", self._close)

    async def _close(self) -> None:
        for connector in self._connectors.values():
            try:
                await connector.close()
            except Exception as error:  # noqa: BLE001 - one that cannot close must not keep the others open
                self._around.telemetry.cleanup_failed(f"connector {connector.name}", error)
