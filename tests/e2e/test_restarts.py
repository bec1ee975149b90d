"""Planned stops without the acknowledge extension, and what is told when a session could not be kept."""

from __future__ import annotations

import random
from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.oracle import SeenEvent
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RESTARTS = 10
AGENTS = 5


def gaps(events: list[SeenEvent]) -> dict[str, list[tuple[str, str]]]:
    """The verb and reason of every gap event, by feed, in order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for event in events:
        if event.type.startswith("tieline.feed.gap."):
            verb = event.type.split(".")[3]
            found.setdefault(event.data.feed or "", []).append((verb, event.data.reason or ""))
    return found


def pair_for_every_feed(reason: str) -> dict[str, list[tuple[str, str]]]:
    """One gap for each feed, opened and closed for this reason."""
    return {
        f"gws/{account['username']}": [("opened", reason), ("closed", reason)]
        for account in site.accounts(AGENTS)
    }


def links(events: list[SeenEvent]) -> list[bool]:
    """Of every connection whether it went on in the session of the one before."""
    connected = "tieline.feed.connected.v1"
    return [event.data.resumed is True for event in events if event.type == connected]


async def test_planned_stops_lose_nothing_without_acknowledgement(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """SIGTERM ten times under load: each time a drain, code 0 and the same session; never a gap."""
    rng = random.Random(4)
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=50, ack=False, max_interval_ms=60_000
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [site.connector(platform.url, AGENTS)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        for _ in range(RESTARTS):
            await gateway.wait_fed()
            wanted = gateway.lines.count() + rng.randrange(1, 80)
            await eventually(
                lambda wanted=wanted: gateway.lines.count() >= wanted, "events after a restart"
            )
            assert await gateway.terminate() == 0, gateway.log
            gateway.start()
        await gateway.wait_connected()
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        events = gateway.lines.read()
        assert [one.id for one in published if not one.resumable] == []
        assert oracle.doubled(events) == []
        assert oracle.overtaken(events, published) == []
        assert gaps(events) == {}
        assert (await platform.stats())["handshakes"] == AGENTS


async def test_past_the_window_each_feed_tells_one_gap_and_goes_on(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Stopped for longer than the platform keeps sessions: one pair of gap events for each feed, then all flows."""
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=50, ack=True, max_interval_ms=1_000
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [site.connector(platform.url, AGENTS)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        assert await gateway.terminate() == 0, gateway.log

        async def forgotten() -> bool:
            return (await platform.stats())["sessions"] == 0

        await eventually(forgotten, "the platform to forget the sessions")
        gateway.start()
        await gateway.wait_connected()
        await eventually(
            lambda: len(gaps(gateway.lines.read())) == AGENTS, "a gap told by every feed"
        )
        more = gateway.lines.count() + 100
        await eventually(lambda: gateway.lines.count() > more, "events after the gap")
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        events = gateway.lines.read()
        lost = [one for one in published if not one.resumable]
        assert lost, "nothing was published while the gateway was away"
        assert gaps(events) == pair_for_every_feed("session_lost")
        assert oracle.doubled(events) == []
        assert links(events)[-AGENTS:] == [False] * AGENTS


async def test_a_kill_without_acknowledgement_is_told_as_a_suspected_gap_of_a_resumed_session(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Within the window the session goes on, but what was on its way to the dead process may be missing."""
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=50, ack=False, max_interval_ms=60_000
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [site.connector(platform.url, AGENTS)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        gateway.kill()
        gateway.start()
        await gateway.wait_connected()
        await eventually(
            lambda: len(gaps(gateway.lines.read())) == AGENTS, "a gap told by every feed"
        )
        more = gateway.lines.count() + 100
        await eventually(lambda: gateway.lines.count() > more, "events after the gap")
        events = gateway.lines.read()
        assert gaps(events) == pair_for_every_feed("stopped")
        assert links(events)[-AGENTS:] == [True] * AGENTS
        assert oracle.doubled(events) == []
        assert (await platform.stats())["handshakes"] == AGENTS
