"""A SignalR server on a port, for the tests that judge it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from aiohttp import web

from connectors._simulation.faults import Fault, FaultPlan, StreamFaults
from connectors._simulation.ledger import Fate, Ledger
from connectors._simulation.signalr_server import HubError, SignalROptions, SignalRServer
from connectors._simulation.signalr_session import Connection
from tests.support.raw_signalr import HUB

GROUP = "watchers"


class Site:
    """The server, its ledger and faults, and a clock that tests can put forward."""

    def __init__(self, options: SignalROptions) -> None:
        self.ledger = Ledger()
        self.plan = FaultPlan(Random(1))
        self.skipped_seconds = 0.0
        self.user = "somebody"
        self.ended: list[tuple[str, bool]] = []
        methods = {"Echo": self._echo, "Join": self._join, "Leave": self._leave, "Fail": self._fail}
        methods["Boom"] = self._boom
        self.signalr = SignalRServer(
            options,
            {HUB: methods, "otherHub": {}},
            self.ledger,
            StreamFaults(self.plan, Random(1)),
            monotonic=self._monotonic,
        )
        self.signalr.on_disconnected = lambda connection, by_client: self.ended.append(
            (connection.id, by_client)
        )
        self.url = ""

    def _monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.skipped_seconds

    @staticmethod
    def _echo(_connection: Connection, arguments: list[Any]) -> object:
        return arguments[0]

    def _join(self, connection: Connection, _arguments: list[Any]) -> None:
        self.signalr.join(connection, HUB, GROUP)

    def _leave(self, connection: Connection, _arguments: list[Any]) -> None:
        self.signalr.leave(connection, HUB, GROUP)

    @staticmethod
    def _fail(_connection: Connection, _arguments: list[Any]) -> None:
        raise HubError("not today", {"code": 7})

    @staticmethod
    def _boom(_connection: Connection, arguments: list[Any]) -> object:
        return arguments[99]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer for the user of the moment."""
        return await self.signalr.handle(request, self.user)

    def _number(self) -> int:
        return self.ledger.record(agent=self.user, topic="t", message_type="", at_ms=0)

    def broadcast(self, *values: Any, hub: str = HUB) -> None:
        """Call `onDiff` on everybody."""
        for value in values:
            self.signalr.broadcast(hub, "onDiff", [value], self._number())

    def send(self, connection_id: str, *values: Any) -> None:
        """Call it on one connection."""
        for value in values:
            self.signalr.send(connection_id, HUB, "onDiff", [value], self._number())

    def send_group(self, *values: Any) -> None:
        """Call it on the members of the group."""
        for value in values:
            self.signalr.send_group(GROUP, HUB, "onDiff", [value], self._number())

    def commit(self, fault: Fault) -> None:
        """Plan a fault."""
        self.plan.add(fault)

    def fates(self) -> list[Fate]:
        """What became of every message, in order."""
        return [entry.fate for entry in self.ledger.since(0, 10_000)]


@asynccontextmanager
async def site(options: SignalROptions | None = None) -> AsyncIterator[Site]:
    """The server, listening."""
    running = Site(options or SignalROptions())
    app = web.Application()
    app.router.add_route("*", "/signalr/{action}", running.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    running.url = f"http://{host}:{port}/signalr"
    try:
        yield running
    finally:
        running.signalr.release_all()
        await runner.cleanup()
