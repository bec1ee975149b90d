"""An ASP.NET Core SignalR server that is not ours: PyPI `aiosignalr`, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.peers import INSTALLED, PEERS
from tests.support.processes import LineProcess, PeerError, free_port


@dataclass
class CoreServer:
    """A running server."""

    process: LineProcess
    port: int

    @property
    def url(self) -> str:
        """The hub."""
        return f"http://127.0.0.1:{self.port}/hub"

    async def publish(self, method: str, *values: Any) -> None:
        """Call the method on every client, once for each value."""
        url = f"http://127.0.0.1:{self.port}/control/publish"
        body = {"method": method, "values": values}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            if answer.status != 200:
                raise PeerError(f"{url}: {answer.status} {await answer.text()}")

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.process.kill()
        await self.process.process.wait()

    async def start(self) -> None:
        """Start it again, on the same port."""
        await self.process.start()
        await self.process.read(timeout_seconds=30)


@asynccontextmanager
async def core_server() -> AsyncIterator[CoreServer]:
    """The server in a process of its own."""
    port = free_port()
    python = INSTALLED / "python" / "bin" / "python"
    command = [str(python), str(PEERS / "signalr" / "core_server.py"), str(port)]
    async with LineProcess(command) as process:
        ready = await process.read(timeout_seconds=30)
        yield CoreServer(process, ready["port"])
