"""Builds the object graph from a configuration and runs it. The only place where parts are wired together.

    journal <- supervisor <- feeds of connectors        journal -> dispatchers -> sinks
    journal -> picture -> Prometheus, API               API -> command router -> connectors

A `Gateway` can run in any asyncio program, several at a time, on port zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry, ProcessCollector

from config import load, load_again
from config.settings import Config, GatewaySettings, LogSettings
from gateway import __version__
from gateway.api.server import ApiServer
from gateway.attachments import AttachmentSpool
from gateway.clock import Clock, SystemClock
from gateway.command_router import CommandPolicy, CommandRouter
from gateway.contracts import Journal
from gateway.delivery.record import forget_sink
from gateway.directory import Directory
from gateway.errors import ConfigError, JournalFull
from gateway.feed_runner import SupervisorPolicy
from gateway.feed_watcher import FeedWatcher
from gateway.journal import JournalNotice, Notice, SqliteJournal, open_journal
from gateway.lifecycle import CleanupStack, Interruptible, StopSignal
from gateway.liveness import LivenessPolicy
from gateway.pausing import ConnectorPauses
from gateway.picture import Picture
from gateway.picture_keeper import CONSUMER as PICTURE_CONSUMER
from gateway.picture_keeper import PictureKeeper
from gateway.registry import Registry
from gateway.reloading import Reloader
from gateway.roster import Roster, Surroundings
from gateway.runtime import Runtime
from gateway.secret_watch import SecretWatch
from gateway.service_manager import ServiceManager
from gateway.sink_desk import DispatcherDesk
from gateway.sink_runner import SinkRunner
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from gateway.telemetry_figures import watch_api, watch_journal, watch_picture, watch_spans
from gateway.tracing import TracesSettings, open_tracing

_CLEANUP_STEP_SECONDS = 10.0
# What the run book asks a service manager to allow beyond `shutdown_seconds`.
_CLEANUP_SECONDS = 15.0
_TRIM_EVERY_SECONDS = 60.0


class Gateway:
    """One gateway, from its configuration to its stop."""

    def __init__(
        self,
        config: Config,
        *,
        registry: Registry | None = None,
        clock: Clock | None = None,
        service_manager: ServiceManager | None = None,
        set_logging: Callable[[LogSettings], None] = lambda _settings: None,
    ) -> None:
        """Take a configuration and what the process has; `set_logging` is called when a reload changes the logging."""
        self._config = config
        self._registry = registry or Registry()
        self._clock = clock or SystemClock()
        self._service_manager = service_manager or ServiceManager()
        self._set_logging = set_logging
        self._metrics = CollectorRegistry()
        ProcessCollector(registry=self._metrics)
        self.telemetry = Telemetry(self._metrics, gateway=config.gateway.name)
        self._cleanup = CleanupStack(self.telemetry)
        self._server: ApiServer | None = None
        self._reloader: Reloader | None = None
        self.runtime: Runtime | None = None
        self.api_url: str | None = None

    def request_reload(self) -> None:
        """Take the changed configuration file over soon, as SIGHUP asks; before the start is over this does nothing."""
        if self._reloader is not None:
            self._reloader.request()

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
        if config.gateway.traces is not None:
            self._trace(config.gateway.traces)
        journal = await self._open_journal(data_dir / "journal.sqlite", stop)
        if journal is None:
            return True
        self._cleanup.push("journal", journal.close)
        http = _shared_http_session()
        self._cleanup.push("http", http.close)
        attachments = await AttachmentSpool.open(
            data_dir / "attachments", config.gateway.attachments, self._clock
        )
        picture = Picture()
        keeper = PictureKeeper(picture, journal=journal, clock=self._clock)
        await keeper.restore()
        await self._forget_removed_sinks(journal)
        liveness = LivenessPolicy(
            learn=config.gateway.liveness.learn,
            check_seconds=config.gateway.liveness.check_seconds,
        )
        pauses = ConnectorPauses(
            [block.name for block in config.connectors],
            journal=journal,
            telemetry=self.telemetry,
            clock=self._clock,
        )
        await pauses.restore()
        supervisor = Supervisor(
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
        )
        router = CommandRouter(
            journal=journal,
            telemetry=self.telemetry,
            clock=self._clock,
            policy=CommandPolicy(deadline_seconds=config.gateway.command_deadline_seconds),
        )
        directory = Directory(clock=self._clock)
        sinks = SinkRunner(journal)
        roster = Roster(
            Surroundings(
                registry=self._registry,
                http=http,
                clock=self._clock,
                attachments=attachments,
                journal=journal,
                picture=picture,
                metrics=self._metrics,
                telemetry=self.telemetry,
                data_dir=data_dir,
            ),
            supervisor=supervisor,
            pauses=pauses,
            router=router,
            directory=directory,
            sinks=sinks,
        )
        roster.close_with(self._cleanup)
        for connector in config.connectors:
            roster.add_connector(connector)
        for sink in config.sinks:
            roster.add_sink(sink)
        watcher = FeedWatcher(
            supervisor.runners,
            journal=journal,
            clock=self._clock,
            policy=liveness,
            tell_quiet=self.telemetry.quiet_feeds,
        )
        await watcher.restore()
        watch_journal(
            self._metrics,
            journal.statistics,
            sinks.dispatchers,
            limit_bytes=config.gateway.journal.max_bytes,
        )
        reloader = Reloader(
            config,
            read=lambda: load(config.path, registry=self._registry),
            read_again=lambda in_force: load_again(in_force, registry=self._registry),
            roster=roster,
            take_over=lambda settings: self._take_over(settings, journal),
            telemetry=self.telemetry,
        )
        self._reloader = reloader
        secrets = SecretWatch(
            lambda: reloader.files,
            reloader.take_files,
            clock=self._clock,
            check_seconds=config.gateway.secret_check_seconds,
            tell_refused=self.telemetry.files_refused,
        )
        self.runtime = Runtime(
            roster=roster,
            supervisor=supervisor,
            pauses=pauses,
            sinks=DispatcherDesk(sinks.dispatchers, journal),
            sink_runner=sinks,
            journal=journal,
            router=router,
            attachments=attachments,
            picture=picture,
            directory=directory,
            registry=self._metrics,
            telemetry=self.telemetry,
            clock=self._clock,
            stop=stop,
            reloader=reloader,
        )
        self._server = ApiServer(self.runtime, config.gateway.api)
        watch_picture(self._metrics, picture.statistics)
        watch_api(self._metrics, self._server.figures)
        self.api_url = await self._server.start()
        self._cleanup.push("api", self._server.close)
        self.telemetry.started(
            feeds=len(supervisor.runners), sinks=len(sinks.dispatchers), api=self.api_url
        )

        def begun() -> None:
            self._service_manager.ready(f"{len(supervisor.runners)} feeds, API at {self.api_url}")
            ready()

        return await self._serve(
            stop,
            supervisor,
            sinks,
            journal,
            {
                "commands": router.run(begun),
                "retention": self._trim(journal),
                "picture": keeper.run(),
                "attachments": attachments.run(),
                "quiet feeds": watcher.run(),
                "reloads": reloader.run(),
                "secrets": secrets.run(),
                # To the last moment: a stop that hangs in the journal is ended too.
                "watchdog": self._service_manager.feed_watchdog(lambda: self._prove_life(journal)),
            },
        )

    async def _open_journal(self, path: Path, stop: StopSignal) -> SqliteJournal | None:
        """Open the journal, however long a full disk has no room even for that; None if asked to stop meanwhile."""
        settings, tell = self._config.gateway.journal, self.telemetry.journal_notice
        told = False
        while not stop.requested:
            try:
                return await open_journal(path, settings, self._clock, tell)
            except JournalFull as error:
                if not told:
                    tell(JournalNotice(notice=Notice.FULL, message=str(error)))
                told = True
            wait = settings.room_poll_seconds
            self._service_manager.starting("waits for room on the disk", within_seconds=wait + 60.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await stop.wait()
        return None

    def _trace(self, settings: TracesSettings) -> None:
        tracing = open_tracing(
            settings,
            instance=self._config.gateway.name,
            version=__version__,
            clock=self._clock,
            tell=partial(self.telemetry.traces_exported, settings.peer),
        )
        self.telemetry.tracing = tracing
        watch_spans(self._metrics, tracing.figures)
        # Closed last, when the other steps have ended their spans.
        self._cleanup.push("traces", tracing.close)

    async def _serve(
        self,
        stop: StopSignal,
        supervisor: Supervisor,
        sinks: SinkRunner,
        journal: Journal,
        others: Mapping[str, Coroutine[Any, Any, None]],
    ) -> bool:
        """Run everything until the stop and its two stages; whether the first was enough."""
        seconds = self._config.gateway.shutdown_seconds
        async with asyncio.TaskGroup() as tasks:
            running = {name: tasks.create_task(work, name=name) for name, work in others.items()}
            delivering = tasks.create_task(sinks.run(), name="sinks")
            feeds = tasks.create_task(supervisor.run(), name="feeds")
            await stop.wait()
            self._service_manager.stopping(
                f"stopping on {stop.cause}", within_seconds=seconds + _CLEANUP_SECONDS
            )
            self.telemetry.stopping(signal=stop.cause, deadline_seconds=seconds)
            running["reloads"].cancel()
            running["secrets"].cancel()
            clean = False
            hurry = Interruptible()
            hurrier = tasks.create_task(_hurry(stop, hurry), name="second signal")
            deadline = asyncio.get_running_loop().call_later(seconds, hurry.interrupt)
            async with hurry:
                await asyncio.wait([feeds])
                running["commands"].cancel()
                await sinks.drain()
                clean = True
            deadline.cancel()
            for task in (feeds, delivering, hurrier, *running.values()):
                task.cancel()
        lag = journal.statistics().lag
        undelivered = {name: lag[name] for name in sinks.dispatchers if lag.get(name)}
        self.telemetry.stopped(clean=clean, undelivered=undelivered)
        return clean

    async def _prove_life(self, journal: Journal) -> None:
        # A journal that answers that it is full is alive.
        with suppress(JournalFull):
            await journal.put("gateway", "alive", self._clock.now().isoformat().encode())

    async def _take_over(self, settings: GatewaySettings, journal: SqliteJournal) -> None:
        if self._server is not None:
            self._server.take_over(settings.api)
        self._set_logging(settings.log)
        await journal.take_keys(settings.journal.keys)

    async def _forget_removed_sinks(self, journal: Journal) -> None:
        """Let go of positions of sinks that the configuration no longer has: they would hold their events for ever."""
        known = {sink.name for sink in self._config.sinks} | {PICTURE_CONSUMER}
        for consumer in journal.statistics().lag:
            if consumer not in known:
                undelivered = await forget_sink(journal, consumer)
                self.telemetry.sink_forgotten(consumer, undelivered=undelivered)

    async def _trim(self, journal: Journal) -> None:
        while True:
            await self._clock.sleep(_TRIM_EVERY_SECONDS)
            # A full disk has no room even for the notes of housekeeping, which can wait.
            with suppress(JournalFull):
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


def _shared_http_session() -> aiohttp.ClientSession:
    # No limit: each idle feed holds one connection, and the 101st long poll must not queue behind a hundred others.
    # No cookie jar: cookies belong to one agent's session, never to the process.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )


async def _hurry(stop: StopSignal, waiting: Interruptible) -> None:
    await stop.wait_hard()
    waiting.interrupt()
