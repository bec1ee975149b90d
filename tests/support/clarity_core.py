"""Clarity Connect whose SignalR is ASP.NET Core, on a server that is not ours: REST and lives by the simulator."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from aiohttp import web

from connectors._simulation.signalr_session import Connection
from connectors.clarity_connect.simulator import Simulator, SimulatorSettings
from tests.support.signalr_core import CoreServer, core_server

Call = tuple[str, str, list[Any]]


class Relay:
    """Hands the simulator's calls to the server, in order."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._connections: dict[str, Connection] = {}
        self._groups: dict[str, set[str]] = {}
        self._calls: asyncio.Queue[Call] = asyncio.Queue()

    @property
    def sessions(self) -> list[Connection]:
        """Every connection that was named so far and not found dead."""
        return list(self._connections.values())

    def find(self, connection_id: str) -> Connection:
        """Whoever is signed in names its own connection."""
        made = Connection(connection_id, self._user, (), 0.0, started=True)
        return self._connections.setdefault(connection_id, made)

    def forget_all_but(self, alive: Collection[str]) -> list[Connection]:
        """Forget the connections that ended; returns them."""
        dead = [one for one in self._connections.values() if one.id not in alive]
        for one in dead:
            del self._connections[one.id]
            for members in self._groups.values():
                members.discard(one.id)
        return dead

    def send(
        self, connection_id: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call a method on one connection, in time."""
        del hub, number
        self._calls.put_nowait((connection_id, method, arguments))

    def send_group(
        self, group: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call it on all of a group."""
        for connection_id in sorted(self._groups.get(group, ())):
            self.send(connection_id, hub, method, arguments, number)

    def join(self, connection: Connection, hub: str, group: str) -> None:
        """Add to a group."""
        connection.groups.add(f"hg-{hub}.{group}")
        self._groups.setdefault(group, set()).add(connection.id)

    def leave(self, connection: Connection, hub: str, group: str) -> None:
        """Take out of it."""
        connection.groups.discard(f"hg-{hub}.{group}")
        self._groups.get(group, set()).discard(connection.id)

    async def run(self, server: CoreServer) -> None:
        """Bring the calls to the server, as many at once as wait."""
        while True:
            waiting = [await self._calls.get()]
            while not self._calls.empty():
                waiting.append(self._calls.get_nowait())
            for connection_id, calls in groupby(waiting, key=itemgetter(0)):
                await server.send(connection_id, [(call[1], call[2]) for call in calls])


@dataclass
class CoreSite:
    """Both servers."""

    simulator: Simulator
    relay: Relay
    server: CoreServer
    url: str
    """The site's root."""


@asynccontextmanager
async def core_site(*, tls: Path | None = None, **settings: Any) -> AsyncIterator[CoreSite]:
    """A site; by default one where nothing happens by itself. `tls`: certificate and key, for both servers."""
    chosen = SimulatorSettings(**{"events_per_second": 0, **settings})
    relay = Relay(chosen.account)
    simulator = Simulator(chosen, relay)
    context = None
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls)
    runner = web.AppRunner(simulator.app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    scheme = "http" if tls is None else "https"
    url = simulator.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with core_server(tls=tls, authority=f"{url}/webapi/api/info") as server:
            relaying = asyncio.create_task(relay.run(server), name="relay")
            try:
                yield CoreSite(simulator, relay, server, url)
            finally:
                relaying.cancel()
                await asyncio.wait({relaying})
    finally:
        await runner.cleanup()
    if not relaying.cancelled():
        relaying.result()
