"""NICE inContact as whole processes: kills in a call and under load, sessions ended by others, tokens that die."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.oracle import SeenEvent
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENTS = 4
STOPS = 4
JOIN_SECONDS = 1
SLOWEST_SECONDS = 45.0


def connector(url: str, **more: Any) -> dict[str, Any]:
    """One user that joins the sessions of all agents."""
    return {
        "name": "nice",
        "platform": "nice_incontact",
        "sign_in": {
            "method": "password",
            "url": f"{url}/InContactAuthorizationServer/Token",
            "application": "Tieline@Example",
            "business_unit": "4711",
            "username": "gateway@example.com",
            "password": "secret",
        },
        "agents": [{"agent_id": str(1001 + number)} for number in range(AGENTS)],
        "sessions": {"join_interval_seconds": JOIN_SECONDS, "poll_timeout_seconds": 60},
        **more,
    }


@dataclass
class Site:
    """The platform and the gateway."""

    platform: site.Platform
    gateway: site.GatewayProcess

    async def emit(self, action: str, **fields: Any) -> Any:
        """Let something happen to the first agent."""
        return await self.platform.post("emit", {"action": action, "agent": 1001, **fields})

    async def event(self, kind: str, *, after: int = 0, subject: str = "") -> SeenEvent:
        """Wait for an event of that type behind so many."""

        def find() -> SeenEvent | None:
            for event in self.gateway.lines.read()[after:]:
                if event.type == f"tieline.{kind}.v1" and event.subject.endswith(subject):
                    return event
            return None

        found: SeenEvent = await eventually(
            find, f"{kind} {subject}", timeout_seconds=SLOWEST_SECONDS
        )
        return found

    async def agent(self) -> dict[str, Any]:
        """The first agent in the picture."""
        items: list[dict[str, Any]] = (await self.gateway.get("/v1/agents"))["items"]
        return next(item for item in items if item["agent"] == "1001")

    async def requests(self, kind: str) -> int:
        """How many requests of a kind the platform had."""
        return int((await self.platform.stats())["requests"].get(kind, 0))

    def types(self) -> list[str]:
        """Types of all events, in order."""
        return [
            event.type.removeprefix("tieline.").removesuffix(".v1")
            for event in self.gateway.lines.read()
        ]


@asynccontextmanager
async def running(
    directory: Path, http: aiohttp.ClientSession, **settings: Any
) -> AsyncIterator[Site]:
    """Both, connected; by default nothing happens by itself."""
    chosen = {"agents": AGENTS, "events_per_second": 0, **settings}
    async with (
        site.platform(directory, http, kind="nice_incontact", **chosen) as platform,
        site.gateway(
            directory,
            http,
            {"connectors": [connector(platform.url)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        yield Site(platform, gateway)


async def test_a_kill_in_a_call_is_a_gap_after_which_the_picture_is_right(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running(tmp_path, http) as here:
        await here.emit("state")
        call = str((await here.emit("offer"))["contact"])
        await here.emit("answer")
        await here.event("call.connected", subject=call)
        here.gateway.kill()
        await here.emit("hold")
        seen = here.gateway.lines.count()
        here.gateway.start()
        await here.gateway.wait_fed()
        gap = await here.event("feed.gap.opened", after=seen, subject="1001")
        held = await here.event("call.held", after=seen, subject=call)
        await here.emit("resume")
        await here.event("call.retrieved", after=seen, subject=call)
        await here.emit("hang_up")
        await here.event("call.ended", after=seen, subject=call)
        agent = await here.agent()
        calls = (await here.gateway.get("/v1/calls"))["items"]
        events = here.gateway.lines.read()

    assert gap.data.reason == "unclean_stop"
    assert held.id != gap.id
    assert agent["state"] == "after_contact"
    assert [one["call"] for one in calls if one.get("state") != "cleared"] == []
    assert oracle.doubled(events) == []
    connected = [one for one in events if one.type == "tieline.call.connected.v1"]
    assert len(connected) == 1


async def test_kills_under_load_double_nothing_and_tell_every_gap(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """What the platform replays to nobody is a gap; all else is there once."""
    rng = random.Random(11)
    async with running(tmp_path, http, events_per_second=60, logouts=False) as here:
        for _ in range(STOPS):
            await here.gateway.wait_fed()
            wanted = here.gateway.lines.count() + rng.randrange(20, 80)
            await eventually(
                lambda wanted=wanted: here.gateway.lines.count() >= wanted,
                "events after a start",
                timeout_seconds=SLOWEST_SECONDS,
            )
            here.gateway.kill()
            here.gateway.start()
        await here.gateway.wait_connected()
        await here.platform.stop_lives()
        await here.platform.arrived(here.gateway.lines.read)
        await here.gateway.wait_settled("log")
        events = here.gateway.lines.read()
        agents = (await here.gateway.get("/v1/agents"))["items"]
        async with http.get(f"{here.platform.url}/sim/agents") as reply:
            real = await reply.json()

    assert oracle.doubled(events) == []
    opened = [one for one in events if one.type == "tieline.feed.gap.opened.v1"]
    closed = [one for one in events if one.type == "tieline.feed.gap.closed.v1"]
    assert len(opened) == len(closed) == STOPS * AGENTS
    assert {item["agent"]: item["state"] for item in agents} == {
        str(number): canonical(real[str(number)]) for number in range(1001, 1001 + AGENTS)
    }


def canonical(agent: Mapping[str, Any]) -> str:
    """The state that the platform's words mean."""
    if agent["acw"]:
        return "after_contact"
    return {"Available": "ready", "Unavailable": "not_ready"}.get(agent["state"], "busy")


