"""A platform's simulator whose contact centre acts as soon as the gateway has taken what it did before.

`python -m tests.bench.eager nice_incontact --agents 50`: the real simulator, with its oracle, at a pace or as fast as
it is listened to. It takes the orders of `tests.bench.source`: /bench/run and /bench/state.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvloop
from aiohttp import web

from tests.bench.source import serve

UNREAD_MESSAGES = 400
"""The gateway has so many to take at any time: eight for a poll of each of 50 sessions; a SignalR ring holds 1,000."""
STEPS = 50
TICK_SECONDS = 0.001
REMEMBERED = 5_000_000


class Eager:
    """Lets the lives of a simulator go on as far as there is room."""

    def __init__(self, kind: str, agents: int) -> None:
        module = importlib.import_module(f"connectors.{kind}.simulator")
        wanted = {
            "agents": agents,
            "events_per_second": 0,
            "logouts": False,  # what happens to an agent without a session reaches nobody
            "ack": True,  # of CometD
            "max_interval_ms": 30_000,  # long enough for any program to come back to its session
            "published_limit": REMEMBERED,
        }
        known = module.SimulatorSettings.__struct_fields__
        settings = {name: value for name, value in wanted.items() if name in known}
        self._simulator: Any = module.Simulator(msgspec.convert(settings, module.SimulatorSettings))
        self._running: asyncio.Task[None] | None = None
        self._first = 0

    def app(self) -> web.Application:
        """The simulator's server, which asks for orders first: some simulators have an answer to every path."""
        app: web.Application = self._simulator.app
        app.middlewares.append(self._ordered)
        return app

    @web.middleware
    async def _ordered(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        match request.path:
            case "/bench/run":
                return await self._run(request)
            case "/bench/state":
                return await self._state(request)
            case _:
                return await handler(request)

    async def _run(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        self._first = len(self._simulator.ledger)
        begun = time.time_ns()
        seconds = wanted["seconds"]
        pace = wanted.get("per_second")
        acting = self._flood(seconds) if pace is None else self._pace(pace, seconds)
        self._running = asyncio.create_task(acting, name="lives")
        return web.json_response({"begun_ns": begun})

    async def _flood(self, seconds: float) -> None:
        lives, ledger = self._simulator.lives, self._simulator.ledger
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            for _ in range(STEPS):
                if not lives.alive or ledger.counts()["queued"] >= UNREAD_MESSAGES:
                    break
                lives.step(lives._rng.choice(lives._alive), now)
            else:
                await asyncio.sleep(0)
                continue
            await asyncio.sleep(TICK_SECONDS)

    async def _pace(self, per_second: float, seconds: float) -> None:
        lives = self._simulator.lives
        lives.events_per_second = per_second
        await asyncio.sleep(seconds)
        lives.events_per_second = 0

    async def _state(self, _request: web.Request) -> web.Response:
        done = self._running is None or self._running.done()
        if done and self._running is not None:
            self._running.result()
        sessions = sum(len(feed.sessions) for feed in self._simulator.feeds)
        total = len(self._simulator.ledger)
        return web.json_response(
            {
                "sent": total - self._first,
                "total": total,
                "done": done,
                "sessions": sessions,
                "first": self._first + 1,
            }
        )


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", help="a folder under connectors/")
    parser.add_argument("--agents", type=int, required=True)
    chosen = parser.parse_args()
    uvloop.run(serve(Eager(chosen.kind, chosen.agents).app()))


if __name__ == "__main__":
    main()
