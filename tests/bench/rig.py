"""What the measurements need around the gateway: a broker, a platform, the processor time of each process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.support import site
from tests.support.kafka import KafkaBroker
from tests.support.processes import LineProcess, LoggedProcess, eventually

SINK = "lake"
POSITIONS = "tieline.positions"
PARTITIONS = 6
DRAIN_SECONDS = 120.0
SOURCE_SECONDS = 300.0
BROKER_SECONDS = 180.0
PROFILING = "tests.bench.profiled"
MANY_STARTS: Mapping[str, Any] = {"starts_per_second": 500.0}


@dataclass
class Rig:
    """What all measurements share."""

    directory: Path
    http: aiohttp.ClientSession
    broker: KafkaBroker
    profile: Path | None = None
    _topics: int = 0

    async def topic(self) -> str:
        """A new topic whose records get the time at which the broker appended them."""
        self._topics += 1
        name = f"bench.{self._topics}"
        await self.broker.create_topic(
            name, PARTITIONS, {"message.timestamp.type": "LogAppendTime"}
        )
        return name


@asynccontextmanager
async def rig(directory: Path, profile: Path | None) -> AsyncIterator[Rig]:
    """A broker and an HTTP client."""
    broker = KafkaBroker(directory / "kafka", heap_megabytes=1024)
    async with aiohttp.ClientSession() as http:
        try:
            await broker.start(timeout_seconds=BROKER_SECONDS)
            await broker.create_topic(POSITIONS)
            yield Rig(directory, http, broker, profile)
        finally:
            await broker.kill()


@dataclass
class Source:
    """A running `tests.bench.source`."""

    process: LineProcess
    url: str
    http: aiohttp.ClientSession

    async def run(self, **how: float) -> int:
        """Begin to send; when, in nanoseconds since the epoch."""
        async with self.http.post(f"{self.url}/bench/run", json=how) as reply:
            begun: int = (await reply.json())["begun_ns"]
            return begun

    async def state(self) -> dict[str, Any]:
        """`sent` since it was last told to run, `total`, `done`, `sessions`."""
        async with self.http.get(f"{self.url}/bench/state") as reply:
            told: dict[str, Any] = await reply.json()
            return told

    async def done(self) -> int:
        """Wait until it has sent everything; how many messages that was."""
        while not (state := await self.state())["done"]:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.2)
        return int(state["sent"])


@asynccontextmanager
async def source(
    http: aiohttp.ClientSession,
    agents: int,
    *,
    messages: int = 300,
    hold_seconds: float = 30.0,
    greets: bool = False,
    pem: Path | None = None,
) -> AsyncIterator[Source]:
    """The lean platform, with messages for so many agents."""
    command = [sys.executable, "-m", "tests.bench.source", "--agents", str(agents)]
    command += ["--messages", str(messages), "--hold", str(hold_seconds)]
    command += ["--greet"] if greets else []
    command += ["--tls", str(pem)] if pem else []
    async with started_source(http, command) as made:
        yield made


@asynccontextmanager
async def started_source(
    http: aiohttp.ClientSession, command: Sequence[str]
) -> AsyncIterator[Source]:
    """A platform that is told to send as `tests.bench.source` is."""
    async with LineProcess(command, grace_seconds=5.0) as process:
        line = await process.read(timeout_seconds=SOURCE_SECONDS)
        yield Source(process, line["url"], http)


class _ProfiledGateway(site.GatewayProcess):
    """The gateway under the profiler of the standard library."""

    profile: Path

    def start(self) -> None:
        super().start()
        assert self._process is not None
        self._process.kill()
        command = [sys.executable, "-m", PROFILING, str(self.profile)]
        arguments = ["run", "--config", str(self.directory / "tieline.yaml")]
        self._process = LoggedProcess(
            [*command, *arguments], log=self.directory / "gateway-profiled.log"
        )
        self._process.start()


@asynccontextmanager
async def gateway(
    shared: Rig,
    name: str,
    url: str,
    agents: int,
    sinks: Sequence[Mapping[str, Any]],
    *,
    trusted: Path | None = None,
) -> AsyncIterator[site.GatewayProcess]:
    """The gateway with a session for each agent of the lean platform, whose certificate it trusts if there is one."""
    connectors = [site.connector(url, agents)]
    async with started_gateway(shared, name, connectors, sinks, trusted=trusted) as process:
        await _joined(shared.http, url, agents, process)
        await process.wait_connected(timeout_seconds=60.0)
        yield process


@asynccontextmanager
async def started_gateway(
    shared: Rig,
    name: str,
    connectors: Sequence[Mapping[str, Any]],
    sinks: Sequence[Mapping[str, Any]],
    *,
    settings: Mapping[str, Any] = MANY_STARTS,
    trusted: Path | None = None,
) -> AsyncIterator[site.GatewayProcess]:
    """The gateway on a fresh journal; stopped with SIGTERM at the end."""
    directory = shared.directory / name
    directory.mkdir(exist_ok=True)
    configuration = {
        "gateway": {"log": {"level": "warning"}, **settings},
        "connectors": list(connectors),
        "sinks": list(sinks),
    }
    process = site.GatewayProcess(directory, configuration, shared.http)
    if shared.profile is not None:
        process = _ProfiledGateway(directory, configuration, shared.http)
        process.profile = shared.profile.with_name(f"{name}-{shared.profile.name}")
    try:
        with _trusting(trusted):
            process.start()
        yield process
        code = await process.terminate()
        assert code == 0, f"the gateway ended with {code}\n{process.log}"
    except BaseException as error:
        error.add_note(f"the gateway's log:\n{process.log}")
        raise
    finally:
        if process.starts:
            process.kill()


@contextmanager
def _trusting(pem: Path | None) -> Iterator[None]:
    """Processes started now trust this certificate and no other, if there is one."""
    if pem is not None:
        os.environ["SSL_CERT_FILE"] = str(pem)
    try:
        yield
    finally:
        if pem is not None:
            del os.environ["SSL_CERT_FILE"]


async def _joined(
    http: aiohttp.ClientSession, url: str, agents: int, process: site.GatewayProcess
) -> None:
    """Wait for the sessions where it costs the gateway nothing."""

    async def joined() -> bool:
        async with http.get(f"{url}/bench/state", ssl=False) as reply:
            return int((await reply.json())["sessions"]) >= agents

    await eventually(
        joined, f"all sessions\n{process.log}", timeout_seconds=300.0, poll_seconds=0.1
    )


def kafka_sink(shared: Rig, topic: str, **more: Any) -> dict[str, Any]:
    """The block of a Kafka sink that writes to one topic."""
    return {
        "name": SINK,
        "kind": "kafka",
        "bootstrap_servers": shared.broker.bootstrap_servers,
        "topic": topic,
        **more,
    }


async def drained(process: site.GatewayProcess) -> None:
    """Wait until the sink has all that the journal holds; asks seldom, for asking costs the gateway time."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while await process.lag(SINK):
        assert time.monotonic() < deadline, f"the sink lags\n{process.log}"
        await asyncio.sleep(0.25)


class Busy:
    """How busy processes, and what else runs on the machine, are from the making of this on."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._began = time.monotonic()
        self._before = self._totals()

    def seconds(self) -> dict[str, float]:
        """Processor seconds up to now; `reader` is this process, `others` are not of this measurement."""
        return {name: total - self._before[name] for name, total in self._totals().items()}

    def shares(self) -> dict[str, float]:
        """Processor seconds a second, up to now."""
        passed = time.monotonic() - self._began
        return {name: seconds / passed for name, seconds in self.seconds().items()}

    def _totals(self) -> dict[str, float]:
        ours = {name: _seconds(process) for name, process in self._processes.items()}
        ours["reader"] = _seconds(psutil.Process())
        machine = psutil.cpu_times()
        busy = sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice
        return {**ours, "others": busy - sum(ours.values())}


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def processes(
    shared: Rig, process: site.GatewayProcess, source: Source
) -> dict[str, psutil.Process]:
    """The processes that work together."""
    return {
        "gateway": psutil.Process(process.pid),
        "platform": psutil.Process(source.process.process.pid),
        "broker": psutil.Process(shared.broker._process.pid),
    }
