"""Clarity Connect as whole processes: kills and planned stops on each transport."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from connectors import clarity_connect
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


async def test_the_demo_shows_agents_queues_and_alerts_in_prometheus(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The platform's part of the demo: what a dashboard asks for is in the exposition, by name."""
    part = Path(clarity_connect.__file__).with_name("demo.yaml")
    demo = yaml.safe_load(part.read_text(encoding="utf-8"))
    async with site.platform(
        tmp_path, http, kind="clarity_connect", **demo["simulator"]
    ) as platform:
        block = {
            **demo["connector"],
            "name": "connect",
            "platform": "clarity_connect",
            "base_url": platform.url,
        }
        sinks = [{"name": "metrics", "kind": "prometheus"}]
        async with site.gateway(tmp_path, http, {"connectors": [block], "sinks": sinks}) as gateway:
            gateway.start()
            await gateway.wait_fed()

            async def agents_by_state() -> bool:
                total = await gateway.total("tieline_agents", connector="connect")
                busy = await gateway.total("tieline_agents", connector="connect", state="busy")
                return total == demo["simulator"]["agents"] + 1 and busy > 0

            async def figures_of_queues() -> bool:
                shown = [
                    await gateway.samples(
                        "tieline_queue_value",
                        connector="connect",
                        queue=str(queue),
                        value="audio.currentlyQueuedCount",
                    )
                    for queue in range(1, demo["simulator"]["queues"] + 1)
                ]
                return all(shown)

            async def alerts() -> bool:
                kinds = ("tieline.alert.raised.v1", "tieline.alert.cleared.v1")
                name = "tieline_delivered_events_total"
                told = [await gateway.total(name, connector="connect", type=kind) for kind in kinds]
                return all(told) and await gateway.total("tieline_alerts", connector="connect") > 0

            for condition in (agents_by_state, figures_of_queues, alerts):
                await eventually(condition, condition.__name__, timeout_seconds=60)
