"""Classic SignalR clients that are not ours: the official npm `signalr` in jsdom, and PyPI signalr-client-threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.peers import INSTALLED, PEERS
from tests.support.processes import LineProcess

FOLDER = PEERS / "signalr"


@dataclass
class SignalRPeer:
    """A client, running."""

    process: LineProcess
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def next_event(self, kind: str, *, timeout_seconds: float = 20.0) -> dict[str, Any]:
        """The next line of this kind; all lines are kept in `seen`."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                event = await self.process.read(timeout_seconds=timeout_seconds)
                self.seen.append(event)
                if event["event"] == kind:
                    return event

    async def arguments(self, count: int) -> list[list[Any]]:
        """The arguments of the next so many messages."""
        return [(await self.next_event("message"))["arguments"] for _ in range(count)]

    async def order(self, order: object) -> None:
        """Write a line to its standard input."""
        stdin = self.process.process.stdin
        assert stdin is not None
        stdin.write(json.dumps(order).encode() + b"\n")
        await stdin.drain()


@asynccontextmanager
async def official_signalr_client(
    url: str,
    transport: str | Sequence[str],
    *,
    hub: str,
    methods: Sequence[str],
    query: Mapping[str, str] | None = None,
) -> AsyncIterator[SignalRPeer]:
    """The official client; `started` tells its transport. Orders: `{"invoke": [..]}`, `{"stop": true}`."""
    settings = {
        "url": url,
        "transport": transport,
        "hub": hub,
        "methods": list(methods),
        "query": dict(query or {}),
    }
    command = ["node", str(FOLDER / "client.mjs"), json.dumps(settings)]
    async with LineProcess(command, grace_seconds=2.0) as process:
        yield SignalRPeer(process)


@asynccontextmanager
async def foreign_signalr_client(
    url: str, *, hub: str, methods: Sequence[str], headers: Mapping[str, str] | None = None
) -> AsyncIterator[SignalRPeer]:
    """signalr-client-threads; WebSocket if it is offered, else server-sent events. Orders: `[method, ..arguments]`."""
    settings = {"url": url, "hub": hub, "methods": list(methods), "headers": dict(headers or {})}
    python = INSTALLED / "python" / "bin" / "python"
    command = [str(python), str(FOLDER / "foreign_client.py"), json.dumps(settings)]
    async with LineProcess(command, grace_seconds=2.0) as process:
        yield SignalRPeer(process)
