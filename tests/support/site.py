"""A whole site as processes: a simulated platform, the gateway, and what an observer sees of them.

The gateway is the real command with a real configuration file; nothing of it runs in the test's process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.oracle import Lines, Published, SeenEvent, owed, references
from tests.support.processes import LineProcess, LoggedProcess, PeerError, eventually, free_port


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
                Published(
                    entry["id"],
                    entry["agent"],
                    entry["fate"],
                    entry["resumable"],
                    entry["at_ms"],
                )
                for entry in told["published"]
            ]
            if told["next"] == since:
                return found
            since = told["next"]

    async def stop_lives(self) -> None:
        """Let nothing more happen by itself."""
        await self.post("stop_lives", {})

    async def stats(self) -> dict[str, Any]:
        """Totals: what was published and became of it, sessions, handshakes."""
        async with self.http.get(f"{self.url}/sim/stats") as reply:
            told: dict[str, Any] = await reply.json()
            return told

    async def arrived(
        self, seen: Callable[[], Iterable[SeenEvent]], *, timeout_seconds: float = 60.0
    ) -> list[Published]:
        """Wait until all that a client must have is seen; returns what was published."""

        async def missing() -> tuple[list[Published], set[str]]:
            published = await self.published()
            return published, owed(published) - references(seen())

        async def complete() -> list[Published] | None:
            # A message may still become lost by the platform, so what is owed is asked again.
            published, rest = await missing()
            return None if rest else published

        try:
            found: list[Published] = await eventually(
                complete,
                "all that was published",
                timeout_seconds=timeout_seconds,
                poll_seconds=0.25,
            )
        except PeerError as error:
            _, rest = await missing()
            error.add_note(f"{len(rest)} messages missing, {sorted(rest)[:20]}")
            raise
        return found

    async def post(self, what: str, body: Any) -> Any:
        """Use the simulator's control surface."""
        async with self.http.post(f"{self.url}/sim/{what}", json=body) as reply:
            text = await reply.text()
            assert reply.status < 300, f"{what}: {reply.status} {text}"
            return msgspec.json.decode(text)


