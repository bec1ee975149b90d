"""NICE inContact by polling alone, as whole processes: figures and states in metrics and API, over a kill."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_polled_figures_and_states_are_metrics_and_survive_a_kill(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """What changed while there was no gateway is told once it is back; nothing is told twice."""
    async with site.platform(
        tmp_path, http, kind="nice_incontact", agents=4, events_per_second=0
    ) as platform:
        connector = {
            "name": "nice",
            "platform": "nice_incontact",
            "sign_in": {
                "method": "password",
                "url": f"{platform.url}/InContactAuthorizationServer/Token",
                "application": "Tieline@Example",
                "business_unit": "4711",
                "username": "gateway@example.com",
                "password": "secret",
            },
            "polls": {
                "agent_states": {"interval_seconds": 0.5},
                "contacts_active": {"interval_seconds": 0.5, "whole_every_seconds": 1},
                "skills_activity": {"interval_seconds": 0.5},
            },
        }
        configuration = {
            "connectors": [connector],
            "sinks": [site.file_sink(), {"name": "figures", "kind": "prometheus"}],
        }
        async with site.gateway(tmp_path, http, configuration) as gateway:

            async def queued() -> float:
                return await gateway.total(
                    "tieline_queue_value", connector="nice", queue="501", value="queueCount"
                )

            async def ready() -> float:
                return await gateway.total("tieline_agents", connector="nice", state="ready")

            gateway.start()
            await gateway.wait_connected()
            await platform.post("emit", {"action": "state", "agent": 1001, "state": "Available"})
            await platform.post("emit", {"action": "incoming"})
            await eventually(ready, "a ready agent", timeout_seconds=30)
            await eventually(queued, "a contact that waits", timeout_seconds=30)
            gateway.kill()
            await platform.post("emit", {"action": "state", "agent": 1002, "state": "Available"})
            gateway.start()
            await gateway.wait_connected()

            async def two_are_ready() -> bool:
                return await ready() == 2

            await eventually(two_are_ready, "two ready agents", timeout_seconds=30)
            (call,) = (await gateway.get("/v1/calls"))["items"]
            skills = (await gateway.get("/v1/directory?kind=skills"))["items"]
            assert await gateway.terminate() == 0, gateway.log
            events = gateway.lines.read()

    assert call["state"] == "queued"
    assert [entry["name"] for entry in skills][:2] == ["Sales", "Support"]
    assert oracle.doubled(events) == []
