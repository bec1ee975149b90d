"""CometD servers and a client that are not ours, for interoperation tests.

They are npm `cometd-nodejs-server`, Java CometD on Jetty, and the official JavaScript client.

Both servers take the same options and have the same control surface, so a test runs on either.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.processes import LineProcess, PeerError, free_port

PEERS = Path(__file__).resolve().parent.parent / "peers"
INSTALLED = PEERS / ".installed"


def installed() -> bool:
    """Whether `make peers` has completed in this checkout."""
    return (INSTALLED / "stamp").exists()


@dataclass(frozen=True)
class ServerSession:
    """One Bayeux session as the server sees it."""

    id: str
    subscriptions: frozenset[str]


@dataclass
class CometdServer:
    """A running server and its control surface."""

    process: LineProcess
    port: int

    @property
    def url(self) -> str:
        """Where Bayeux is spoken."""
        return f"http://127.0.0.1:{self.port}/cometd"

    async def publish(self, channel: str, messages: Sequence[Any]) -> None:
        """Publish each message on the channel, in order, from the server's side."""
        await self._control("POST", "publish", {"channel": channel, "messages": list(messages)})

    async def deliver(self, channel: str, messages: Sequence[Any]) -> None:
        """Deliver each message to every session, whatever it subscribed to."""
        await self._control(
            "POST", "publish", {"channel": channel, "messages": list(messages), "direct": True}
        )

    async def sessions(self) -> list[ServerSession]:
        """The sessions that are alive."""
        stats = await self._control("GET", "stats")
        return [
            ServerSession(session["id"], frozenset(session["subscriptions"]))
            for session in stats["sessions"]
        ]

    async def stats(self) -> dict[str, Any]:
        """`{"sessions": [{"id", "subscriptions"}]}`."""
        return await self._control("GET", "stats")

    async def expire(self) -> int:
        """End every session as if its time had run out; how many there were."""
        count: int = (await self._control("POST", "expire", {}))["expired"]
        return count

    async def kill(self) -> None:
        """SIGKILL."""
        await self.process.kill()

    async def restart(self) -> None:
        """Start it again, on the same port and without sessions, after `kill`."""
        await self.process.start()
        await self.process.read(timeout_seconds=30)

    async def _control(self, method: str, name: str, body: Any = None) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/control/{name}"
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, url, json=body) as reply,
        ):
            if reply.status != 200:
                raise PeerError(f"{method} {url}: {reply.status} {await reply.text()}")
            answer: dict[str, Any] = await reply.json()
            return answer


@asynccontextmanager
async def nodejs_server(
    *,
    ack: bool = False,
    timeout_ms: int = 30_000,
    max_interval_ms: int = 10_000,
    interval_ms: int = 0,
) -> AsyncIterator[CometdServer]:
    """A server on npm `cometd-nodejs-server`, with or without its ack extension."""
    command = ["node", str(PEERS / "cometd_server.mjs")]
    options = _options(
        ack=ack, timeout_ms=timeout_ms, max_interval_ms=max_interval_ms, interval_ms=interval_ms
    )
    async with _server(command, options) as server:
        yield server


@asynccontextmanager
async def java_server(
    *,
    ack: bool = False,
    timeout_ms: int = 30_000,
    max_interval_ms: int = 10_000,
    interval_ms: int = 0,
) -> AsyncIterator[CometdServer]:
    """A Java CometD server on Jetty, with or without its ack extension."""
    java = INSTALLED / "java"
    command = [
        *("java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *("-classpath", f"{java / 'classes'}:{java / 'lib'}/*", "CometdServer"),
    ]
    options = _options(
        ack=ack, timeout_ms=timeout_ms, max_interval_ms=max_interval_ms, interval_ms=interval_ms
    )
    async with _server(command, options) as server:
        yield server


def _options(*, ack: bool, timeout_ms: int, max_interval_ms: int, interval_ms: int) -> list[str]:
    return [
        *("--ack", "true" if ack else "false"),
        *("--timeout-ms", str(timeout_ms)),
        *("--max-interval-ms", str(max_interval_ms)),
        *("--interval-ms", str(interval_ms)),
    ]


@asynccontextmanager
async def _server(command: list[str], options: list[str]) -> AsyncIterator[CometdServer]:
    port = free_port()
    async with LineProcess([*command, "--port", str(port), *options]) as process:
        ready = await process.read(timeout_seconds=30)
        yield CometdServer(process, ready["port"])


@dataclass
class OfficialClient:
    """The official JavaScript client, running."""

    process: LineProcess
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def next_event(self, kind: str, *, timeout_seconds: float = 15.0) -> dict[str, Any]:
        """The next line of this kind; lines of other kinds are kept in `seen`.

        Kinds: handshake, subscribed, connected, broken, failed, message. Raises PeerError when none
        comes in time, whatever else comes.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            event = await self.process.read(timeout_seconds=left)
            self.seen.append(event)
            if event["event"] == kind:
                return event

    async def next_message(self, *, timeout_seconds: float = 15.0) -> dict[str, Any]:
        """The next message: `{"channel", "data"}` among its keys."""
        return await self.next_event("message", timeout_seconds=timeout_seconds)

    async def messages(self, count: int, *, timeout_seconds: float = 15.0) -> list[dict[str, Any]]:
        """The next messages."""
        return [await self.next_message(timeout_seconds=timeout_seconds) for _ in range(count)]


@asynccontextmanager
async def official_client(
    url: str,
    channels: Sequence[str],
    *,
    headers: Mapping[str, str] | None = None,
    ack: bool = False,
    append_message_type: bool = True,
) -> AsyncIterator[OfficialClient]:
    """The official npm `cometd` on `cometd-nodejs-client`, long-polling, subscribed to the channels.

    Cookies the server sets are kept and sent; a Cookie header adds to them. Yields when every
    channel's subscription and the first /meta/connect were answered with success, in whatever
    order; disconnects at the end.
    """
    settings = {
        "url": url,
        "channels": list(channels),
        "headers": dict(headers or {}),
        "ack": ack,
        "append_message_type": append_message_type,
    }
    command = ["node", str(PEERS / "cometd_client.mjs"), json.dumps(settings)]
    async with LineProcess(command, grace_seconds=2.0) as process:
        client = OfficialClient(process)
        for _ in channels:
            answer = await client.next_event("subscribed")
            if not answer["successful"]:
                raise PeerError(f"subscription refused: {answer}")
        if not any(event["event"] == "connected" for event in client.seen):
            await client.next_event("connected")
        yield client
