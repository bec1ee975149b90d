"""What all simulated servers have: faults of requests, the routes under /sim/, the pace of lives."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web

from connectors._simulation.admin import AdminRoutes
from connectors._simulation.bayeux_server import BayeuxOptions, BayeuxServer
from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import FEED_AND_HTTP, Fault, FaultKind, FeedFaults
from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from connectors._simulation.server import SimulatedServer, UnknownFault
from gateway.errors import ConfigError
from tests.support.raw_bayeux import eventually

OWN = {"error": "its own"}


@dataclass
class Somebody:
    """Who lives."""

    username: str


class Counting(PacedLives[Somebody]):
    """Every step is one message."""

    def step(self, agent: Somebody, now: float) -> None:
        """Publish."""
        del now
        self._ledger.record(agent=agent.username, topic="t", message_type="m", at_ms=0)


class Small(SimulatedServer):
    """A server with one route, whose requests suffer faults."""

    FAULTS: ClassVar[frozenset[FaultKind]] = FEED_AND_HTTP

    def __init__(self, *planned: Fault) -> None:
        super().__init__(seed=1, published_limit=1000)
        faults = FeedFaults(self.plan, self.fault_rng)
        self.feed = BayeuxServer(BayeuxOptions(), self.ledger, faults)
        self.lives = Counting(0.0, self.rng, self.ledger)
        self.struck: list[FaultKind] = []
        self.carried_out = 0
        self.app = web.Application()
        self.app.add_routes([web.post("/thing", self._thing)])
        self.app.add_routes(AdminRoutes(self, self.lives, lambda: {"own": 17}).routes())
        self.prepare(self.app, name="small", faults=planned)

    @property
    def feeds(self) -> Iterable[BayeuxServer]:
        """The only one."""
        return (self.feed,)

    def begin(self) -> None:
        """Let lives tick."""
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def strike(self, fault: Fault) -> None:
        """Remember that it was asked."""
        self.struck.append(fault.kind)

    async def _thing(self, request: web.Request) -> web.Response:
        disturbance = await disturb(self.plan, request, "somebody", "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self.rng, OWN)
        self.carried_out += 1
        if disturbance.breaks:
            return broken_reply(disturbance.breaks, self.rng, OWN)
        return web.Response(text="done")


@pytest.fixture
async def server() -> AsyncIterator[Small]:
    async with Small() as running:
        yield running


@pytest.fixture
async def http(server: Small) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def test_a_fault_of_another_platform_is_refused(
    server: Small, http: aiohttp.ClientSession
) -> None:
    """Nobody is left believing that something happens."""
    with pytest.raises(UnknownFault, match="token_expiry"):
        server.commit(Fault(FaultKind.TOKEN_EXPIRY))
    async with http.post("/sim/faults", json={"kind": "token_expiry"}) as reply:
        assert (reply.status, "token_expiry" in await reply.text()) == (400, True)


def test_a_scenario_with_such_a_fault_is_refused_at_once() -> None:
    """The command line says so instead of starting."""
    with pytest.raises(ConfigError, match="service_unavailable"):
        Small(Fault(FaultKind.SERVICE_UNAVAILABLE))


async def test_an_instant_fault_is_left_to_the_platform(server: Small) -> None:
    server.commit(Fault(FaultKind.SESSION_EXPIRY))
    await eventually(lambda: server.struck == [FaultKind.SESSION_EXPIRY])


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("after", [False, True])
async def test_a_server_error_replaces_the_answer_before_or_after(
    server: Small, http: aiohttp.ClientSession, status: int, *, after: bool
) -> None:
    server.commit(Fault(FaultKind.SERVER_ERROR, status=status, after_processing=after))
    async with http.post("/thing") as reply:
        assert reply.status == status
        if status == 500:
            assert await reply.json() == OWN
        else:
            assert reply.content_type == "text/html"
    assert server.carried_out == int(after)


@pytest.mark.parametrize("after", [False, True])
async def test_a_dropped_request_has_no_answer(
    server: Small, http: aiohttp.ClientSession, *, after: bool
) -> None:
    server.commit(Fault(FaultKind.DROP, after_processing=after))
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post("/thing")
    await eventually(lambda: server.carried_out == int(after))


async def test_a_slow_request_is_late(server: Small, http: aiohttp.ClientSession) -> None:
    server.commit(Fault(FaultKind.SLOW, delay_ms=50))
    began = time.monotonic()
    async with http.post("/thing") as reply:
        assert await reply.text() == "done"
    assert time.monotonic() - began >= 0.05


async def test_a_fault_for_the_feed_spares_the_rest(
    server: Small, http: aiohttp.ClientSession
) -> None:
    server.commit(Fault(FaultKind.SERVER_ERROR, target="feed"))
    async with http.post("/thing") as reply:
        assert reply.status == 200


async def test_a_platform_adds_its_own_figures(http: aiohttp.ClientSession) -> None:
    async with http.get("/sim/stats") as reply:
        stats = await reply.json()
    assert (stats["own"], stats["published"], stats["failure"]) == (17, 0, None)


async def test_lives_go_at_the_pace_that_is_set(server: Small, http: aiohttp.ClientSession) -> None:
    server.lives.begin(Somebody("one"))
    async with http.post("/sim/rate", json={"events_per_second": 500}) as reply:
        assert reply.status == 200
    await eventually(lambda: len(server.ledger) > 20)
    async with http.post("/sim/stop_lives") as reply:
        stopped = (await reply.json())["published"]
    server.lives.tick()
    assert len(server.ledger) == stopped


def test_what_commands_publish_counts_towards_the_pace() -> None:
    """The rate is what a receiver sees, whoever caused it."""
    now, ledger = 0.0, Ledger()
    lives = Counting(10.0, Random(1), ledger, monotonic=lambda: now)
    lives.begin(Somebody("one"))
    lives.begin(Somebody("one"))
    assert lives.alive == 1
    for _ in range(3):
        ledger.record(agent="one", topic="t", message_type="command", at_ms=0)
    for tick in range(1, 101):
        now = tick * 0.01
        lives.tick()
    assert len(ledger) == 10