@asynccontextmanager
async def platform(
    directory: Path,
    http: aiohttp.ClientSession,
    *,
    kind: str = "genesys_web_services",
    **settings: Any,
) -> AsyncIterator[Platform]:
    """`tieline simulate` with these settings."""
    scenario = directory / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "gateway", "simulate", kind]
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
    module: str = "gateway"
    starts: int = 0
    _process: LoggedProcess | None = None
    _lines: Lines | None = None

    @property
    def url(self) -> str:
        """The control API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> Lines:
        """The file of the sink `log`, see `file_sink`."""
        if self._lines is None:
            self._lines = Lines(self.directory / "data" / "events.jsonl")
        return self._lines

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
            [sys.executable, "-m", self.module, "run", "--config", str(path)],
            log=self.directory / f"gateway-{self.starts}.log",
        )
        self._process.start()

    async def wait_ready(self, *, timeout_seconds: float = 30.0) -> None:
        """Return when it says that it does its work."""

        async def ready() -> bool:
            try:
                return (await self.readiness())[0] == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready, f"gateway ready\n{self.log}", timeout_seconds=timeout_seconds)

    async def wait_fed(self, *, timeout_seconds: float = 30.0) -> None:
        """Return when every feed is connected and its session is in the journal, so that it can be resumed."""
        await self.wait_ready(timeout_seconds=timeout_seconds)

        async def fed() -> bool:
            feeds = await self.feeds()
            return all(feed["state"] == "connected" and feed["last_event_at"] for feed in feeds)

        await eventually(fed, "every feed has delivered", timeout_seconds=timeout_seconds)

    async def wait_connected(self, *, timeout_seconds: float = 30.0) -> None:
        """Return when every feed is connected."""
        await self.wait_ready(timeout_seconds=timeout_seconds)

        async def connected() -> bool:
            return all(feed["state"] == "connected" for feed in await self.feeds())

        await eventually(connected, "every feed is connected", timeout_seconds=timeout_seconds)

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /readyz."""
        async with self.http.get(f"{self.url}/readyz") as reply:
            return reply.status, await reply.json()

    async def feeds(self) -> list[dict[str, Any]]:
        """All feeds as the API shows them."""
        items: list[dict[str, Any]] = (await self.get("/v1/feeds"))["items"]
        return items

    async def lag(self, sink: str) -> float:
        """How many events the sink has still to settle."""
        return await self.metric("tieline_sink_lag_events", sink=sink)

    async def settled(self, sink: str) -> float:
        """How many events the sink has settled since the process started."""
        return await self.total("tieline_sink_events_total", sink=sink)

    async def wait_settled(self, sink: str, *, timeout_seconds: float = 60.0) -> None:
        """Return when the sink has everything that is in the journal."""

        async def caught_up() -> bool:
            return await self.lag(sink) == 0

        await eventually(caught_up, f"no lag of sink {sink}", timeout_seconds=timeout_seconds)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self._process is not None
        self._process.kill()

    @property
    def running(self) -> bool:
        """Whether the newest process is alive."""
        return self._process is not None and self._process.running

    async def terminate(self) -> int:
        """SIGTERM, and wait for the end; returns the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended()

    async def ended(self, *, timeout_seconds: float = 40.0) -> int:
        """Wait for the end by itself; returns the exit code."""
        assert self._process is not None
        await eventually(
            lambda: not self.running, "the gateway's end", timeout_seconds=timeout_seconds
        )
        return self._process.wait(1.0)

    async def get(self, path: str) -> Any:
        """A resource of the API."""
        async with self.http.get(f"{self.url}{path}") as reply:
            return await reply.json()

    async def command(
        self,
        verb: str,
        target: Mapping[str, str],
        arguments: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        connector: str = "gws",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a command, by default to the connector of `connector`, and wait for its verdict; the answer."""
        body = {
            "verb": verb,
            "connector": connector,
            "target": target,
            "arguments": arguments or {},
        }
        headers = dict(headers or {}) | ({} if key is None else {"Idempotency-Key": key})
        url = f"{self.url}/v1/commands?wait=15"
        async with self.http.post(url, json=body, headers=headers) as reply:
            answer: dict[str, Any] = await reply.json(content_type=None)
            return answer

    async def metric(self, name: str, **labels: str) -> float:
        """The value of the one sample of /metrics with these labels."""
        (value,) = await self.samples(name, **labels)
        return value

    async def total(self, name: str, **labels: str) -> float:
        """The sum of all samples with at least these labels; 0 when there is none yet."""
        return sum(await self.samples(name, **labels))

    async def samples(self, name: str, **labels: str) -> list[float]:
        """The values of all samples with at least these labels."""
        async with self.http.get(f"{self.url}/metrics") as reply:
            text = await reply.text()
        return [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]


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


def file_sink(**more: Any) -> dict[str, Any]:
    """The block of a file sink whose events `GatewayProcess.lines` reads."""
    return {"name": "log", "kind": "file", "path": "events.jsonl", **more}


def kafka_sink(bootstrap_servers: str, topic: str, **more: Any) -> dict[str, Any]:
    """The block of a Kafka sink that puts everything on one topic, which it makes."""
    return {
        "name": "lake",
        "kind": "kafka",
        "bootstrap_servers": bootstrap_servers,
        "topic": topic,
        "create_topics": {"partitions": 6, "replication_factor": 1},
        **more,
    }


def webhook_sink(url: str, secret: str, **more: Any) -> dict[str, Any]:
    """The block of a webhook sink to a receiver on this machine."""
    return {
        "name": "hook",
        "kind": "webhook",
        "url": url,
        "secret": secret,
        "allow_private": True,
        **more,
    }
