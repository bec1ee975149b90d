"""Builds the object graph from a configuration and runs it. The only place where parts are wired together.

    journal <- supervisor <- feeds of connectors        journal -> dispatchers -> sinks
    journal -> picture -> Prometheus, API               API -> command router -> connectors

A `Gateway` can run in any asyncio program, several at a time, on port zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry, ProcessCollector

from config.settings import Config
from gateway.api.server import ApiServer
from gateway.attachments import AttachmentSpool
from gateway.clock import Clock, SystemClock
from gateway.command_router import CommandPolicy, CommandRouter, Executor
from gateway.contracts import (
    Connector,
    ConnectorContext,
    Journal,
    PlatformDescriptor,
    SinkContext,
    SinkDescriptor,
)
from gateway.delivery.policy import DispatchPolicy
from gateway.directory import Directory
from gateway.dispatcher import Dispatcher
from gateway.errors import ConfigError
from gateway.feed_runner import SupervisorPolicy
from gateway.feed_watcher import FeedWatcher
from gateway.filters import EventFilter
from gateway.journal import open_journal
from gateway.lifecycle import CleanupStack, Interruptible, StopSignal
from gateway.liveness import LivenessPolicy
from gateway.masking import Masker
from gateway.pausing import ConnectorPauses
from gateway.picture import Picture
from gateway.picture_keeper import CONSUMER as PICTURE_CONSUMER
from gateway.picture_keeper import PictureKeeper
from gateway.registry import Registry
from gateway.runtime import Runtime
from gateway.service_manager import ServiceManager
from gateway.sink_desk import DispatcherDesk
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from gateway.telemetry_figures import watch_api, watch_picture

_CLEANUP_STEP_SECONDS = 10.0
# What the run book asks a service manager to allow beyond `shutdown_seconds`.
_CLEANUP_SECONDS = 15.0
_TRIM_EVERY_SECONDS = 60.0
# A sink whose receiver is down gets this long at a stop; what it lacks waits in the journal.
_STUCK_SINK_GRACE_SECONDS = 1.0


class Gateway:
    """One gateway, from its configuration to its stop."""

    def __init__(
        self,
        config: Config,
        *,
        registry: Registry | None = None,
        clock: Clock | None = None,
        service_manager: ServiceManager | None = None,
    ) -> None:
        self._config = config
        self._registry = registry or Registry()
        self._clock = clock or SystemClock()
        self._service_manager = service_manager or ServiceManager()
        self._metrics = CollectorRegistry()
        ProcessCollector(registry=self._metrics)
        self.telemetry = Telemetry(self._metrics, gateway=config.gateway.name)
        self._cleanup = CleanupStack(self.telemetry)
        self.runtime: Runtime | None = None
        self.api_url: str | None = None

    async def run(self, stop: StopSignal, ready: Callable[[], None] = lambda: None) -> bool:
        """Run until `stop`; whether the stop was clean: everything drained before the deadline.

        `ready` is called once, when the API listens and the feeds begin to connect. Raises ConfigError, JournalCorrupt
        and other errors of the start before anything was connected.
        """
        try:
            return await self._run(stop, ready)
        finally:
            await self._cleanup.run(each_seconds=_CLEANUP_STEP_SECONDS)

    async def _run(self, stop: StopSignal, ready: Callable[[], None]) -> bool:
        config = self._config
        data_dir = _data_dir(config)
        journal = await open_journal(
            data_dir / "journal.sqlite",
            config.gateway.journal,
            self._clock,
            self.telemetry.journal_notice,
        )
        self._cleanup.push("journal", journal.close)
        http = _shared_http_session()
        self._cleanup.push("http", http.close)
        attachments = await AttachmentSpool.open(
            data_dir / "attachments", config.gateway.attachments, self._clock
        )
        connectors, platforms = self._build_connectors(http, attachments)
        picture = Picture()
        keeper = PictureKeeper(picture, journal=journal, clock=self._clock)
        await keeper.restore()
        await self._forget_removed_sinks(journal)
        dispatchers = self._build_dispatchers(http, journal, picture, data_dir)
        liveness = LivenessPolicy(
            learn=config.gateway.liveness.learn,
            check_seconds=_check_seconds(config),
        )
        pauses = ConnectorPauses(
            connectors, journal=journal, telemetry=self.telemetry, clock=self._clock
        )
        await pauses.restore()
        supervisor = Supervisor(
            connectors.values(),
            journal=journal,
            telemetry=self.telemetry,
            clock=self._clock,
            policy=SupervisorPolicy(
                connect_seconds=config.gateway.connect_timeout_seconds,
                starts_per_second=config.gateway.starts_per_second,
                liveness=liveness,
            ),
            stop=stop,
            pauses=pauses,
            rhythms={block.name: block.rhythm_seconds for block in config.connectors},
        )
        watcher = FeedWatcher(
            supervisor.runners,
            journal=journal,
            clock=self._clock,
            policy=liveness,
            tell_quiet=self.telemetry.quiet_feeds,
        )
        await watcher.restore()
        router = CommandRouter(
            {
                block.name: Executor(
                    connector=connectors[block.name],
                    capabilities=platforms[block.name].capabilities,
                    per_second=block.commands_per_second,
                )
                for block in config.connectors
            },
            journal=journal,
            telemetry=self.telemetry,
            clock=self._clock,
            policy=CommandPolicy(deadline_seconds=config.gateway.command_deadline_seconds),
        )
        self.telemetry.watch_journal(
            journal.statistics,
            [sink.name for sink in dispatchers],
            limit_bytes=config.gateway.journal.max_bytes,
        )
        self.runtime = Runtime(
            connectors_by_name=connectors,
            platforms=platforms,
            supervisor=supervisor,
            pauses=pauses,
            sinks=DispatcherDesk(dispatchers, journal),
            dispatchers=dispatchers,
            journal=journal,
            router=router,
            attachments=attachments,
            picture=picture,
            directory=Directory(connectors.values(), clock=self._clock),
            registry=self._metrics,
            telemetry=self.telemetry,
            clock=self._clock,
            stop=stop,
        )
        server = ApiServer(self.runtime, config.gateway.api)
        watch_picture(self._metrics, picture.statistics)
        watch_api(self._metrics, server.figures)
        self.api_url = await server.start()
        self._cleanup.push("api", server.close)
        self.telemetry.started(
            feeds=len(supervisor.runners), sinks=len(dispatchers), api=self.api_url
        )
        return await self._serve(
            stop, ready, supervisor, watcher, dispatchers, keeper, router, journal, attachments
        )

    async def _serve(
        self,
        stop: StopSignal,
        ready: Callable[[], None],
        supervisor: Supervisor,
        watcher: FeedWatcher,
        dispatchers: list[Dispatcher],
        keeper: PictureKeeper,
        router: CommandRouter,
        journal: Journal,
        attachments: AttachmentSpool,
    ) -> bool:
        manager = self._service_manager

        def begun() -> None:
            manager.ready(f"{len(supervisor.runners)} feeds, API at {self.api_url}")
            ready()

        async def prove_life() -> None:
            await journal.put("gateway", "alive", self._clock.now().isoformat().encode())

        async with asyncio.TaskGroup() as tasks:
            commands = tasks.create_task(router.run(begun), name="commands")
            trimmer = tasks.create_task(self._trim(journal), name="retention")
            picture = tasks.create_task(keeper.run(), name="picture")
            spool = tasks.create_task(attachments.run(), name="attachments")
            sinks = {
                dispatcher: tasks.create_task(dispatcher.run(), name=f"sink {dispatcher.name}")
                for dispatcher in dispatchers
            }
            feeds = tasks.create_task(supervisor.run(), name="feeds")
            watching = tasks.create_task(watcher.run(), name="quiet feeds")
            # To the last moment: a stop that hangs in the journal is ended too.
            watchdog = tasks.create_task(manager.feed_watchdog(prove_life), name="watchdog")
            await stop.wait()
            manager.stopping(
                f"stopping on {stop.cause}",
                within_seconds=self._config.gateway.shutdown_seconds + _CLEANUP_SECONDS,
            )
            self.telemetry.stopping(
                signal=stop.cause, deadline_seconds=self._config.gateway.shutdown_seconds
            )
            clean = False
            hurry = Interruptible()
            hurrier = tasks.create_task(_hurry(stop, hurry), name="second signal")
            deadline = asyncio.get_running_loop().call_later(
                self._config.gateway.shutdown_seconds, hurry.interrupt
            )
            async with hurry:
                await asyncio.wait([feeds])
                commands.cancel()
                await _drain_sinks(sinks, journal)
                clean = True
            deadline.cancel()
            others = (watching, commands, trimmer, picture, spool, hurrier, watchdog)
            for task in (feeds, *others, *sinks.values()):
                task.cancel()
        lag = journal.statistics().lag
        undelivered = {
            dispatcher.name: lag[dispatcher.name]
            for dispatcher in dispatchers
            if lag.get(dispatcher.name)
        }
        self.telemetry.stopped(clean=clean, undelivered=undelivered)
        return clean

    async def _forget_removed_sinks(self, journal: Journal) -> None:
        """Let go of positions of sinks that the configuration no longer has: they would hold their events for ever."""
        known = {sink.name for sink in self._config.sinks} | {PICTURE_CONSUMER}
        for consumer, lag in journal.statistics().lag.items():
            if consumer not in known:
                await journal.forget(consumer)
                self.telemetry.sink_forgotten(consumer, undelivered=lag)

    def _build_connectors(
        self, http: aiohttp.ClientSession, spool: AttachmentSpool
    ) -> tuple[dict[str, Connector], dict[str, PlatformDescriptor]]:
        connectors: dict[str, Connector] = {}
        platforms: dict[str, PlatformDescriptor] = {}
        for block in self._config.connectors:
            platform = self._registry.platform(block.platform)
            context = ConnectorContext(
                name=block.name, http=http, clock=self._clock, attachments=spool
            )
            connector = platform.build(block.settings, context)
            self._cleanup.push(f"connector {block.name}", connector.close)
            connectors[block.name] = connector
            platforms[block.name] = platform
        return connectors, platforms

    def _build_dispatchers(
        self, http: aiohttp.ClientSession, journal: Journal, picture: Picture, data_dir: Path
    ) -> list[Dispatcher]:
        dispatchers = []
        for block in self._config.sinks:
            kind: SinkDescriptor = self._registry.sink(block.kind)
            context = SinkContext(
                name=block.name,
                journal_id=journal.id,
                http=http,
                clock=self._clock,
                data_dir=data_dir,
                metrics=self._metrics,
                picture=picture,
            )
            dispatchers.append(
                Dispatcher(
                    block.name,
                    kind.build(block.settings, context),
                    accepts=EventFilter(block.events, block.connectors),
                    mask=Masker(block.mask),
                    traits=kind.traits_for(block.settings) if kind.traits_for else kind.traits,
                    journal=journal,
                    telemetry=self.telemetry,
                    clock=self._clock,
                    policy=DispatchPolicy(),
                )
            )
        return dispatchers

    async def _trim(self, journal: Journal) -> None:
        while True:
            await self._clock.sleep(_TRIM_EVERY_SECONDS)
            await journal.trim()


def _data_dir(config: Config) -> Path:
    path = config.gateway.data_dir
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"gateway.data_dir: cannot make {path}: {error.strerror}",
            hint="make the directory and give it to the user that the gateway runs as",
        ) from error
    return path


def _check_seconds(config: Config) -> float:
    """Often enough that a feed is found quiet within twice its configured rhythm."""
    rhythms = [seconds for block in config.connectors for seconds in block.rhythm_seconds.values()]
    halves = [seconds / 2 for seconds in rhythms if seconds]
    return max(0.1, min([config.gateway.liveness.check_seconds, *halves]))


def _shared_http_session() -> aiohttp.ClientSession:
    # No limit: each idle feed holds one connection, and the 101st long poll must not queue behind a hundred others.
    # No cookie jar: cookies belong to one agent's session, never to the process.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )


async def _hurry(stop: StopSignal, waiting: Interruptible) -> None:
    await stop.wait_hard()
    waiting.interrupt()


async def _drain_sinks(sinks: dict[Dispatcher, asyncio.Task[None]], journal: Journal) -> None:
    """Let every sink have what the journal holds, but do not wait for receivers that are down."""
    last = journal.statistics().last_position
    for dispatcher in sinks:
        dispatcher.finish_at(last)
    pending = set(sinks.values())
    while pending:
        _, pending = await asyncio.wait(pending, timeout=_STUCK_SINK_GRACE_SECONDS)
        waited_for = {task for sink, task in sinks.items() if task in pending and not sink.stuck}
        if not waited_for:
            return
