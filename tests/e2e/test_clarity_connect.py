"""Clarity Connect as whole processes: kills and planned stops on each transport."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STOPS = 4


def connector(url: str, transport: str) -> dict[str, Any]:
    """All that the supervisor sees."""
    return {
        "name": "connect",
        "platform": "clarity_connect",
        "base_url": url,
        "username": "CONTOSO\\gateway",
        "password": "secret",
        "client_id": "0224c392-3845-4ac0-b1a0-d63706181ba7",
        "transports": [transport],
    }


@pytest.mark.parametrize("planned", [False, True], ids=["killed", "stopped"])
@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents", "longPolling"])
async def test_stops_under_load_lose_and_double_nothing(
    tmp_path: Path, http: aiohttp.ClientSession, transport: str, *, planned: bool
) -> None:
    """Within the disconnect timeout the same connection goes on with its cursor, without a gap."""
    rng = random.Random(7)
    async with (
        site.platform(
            tmp_path,
            http,
            kind="clarity_connect",
            events_per_second=60,
            disconnect_timeout_seconds=60,
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [connector(platform.url, transport)], "sinks": [site.file_sink()]},
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

    assert [one.id for one in published if not one.resumable] == []
    assert oracle.doubled(events) == []
    assert [event for event in events if event.type.startswith("tieline.feed.gap.")] == []
