"""Programs that do the gateway's job, as processes: what starts them, where their feed comes from, what they write.

Each is a context manager's worth of process: `start`, `kill`, `start` again on the same data.
"""

from __future__ import annotations

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import psutil
import yaml

from tests.bench import pipeline
from tests.bench.bare_kafka import Record
from tests.bench.pipeline import AGENTS
from tests.bench.rig import (
    MANY_STARTS,
    Rig,
    Source,
    drained,
    kafka_sink,
    source,
    started_source,
)
from tests.support import site
from tests.support.processes import LoggedProcess, eventually, free_port

INSTALLED = Path(__file__).parent / ".installed"
START_SECONDS = 90.0
JAVA_HEAP = "-Xmx512m"


class _Message(msgspec.Struct):
    reference: str | None = msgspec.field(default=None, name="referenceId")


class _Raw(msgspec.Struct):
    data: _Message | None = None


_decode_raw = msgspec.json.Decoder(_Raw).decode


class Rival(ABC):
    """One program on its way from a feed to a topic."""

    name: str
    feed: str
    """In words, for the table."""

    def __init__(self, shared: Rig, topic: str) -> None:
        self.shared = shared
        self.topic = topic
        self.directory = shared.directory / f"{type(self).__name__}-{topic}"
        self.directory.mkdir()

    @abstractmethod
    async def start(self, url: str) -> None:
        """Start it, again on what it left behind, and wait until it listens to the feed at `url`."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until it says that it has written what it holds, if it can say so."""

    @property
    @abstractmethod
    def process(self) -> psutil.Process:
        """The running process."""

    @asynccontextmanager
    async def tapes(self) -> AsyncIterator[Source]:
        """A lean source of the feed."""
        async with source(self.shared.http, AGENTS) as platform:
            yield platform

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Source]:
        """A source that keeps what was not acknowledged as the platform does: the simulator."""
        kind = "genesys_web_services"
        command = [sys.executable, "-m", "tests.bench.eager", kind, "--agents", str(AGENTS)]
        async with started_source(self.shared.http, command) as platform:
            yield platform

    def reference(self, record: Record) -> str | None:
        """The name of the message that a record was made of."""
        data = _decode_raw(record.value).data
        return data.reference if data else None

    def identity(self, record: Record) -> bytes:
        """What no two records may share."""
        return (self.reference(record) or "").encode()


class _Tieline(Rival):
    """The gateway."""

    name = "Tieline"
    feed = "CometD"

    def __init__(self, shared: Rig, topic: str) -> None:
        super().__init__(shared, topic)
        self._gateway: site.GatewayProcess | None = None

    async def start(self, url: str) -> None:
        if self._gateway is None:
            configuration = {
                "gateway": {"log": {"level": "warning"}, **MANY_STARTS},
                "connectors": [site.connector(url, AGENTS)],
                "sinks": [kafka_sink(self.shared, self.topic)],
            }
            self._gateway = site.GatewayProcess(self.directory, configuration, self.shared.http)
        self._gateway.start()
        await self._gateway.wait_connected(timeout_seconds=START_SECONDS)

    def kill(self) -> None:
        if self._gateway is not None:
            self._gateway.kill()

    async def drain(self) -> None:
        assert self._gateway is not None
        await drained(self._gateway)

    @property
    def process(self) -> psutil.Process:
        assert self._gateway is not None
        return psutil.Process(self._gateway.pid)

    def reference(self, record: Record) -> str | None:
        return pipeline.reference(record.value)

    def identity(self, record: Record) -> bytes:
        return dict(record.headers)["ce_id"]


class _Logged(Rival):
    """A program that logs to a file."""

    _process: LoggedProcess

    async def drain(self) -> None:
        return

    def kill(self) -> None:
        self._process.kill()

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)


class _Camel(_Logged):
    """A Camel route behind CometD's own Java client."""

    name = "Apache Camel"
    feed = "CometD"

    async def start(self, url: str) -> None:
        home = INSTALLED / "camel"
        command = ["java", JAVA_HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-classpath", f"{home / 'classes'}:{home / 'lib'}/*", "CamelRoute"]
        command += [url, self.shared.broker.bootstrap_servers, self.topic, str(AGENTS)]
        self._process = LoggedProcess(command, log=self.directory / "camel.log")
        self._process.start()
        await eventually(
            lambda: self._process.check_ready('"connected"'),
            "the route is connected",
            timeout_seconds=START_SECONDS,
        )


class _Benthos(_Logged):
    """Benthos behind an HTTP client that has the same messages: it has no CometD."""

    name = "Benthos"
    feed = "HTTP"

    def __init__(self, shared: Rig, topic: str) -> None:
        super().__init__(shared, topic)
        self._port = free_port()

    async def start(self, url: str) -> None:  # noqa: ARG002 - it asks nobody, it is sent to
        path = self.directory / "benthos.yaml"
        configuration = {
            "http": {"address": f"127.0.0.1:{self._port}"},
            "logger": {"level": "WARN"},
            "input": {"http_server": {"path": "/post"}},
            "pipeline": {"processors": [{"unarchive": {"format": "json_array"}}]},
            "output": {
                "franz": {
                    "brokers": self.shared.broker.bootstrap_servers,
                    "topic": self.topic,
                }
            },
        }
        path.write_text(yaml.safe_dump(configuration))
        program = INSTALLED / "benthos" / "benthos"
        self._process = LoggedProcess(
            [str(program), "-c", str(path)], log=self.directory / "benthos.log"
        )
        self._process.start()
        await eventually(self._ready, "Benthos is ready", timeout_seconds=START_SECONDS)

    async def _ready(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self._port}/ready"
            async with self.shared.http.get(address) as reply:
                return reply.status == 200
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
            return False

    @asynccontextmanager
    async def tapes(self) -> AsyncIterator[Source]:
        """Requests instead of polls."""
        command = [sys.executable, "-m", "tests.bench.pusher", "--agents", str(AGENTS)]
        command += ["--to", f"http://127.0.0.1:{self._port}/post"]
        async with started_source(self.shared.http, command) as platform:
            yield platform

    platform = tapes


RIVALS = (_Tieline, _Camel, _Benthos)


def missing() -> list[str]:
    """The names of those that `tests/bench/install` has not made."""
    needed = {
        _Camel.name: INSTALLED / "camel" / "classes",
        _Benthos.name: INSTALLED / "benthos" / "benthos",
    }
    return [name for name, path in needed.items() if not path.exists()]