async def test_planned_stops_under_load_are_no_gap(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running(tmp_path, http, events_per_second=60, logouts=False) as here:
        for _ in range(STOPS):
            await here.gateway.wait_fed()
            wanted = here.gateway.lines.count() + 20
            await eventually(
                lambda wanted=wanted: here.gateway.lines.count() >= wanted,
                "events after a start",
                timeout_seconds=SLOWEST_SECONDS,
            )
            assert await here.gateway.terminate() == 0, here.gateway.log
            here.gateway.start()
        await here.gateway.wait_connected()
        await here.platform.stop_lives()
        published = await here.platform.arrived(here.gateway.lines.read)
        events = here.gateway.lines.read()

    assert oracle.doubled(events) == []
    assert [one for one in events if one.type == "tieline.feed.gap.opened.v1"] == []
    assert [one.id for one in published if one.fate == "uncertain"] == []


@pytest.mark.parametrize("how", ["log_out", "force_log_out"], ids=["by a client", "by force"])
async def test_a_session_that_another_ended_is_looked_for_at_a_slow_rhythm(
    tmp_path: Path, http: aiohttp.ClientSession, how: str
) -> None:
    """Logged off, no gap, no alarm; one request to join a second; back when the agent is."""
    async with running(tmp_path, http) as here:
        joins, polls = await here.requests("join"), await here.requests("get-next-event")
        seen = here.gateway.lines.count()
        await here.emit(how)
        await here.event("agent.session.ended", after=seen, subject="1001")

        async def logged_off() -> bool:
            return (await here.agent())["state"] == "logged_off"

        async def looked_again() -> bool:
            return await here.requests("join") >= joins + 2

        await eventually(logged_off, "the agent is logged off", timeout_seconds=SLOWEST_SECONDS)
        await eventually(looked_again, "two attempts to join", timeout_seconds=SLOWEST_SECONDS)
        assert await here.requests("get-next-event") - polls <= 3
        assert (await here.gateway.readiness())[0] == 200
        await here.emit("log_in")
        await here.event("agent.session.started", after=seen, subject="1001")
        await here.emit("state")
        await here.event("agent.state.changed", after=seen, subject="1001")
        types = here.types()
    assert "feed.gap.opened" not in types
    assert types.count("feed.connected") == AGENTS


async def test_a_token_that_dies_in_held_polls_interrupts_nothing(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running(tmp_path, http) as here:
        tokens = (await here.platform.stats())["tokens"]

        async def all_held() -> bool:
            return (await here.platform.stats())["held"] == AGENTS

        await eventually(all_held, "a held poll of every agent", timeout_seconds=SLOWEST_SECONDS)
        await here.platform.post("faults", {"kind": "token_expiry"})

        async def renewed() -> bool:
            return (await here.platform.stats())["tokens"] > tokens

        await eventually(renewed, "a new token", timeout_seconds=SLOWEST_SECONDS)
        await eventually(all_held, "a held poll of every agent", timeout_seconds=SLOWEST_SECONDS)
        seen = here.gateway.lines.count()
        await here.emit("state")
        await here.event("agent.state.changed", after=seen, subject="1001")
        types, stats = here.types(), await here.platform.stats()
    assert stats["tokens"] == tokens + 1
    assert "feed.gap.opened" not in types
    assert "feed.disconnected" not in types
