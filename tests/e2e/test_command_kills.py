"""Commands sent once, whatever happens: the same key at once, and a gateway that is killed between send and reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.holding_proxy import HoldingProxy
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ANNA = {"agent": "agent0001"}
KILLS = 20
CLIENTS = 10


def changes_state(method: str, path: str, body: bytes) -> bool:
    """Whether a request of the connector makes an agent ready or not ready."""
    return method == "POST" and path.endswith("/me") and b"Ready" in body


@pytest.fixture
async def vendor(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[HoldingProxy]:
    """A platform whose replies to changes of state can be kept."""
    async with (
        site.platform(tmp_path, http, agents=1, events_per_second=0, ack=True) as platform,
        HoldingProxy(platform.url, changes_state) as proxy,
    ):
        proxy.release()
        yield proxy


@pytest.fixture
async def gateway(
    tmp_path: Path, http: aiohttp.ClientSession, vendor: HoldingProxy
) -> AsyncIterator[site.GatewayProcess]:
    """A gateway whose agent is logged in."""
    configuration = {"connectors": [site.connector(vendor.url, 1)], "sinks": [site.file_sink()]}
    async with site.gateway(tmp_path, http, configuration) as gateway:
        gateway.start()
        await gateway.wait_connected()
        assert (await gateway.command("agent.login", ANNA))["status"] == "done"
        yield gateway


async def submit(gateway: site.GatewayProcess, state: str, key: str) -> tuple[int, dict[str, Any]]:
    """Send a change of state without waiting; status and document."""
    body = {"verb": "agent.set_state", "connector": "gws", "target": ANNA}
    async with gateway.http.post(
        f"{gateway.url}/v1/commands",
        json=body | {"arguments": {"state": state}},
        headers={"Idempotency-Key": key},
    ) as reply:
        return reply.status, await reply.json(content_type=None)


async def test_clients_with_the_same_key_at_once_are_one_command_at_the_vendor(
    gateway: site.GatewayProcess, vendor: HoldingProxy
) -> None:
    """All get the same command; whoever asks for something else with that key is refused."""
    before = vendor.chosen
    vendor.hold()
    answers = await asyncio.gather(*(submit(gateway, "ready", "one") for _ in range(CLIENTS)))
    other, problem = await submit(gateway, "not_ready", "one")
    vendor.release()
    assert {status for status, _ in answers} <= {200, 202}
    assert len({document["id"] for _, document in answers}) == 1
    assert (other, problem["type"]) == (422, "urn:tieline:problem:idempotency-key-reused")
    verdict = await gateway.get(f"/v1/commands/{answers[0][1]['id']}?wait=15")
    assert verdict["status"] == "done"
    assert vendor.chosen == before + 1


async def test_a_gateway_killed_between_send_and_reply_never_sends_again_and_always_has_a_verdict(
    gateway: site.GatewayProcess, vendor: HoldingProxy
) -> None:
    """Twenty times: the vendor has the command, the gateway dies, and the next one finds the event that proves it."""
    for number in range(KILLS):
        sent_before = vendor.chosen
        vendor.hold()
        key, state = f"kill-{number}", ("ready", "not_ready")[number % 2]
        _, command = await submit(gateway, state, key)
        async with asyncio.timeout(30):
            await vendor.held.wait()
        gateway.kill()
        vendor.release()
        gateway.start()
        await gateway.wait_connected()
        _, again = await submit(gateway, state, key)
        assert again["id"] == command["id"]
        verdict = await gateway.get(f"/v1/commands/{command['id']}?wait=30")
        assert verdict["status"] == "done", verdict
        assert verdict["evidence"]
        assert vendor.chosen == sent_before + 1

    def audited() -> bool:
        told = {event.id for event in gateway.lines.of_type("audit.recorded")}
        return len(told) == KILLS + 1

    await eventually(audited, "each command in the audit, and the log-in")
