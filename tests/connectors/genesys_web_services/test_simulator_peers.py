"""Clients that we did not write judge the simulator's feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from tests.support import aiocometd_shim
from tests.support.peers import official_client
from tests.support.raw_bayeux import eventually

pytestmark = pytest.mark.peers

COUNT = 300
CHANNELS = ("/v2/me/*",)
HEADERS = {"Authorization": aiohttp.encode_basic_auth("agent0001", "secret")}


@pytest.fixture(params=[False, True], ids=["no_ack", "ack"])
async def simulator(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    settings = SimulatorSettings(
        agents=1, events_per_second=200, ack=request.param, timeout_ms=3000
    )
    async with Simulator(settings) as running:
        yield running


def url(simulator: Simulator) -> str:
    return f"{simulator.url}/api/v2/notifications"


async def test_the_official_client_receives_everything_in_order(simulator: Simulator) -> None:
    async with official_client(
        url(simulator), CHANNELS, headers=HEADERS, ack=simulator.settings.ack
    ) as client:
        await client.messages(COUNT)
        assert simulator.bayeux.sessions[0].acknowledging is simulator.settings.ack
    # `seen` also has what came before the reply to the subscription.
    messages = [event for event in client.seen if event["event"] == "message"]
    ids = [message["data"]["referenceId"] for message in messages]
    assert ids == [f"sim-{number + 1}" for number in range(len(ids))]
    await eventually(lambda: simulator.bayeux.sessions == [])


async def test_the_official_client_comes_back_after_a_402(simulator: Simulator) -> None:
    async with official_client(url(simulator), CHANNELS, headers=HEADERS) as client:
        await client.messages(10)
        [session] = simulator.bayeux.sessions
        simulator.bayeux.forget()
        await eventually(lambda: simulator.bayeux.handshakes == 2)
        assert session.removed


async def test_the_shimmed_aiocometd_receives_everything_in_order(simulator: Simulator) -> None:
    async with aiocometd_shim.connect(url(simulator), CHANNELS, headers=HEADERS) as client:
        async with asyncio.timeout(20):
            messages = [await client.receive() for _ in range(COUNT)]
    ids = [message["data"]["referenceId"] for message in messages]
    assert ids == [f"sim-{number + 1}" for number in range(COUNT)]
