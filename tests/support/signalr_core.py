"""An ASP.NET Core SignalR server that is not ours: PyPI `aiosignalr`, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.peers import INSTALLED, PEERS
from tests.support.processes import LineProcess, PeerError, free_port


@dataclass
class CoreServer:
    """A running server."""

    process: LineProcess
    root: str

    @property
    def url(self) -> str:
        """The hub."""
        return f"{self.root}/hub"

    async def publish(self, method: str, *values: Any) -> None:
        """Call the method on every client, once for each value."""
        await self._control("POST", "publish", {"method": method, "values": values})

    async def send(self, connection: str, calls: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Call methods on one client, in order; nothing happens if it is gone."""
        await self._control("POST", "send", {"connection": connection, "calls": calls})

    async def connections(self) -> list[str]:
        """The clients."""
        found: list[str] = await self._control("GET", "connections")
        return found

    async def cut(self) -> None:
        """Reset every client's socket."""
        await self._control("POST", "cut")

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.process.kill()
        await self.process.process.wait()

    async def start(self) -> None:
        """Start it again, on the same port."""
        await self.process.start()
        await self.process.read(timeout_seconds=30)

    async def _control(self, method: str, what: str, body: Any = None) -> Any:
        url = f"{self.root}/control/{what}"
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
            http.request(method, url, json=body) as answer,
        ):
            if answer.status != 200:
                raise PeerError(f"{url}: {answer.status} {await answer.text()}")
            return await answer.json()


@asynccontextmanager
async def core_server(
    *, tls: Path | None = None, authority: str | None = None
) -> AsyncIterator[CoreServer]:
    """The server in a process of its own.

    Args:
        tls: certificate and key, for a server under TLS.
        authority: the address that says whether an Authorization header is good; without it none is needed.
    """
    port = free_port()
    python = INSTALLED / "python" / "bin" / "python"
    command = [str(python), str(PEERS / "signalr" / "core_server.py"), str(port)]
    if tls is not None:
        command += ["--tls", str(tls)]
    if authority is not None:
        command += ["--authority", authority]
    async with LineProcess(command) as process:
        ready = await process.read(timeout_seconds=30)
        scheme = "http" if tls is None else "https"
        yield CoreServer(process, f"{scheme}://127.0.0.1:{ready['port']}")
