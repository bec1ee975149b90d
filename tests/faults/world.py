"""Real processes for a run with faults: simulators, gateway, receiver, perhaps a broker, and proxies between them."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.demo.platforms import scenes
from tests.faults.proxy import FaultProxy
from tests.faults.schedule import Kind, Step
from tests.support import site
from tests.support.kafka import KafkaBroker
from tests.support.processes import PeerError, eventually
from tests.support.receiver import SECRET, FlakyReceiver, Mode
from tests.support.site import GatewayProcess, Platform

RHYTHM_SECONDS = 10.0
"""Feeds of agents are busy in these runs; those of figures and dictionaries may be silent."""
UNLIMITED = resource.RLIM_INFINITY
SPARE_BYTES = 64 * 1024
TOPIC = "faults"
BROKER_SECONDS = 180.0
"""A broker that was killed starts slowly on a machine where much else goes on, which is not what a run judges."""


@dataclass
class World:
    """Everything that runs, and how to make it go wrong."""

    directory: Path
    platforms: dict[str, Platform]
    proxies: dict[str, FaultProxy]
    receiver: FlakyReceiver
    gateway: GatewayProcess
    broker: KafkaBroker | None
    faults: Counter[str] = field(default_factory=Counter)
    waits_for: str = ""
    _whole: asyncio.Lock = field(default_factory=asyncio.Lock)
    _broker_whole: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def _clock(self) -> Path:
        return self.directory / "clock"

    async def commit(self, step: Step) -> None:
        """Let one thing go wrong, and end it after its time."""
        self.faults[step.kind.value] += 1
        match step.kind:
            case Kind.KILL | Kind.RESTART | Kind.FREEZE | Kind.FULL_DISK:
                # What is done to the gateway's process is done one after the other.
                async with self._whole:
                    await self._to_the_gateway(step)
            case Kind.FREEZE_PLATFORM:
                process = self.platforms[step.platform].process.process
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(step.seconds)
                process.send_signal(signal.SIGCONT)
            case Kind.CUT:
                proxy = self.proxies[step.platform]
                proxy.cut = True
                proxy.reset()
                await asyncio.sleep(step.seconds)
                proxy.cut = False
            case Kind.HALF_OPEN:
                self.proxies[step.platform].go_half_open()
            case Kind.SLOW:
                proxy = self.proxies[step.platform]
                proxy.delay_seconds = step.detail["delay_seconds"]
                await asyncio.sleep(step.seconds)
                proxy.delay_seconds = 0.0
            case Kind.RECEIVER:
                await self.receiver.turn(Mode[step.detail["mode"]])
                await asyncio.sleep(step.seconds)
                await self.receiver.turn(Mode.WORKING)
            case Kind.CLOCK:
                self._clock.write_text(str(step.detail["jump_seconds"]))
                await asyncio.sleep(step.seconds)
                self._clock.write_text("0")
            case Kind.PLATFORM:
                await self.platforms[step.platform].post("faults", [dict(step.detail)])
            case Kind.BROKER if self.broker is not None:
                async with self._broker_whole:
                    await self.broker.kill()
                    await asyncio.sleep(step.seconds)
                    await self.broker.start(timeout_seconds=BROKER_SECONDS)

    async def _to_the_gateway(self, step: Step) -> None:
        gateway = self.gateway
        match step.kind:
            case Kind.KILL:
                gateway.kill()
                await asyncio.sleep(min(step.seconds, 3.0))
                gateway.start()
            case Kind.RESTART:
                os.kill(gateway.pid, signal.SIGTERM)
                await gateway.ended(timeout_seconds=60.0)
                gateway.start()
            case Kind.FREEZE:
                os.kill(gateway.pid, signal.SIGSTOP)
                await asyncio.sleep(step.seconds)
                os.kill(gateway.pid, signal.SIGCONT)
            case _:
                files = (self.directory / "data").glob("*")
                largest = max((file.stat().st_size for file in files if file.is_file()), default=0)
                limit = largest + SPARE_BYTES
                resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (limit, UNLIMITED))
                await asyncio.sleep(step.seconds)
                resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))

    async def heal(self) -> None:
        """End every fault. Raises PeerError, after starting it anew, if the gateway has ended by itself."""
        for platform in self.platforms.values():
            async with platform.http.delete(f"{platform.url}/sim/faults") as reply:
                reply.raise_for_status()
        for proxy in self.proxies.values():
            proxy.cut, proxy.delay_seconds = False, 0.0
        await self.receiver.turn(Mode.WORKING)
        self._clock.write_text("0")
        if not self.gateway.running:
            log = self.gateway.log
            self.gateway.start()
            raise PeerError(f"the gateway has ended by itself: {log}")

    async def flows_again(self, *, within_seconds: float) -> None:
        """Return when every feed was connected, and something new of every platform is at the file and the receiver."""
        before = self.gateway.lines.count(), len(self.receiver.taken)

        def silent() -> set[str]:
            events = self.gateway.lines.read()[before[0] :]
            here = {event.source.split("/")[2] for event in events if _is_of_a_platform(event)}
            there = {
                event.source.split("/")[2]
                for event in self.receiver.taken[before[1] :]
                if _is_of_a_platform(event)
            }
            return {_named(kind) for kind in self.platforms} - (here & there)

        connected: set[str] = set()

        async def all_well() -> bool:
            try:
                feeds = await self.gateway.feeds()
            except aiohttp.ClientError:
                return False  # it is just being started
            connected.update(feed["name"] for feed in feeds if feed["state"] == "connected")
            missing = sorted({feed["name"] for feed in feeds} - connected)
            self.waits_for = f"silent: {sorted(silent())}, not connected: {missing}"
            return not missing and not silent()

        try:
            await eventually(
                all_well, "all flows again", timeout_seconds=within_seconds, poll_seconds=0.2
            )
        except PeerError as error:
            raise PeerError(f"{error}; {self.waits_for}") from error


def _is_of_a_platform(event: Any) -> bool:
    return not event.type.startswith(("tieline.feed.", "tieline.delivery."))


def _named(kind: str) -> str:
    return kind.replace("_", "-")


@asynccontextmanager
async def world(
    directory: Path,
    http: aiohttp.ClientSession,
    *,
    seed: int,
    platforms: Sequence[str] = (),
    events_per_second: float = 10.0,
    broker: bool = False,
) -> AsyncIterator[World]:
    """Everything, connected and flowing."""
    (directory / "clock").write_text("0")
    os.environ["FAULTS_CLOCK_FILE"] = str(directory / "clock")
    async with AsyncExitStack() as stack:
        running: dict[str, Platform] = {}
        proxies: dict[str, FaultProxy] = {}
        blocks = []
        for scene in scenes():
            if platforms and scene.platform not in platforms:
                continue
            home = directory / scene.platform
            home.mkdir()
            settings = {**scene.simulator, "events_per_second": events_per_second, "seed": seed}
            platform = await stack.enter_async_context(
                site.platform(home, http, kind=scene.platform, **settings)
            )
            proxy = await stack.enter_async_context(FaultProxy())
            proxy.target_port = int(platform.url.rsplit(":", 1)[1])
            running[scene.platform], proxies[scene.platform] = platform, proxy
            blocks.append(
                {
                    "name": _named(scene.platform),
                    "platform": scene.platform,
                    "rhythm_seconds": {
                        "*statistics*": 0,
                        "*directory*": 0,
                        "*provisioning*": 0,
                        "*/poll:*": 0,
                        "*": RHYTHM_SECONDS,
                    },
                    **scene.block(f"http://127.0.0.1:{proxy.port}"),
                }
            )
        receiver = await stack.enter_async_context(FlakyReceiver())
        # Within an hour the file grows beyond the size at which it is rotated, and the account is read from one file.
        sinks = [site.file_sink(rotate_bytes=None), site.webhook_sink(receiver.url, SECRET)]
        kafka = None
        if broker:
            kafka = await stack.enter_async_context(KafkaBroker(directory / "kafka"))
            sinks.append(site.kafka_sink(kafka.bootstrap_servers, TOPIC))
        gateway = GatewayProcess(
            directory,
            {"connectors": blocks, "sinks": sinks, "gateway": {"liveness": {"check_seconds": 1}}},
            http,
            module="tests.faults.jumping",
        )
        stack.callback(gateway.kill)
        gateway.start()
        try:
            await gateway.wait_connected(timeout_seconds=60.0)
            yield World(directory, running, proxies, receiver, gateway, kafka)
        except BaseException as error:
            error.add_note(f"the gateway's log:\n{gateway.log}")
            raise
