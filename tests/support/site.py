"""A whole site as processes: a simulated platform, the gateway, and what an observer sees of them.

The gateway is the real command with a real configuration file; nothing of it runs in the test's process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml

from tests.support.processes import LineProcess, LoggedProcess, eventually, free_port


class _Native(msgspec.Struct):
    reference: str | None = None


class _Data(msgspec.Struct):
    native: _Native | None = None


class SeenEvent(msgspec.Struct):
    """What the oracle needs of an event, wherever it was seen."""

    id: str
    type: str
    subject: str
    partitionkey: str
    sequence: str = ""
    data: _Data = msgspec.field(default_factory=_Data)

    @property
    def reference(self) -> str | None:
        """The platform message that the event came from."""
        return self.data.native.reference if self.data.native else None


@dataclass(frozen=True)
class Published:
    """One message that the platform published, as its oracle tells it."""

    id: str
    agent: str
    fate: str
    resumable: bool


@dataclass
class Platform:
    """A running simulator."""

    process: LineProcess
    url: str
    http: aiohttp.ClientSession

    async def published(self) -> list[Published]:
        """Everything published so far."""
        found: list[Published] = []
        since = 0
        while True:
            async with self.http.get(f"{self.url}/sim/published", params={"since": since}) as reply:
                told = await reply.json()
            found += [
                Published(entry["id"], entry["agent"], entry["fate"], entry["resumable"])
                for entry in told["published"]
            ]
            if told["next"] == since:
                return found
            since = told["next"]

    async def stop_lives(self) -> None:
        """Let nothing more happen by itself."""
        await self.post("stop_lives", {})

    async def post(self, what: str, body: Any) -> Any:
        """Use the simulator's control surface."""
        async with self.http.post(f"{self.url}/sim/{what}", json=body) as reply:
            text = await reply.text()
            assert reply.status < 300, f"{what}: {reply.status} {text}"
            return msgspec.json.decode(text)


@asynccontextmanager
async def platform(
    directory: Path, http: aiohttp.ClientSession, **settings: Any
) -> AsyncIterator[Platform]:
    """`tieline simulate genesys_web_services` with these settings."""
    scenario = directory / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "gateway", "simulate", "genesys_web_services"]
    async with LineProcess([*command, "--scenario", str(scenario)]) as process:
        line = await process.read(timeout_seconds=20.0)
        yield Platform(process, line["url"], http)


@dataclass
class GatewayProcess:
    """The gateway as a child process that can be killed and started again on the same data."""

    directory: Path
    configuration: Mapping[str, Any]
    http: aiohttp.ClientSession
    port: int = field(default_factory=free_port)
    _process: LoggedProcess | None = None
    starts: int = 0

    @property
    def url(self) -> str:
        """The control API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the newest process wrote."""
        return self._process.tail() if self._process else ""

    @property
    def pid(self) -> int:
        """The newest process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, without waiting."""
        path = self.directory / "tieline.yaml"
        whole = dict(self.configuration)
        whole["gateway"] = {
            "data_dir": "data",
            "api": {"port": self.port},
            **self.configuration.get("gateway", {}),
        }
        path.write_text(yaml.safe_dump(whole))
        self.starts += 1
        self._process = LoggedProcess(
            [sys.executable, "-m", "gateway", "run", "--config", str(path)],
            log=self.directory / f"gateway-{self.starts}.log",
        )
        self._process.start()

    async def wait_ready(self, *, timeout_seconds: float = 30.0) -> None:
        """Return when it says that it does its work."""

        async def ready() -> bool:
            try:
                async with self.http.get(f"{self.url}/readyz") as reply:
                    return reply.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready, f"gateway ready\n{self.log}", timeout_seconds=timeout_seconds)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self._process is not None
        self._process.kill()

    def terminate(self) -> int:
        """SIGTERM, and wait for the end; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, timeout_seconds: float = 40.0) -> int:
        """Wait for the end; returns the exit code."""
        assert self._process is not None
        return self._process.wait(timeout_seconds)

    async def get(self, path: str) -> Any:
        """A resource of the API."""
        async with self.http.get(f"{self.url}{path}") as reply:
            return await reply.json()

    async def command(self, **body: Any) -> dict[str, Any]:
        """Send a command and wait for its verdict."""
        url = f"{self.url}/v1/commands?wait=15"
        async with self.http.post(url, json=body) as reply:
            answer: dict[str, Any] = await reply.json(content_type=None)
            return answer

    async def metric(self, name: str, **labels: str) -> float:
        """The value of one sample of /metrics."""
        async with self.http.get(f"{self.url}/metrics") as reply:
            text = await reply.text()
        wanted = name + (
            "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
            if labels
            else ""
        )
        for line in text.splitlines():
            if line.startswith(wanted + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no sample {wanted}")


@asynccontextmanager
async def gateway(
    directory: Path, http: aiohttp.ClientSession, configuration: Mapping[str, Any]
) -> AsyncIterator[GatewayProcess]:
    """A gateway process, not yet started, ended at the end."""
    process = GatewayProcess(directory, configuration, http)
    try:
        yield process
    except BaseException as error:
        error.add_note(f"the gateway's log:\n{process.log}")
        raise
    finally:
        if process.starts:
            process.kill()


def accounts(number: int) -> list[dict[str, str]]:
    """Accounts of the simulator's first agents."""
    return [{"username": f"agent{n:04d}", "password": "secret"} for n in range(1, number + 1)]


def connector(url: str, agents: int, **more: Any) -> dict[str, Any]:
    """The block of a connector to a simulator."""
    return {
        "name": "gws",
        "platform": "genesys_web_services",
        "base_url": url,
        "accounts": accounts(agents),
        **more,
    }


def read_lines(path: Path) -> list[SeenEvent]:
    """The events of a file sink."""
    decoder = msgspec.json.Decoder(SeenEvent)
    if not path.exists():
        return []
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


def references(events: Iterable[SeenEvent]) -> set[str]:
    """The platform messages that events came from."""
    return {event.reference for event in events if event.reference is not None}


def doubled(events: Iterable[SeenEvent]) -> list[str]:
    """Ids that occur more than once."""
    return [name for name, times in Counter(event.id for event in events).items() if times > 1]
