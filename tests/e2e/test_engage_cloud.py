"""Engage Cloud as whole processes: agents, statistics and the configuration, through kills and planned stops."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENTS = 4
STOPS = 6


def connector(url: str) -> dict[str, Any]:
    """Agents, and both of the other feeds."""
    return {
        "name": "cloud",
        "platform": "genesys_engage_cloud",
        "base_url": url,
        "api_key": "sim-key",
        "client": {"id": "sim-client", "secret": "sim-secret"},
        "accounts": [
            {"username": f"acme\\agent{number:04d}", "password": "secret"}
            for number in range(1, AGENTS + 1)
        ],
        "statistics": {
            "objects": [{"type": "Agent", "ids": ["agent0001"], "statistics": ["TotalCalls"]}]
        },
        "provisioning": {"watch": ["users"], "read": ["get-users"]},
    }


@pytest.mark.parametrize("planned", [False, True], ids=["killed", "stopped"])
async def test_stops_under_load_lose_and_double_nothing(
    tmp_path: Path, http: aiohttp.ClientSession, *, planned: bool
) -> None:
    """Kills with acknowledgement and planned stops without it: each time the same sessions go on, without a gap."""
    rng = random.Random(5)
    async with (
        site.platform(
            tmp_path,
            http,
            kind="genesys_engage_cloud",
            agents=AGENTS,
            events_per_second=60,
            ack=not planned,
            max_interval_ms=60_000,
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [connector(platform.url)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        for _ in range(STOPS):
            await gateway.wait_fed()
            wanted = gateway.lines.count() + rng.randrange(1, 80)
            await eventually(
                lambda wanted=wanted: gateway.lines.count() >= wanted, "events after a start"
            )
            if planned:
                assert await gateway.terminate() == 0, gateway.log
            else:
                gateway.kill()
            gateway.start()
        await gateway.wait_connected()
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        events = gateway.lines.read()
        handshakes = (await platform.stats())["handshakes"]

    assert [one.id for one in published if not one.resumable] == []
    assert oracle.doubled(events) == []
    assert [event for event in events if event.type.startswith("tieline.feed.gap.")] == []
    assert handshakes == AGENTS + 2
