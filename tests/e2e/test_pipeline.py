"""The whole way with whole processes: platform, gateway, sinks, commands; and what survives a kill."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KILLS = 20
EVENTS_PER_SECOND = 200.0
AGENTS = 10


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client for the simulator's and the gateway's HTTP."""
    async with aiohttp.ClientSession() as session:
        yield session


def configuration(url: str, *sinks: dict[str, Any], agents: int = AGENTS) -> dict[str, Any]:
    return {"connectors": [site.connector(url, agents)], "sinks": list(sinks)}


def file_sink(path: str = "events.jsonl", **more: Any) -> dict[str, Any]:
    return {"name": "log", "kind": "file", "path": path, **more}


async def everything_arrives(
    gateway: site.GatewayProcess, platform: site.Platform, lines: Path
) -> None:
    """Wait until all that the platform still held for us is in the file."""

    async def complete() -> bool:
        owed = {one.id for one in await platform.published() if one.resumable}
        return owed <= site.references(site.read_lines(lines))

    await eventually(complete, "all published messages in the file", timeout_seconds=60.0)
    assert gateway.starts


async def test_events_flow_and_a_stop_is_clean(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """Everything published is in the file once, the API tells the truth, SIGTERM ends with code 0."""
    lines = tmp_path / "data" / "events.jsonl"
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(tmp_path, http, configuration(platform.url, file_sink())) as gateway,
    ):
        gateway.start()
        await gateway.wait_ready()
        await eventually(lambda: len(site.read_lines(lines)) > 300, "300 events in the file")
        await platform.stop_lives()
        await everything_arrives(gateway, platform, lines)
        feeds = (await gateway.get("/v1/feeds"))["items"]
        assert {feed["state"] for feed in feeds} == {"connected"}
        assert len(feeds) == AGENTS
        assert gateway.terminate() == 0, gateway.log
        events = site.read_lines(lines)
        assert site.doubled(events) == []
        sequences = [event.sequence for event in events]
        assert sequences == sorted(set(sequences))


async def test_nothing_is_lost_or_doubled_by_kill_9_at_random_moments(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The oracle of the platform against the file, over many kills of the gateway under load."""
    rng = random.Random(20)
    lines = tmp_path / "data" / "events.jsonl"
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(tmp_path, http, configuration(platform.url, file_sink())) as gateway,
    ):
        gateway.start()
        await gateway.wait_ready()
        for _ in range(KILLS):
            have = len(site.read_lines(lines))
            more = rng.randrange(1, 250)
            await eventually(
                lambda wanted=have + more: len(site.read_lines(lines)) >= wanted,
                "events after a restart",
                timeout_seconds=30.0,
            )
            gateway.kill()
            gateway.start()
        await gateway.wait_ready()
        await platform.stop_lives()
        await everything_arrives(gateway, platform, lines)
        published = await platform.published()
        assert [one.id for one in published if not one.resumable] == []
        assert len(published) > KILLS * 100
        assert site.doubled(site.read_lines(lines)) == []
