"""npm `signalrjs`, a classic SignalR server that is not ours and takes its own liberties.

Cursors are milliseconds, flags are booleans, nothing is kept for who is away. It offers server-sent
events and long polling.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.peers import PEERS
from tests.support.processes import LineProcess, PeerError, free_port


@dataclass
class SignalRJs:
    """A running server."""

    process: LineProcess
    port: int

    @property
    def url(self) -> str:
        """Where SignalR is spoken."""
        return f"http://127.0.0.1:{self.port}/signalr"

    async def publish(self, hub: str, method: str, *values: Any) -> None:
        """Call the method on every client, once for each value."""
        url = f"http://127.0.0.1:{self.port}/control/publish"
        body = {"hub": hub, "method": method, "values": values}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            if answer.status != 200:
                raise PeerError(f"{url}: {answer.status} {await answer.text()}")

    async def restart(self) -> None:
        """SIGKILL, and a new process on the same port."""
        self.process.process.kill()
        await self.process.process.wait()
        await self.process.start()
        await self.process.read(timeout_seconds=30)


@asynccontextmanager
async def signalrjs() -> AsyncIterator[SignalRJs]:
    """The server in a process of its own."""
    port = free_port()
    command = ["node", str(PEERS / "signalr" / "server.mjs"), "--port", str(port)]
    async with LineProcess(command) as process:
        ready = await process.read(timeout_seconds=30)
        yield SignalRJs(process, ready["port"])
