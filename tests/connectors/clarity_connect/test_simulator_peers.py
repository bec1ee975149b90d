"""Clients that we did not write judge the simulated server's feed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from connectors.clarity_connect.simulator import Fault, FaultKind, Simulator
from tests.support.clarity_desk import QUIET, Desk, desk
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import HUB, TRANSPORTS
from tests.support.signalr_peers import (
    SignalRPeer,
    foreign_signalr_client,
    official_signalr_client,
)

pytestmark = pytest.mark.peers
METHODS = ("onAgents", "onAlerts")
LIVELY = msgspec.structs.replace(
    QUIET, events_per_second=100, agents=10, token_parameter="access_token"
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(LIVELY) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator) as sat_down:
        yield sat_down


async def hears_all(supervisor: Desk, client: SignalRPeer) -> None:
    """A subscriber to every agent gets the oracle's messages, without a hole, in their order."""
    started = await client.next_event("started")
    body = {"connectionId": started["id"]}
    status, _ = await supervisor.post("v2/subscriptions/agents?teamIds=1,2", body)
    assert status == 200
    arguments = await client.arguments(150)
    assert [one[1]["referenceId"] for one in arguments] == [f"sim-{n + 1}" for n in range(150)]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_official_client_hears_everything_in_order(
    simulator: Simulator, supervisor: Desk, transport: str
) -> None:
    """A browser cannot set headers, so the token is in the query."""
    async with official_signalr_client(
        f"{simulator.url}/webapi/signalr",
        transport,
        hub=HUB,
        methods=METHODS,
        query={"access_token": supervisor.token},
    ) as client:
        await hears_all(supervisor, client)
        await client.order({"stop": True})
        await eventually(lambda: not simulator.subscriptions.all)


async def test_the_official_client_falls_back_when_no_socket_gets_through(
    simulator: Simulator, supervisor: Desk
) -> None:
    """The server offers them, so only trying tells."""
    simulator.commit(Fault(FaultKind.UPGRADE_REFUSED, for_seconds=60))
    async with official_signalr_client(
        f"{simulator.url}/webapi/signalr",
        "auto",
        hub=HUB,
        methods=METHODS,
        query={"access_token": supervisor.token},
    ) as client:
        assert (await client.next_event("started"))["transport"] == "serverSentEvents"


@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents"])
async def test_a_foreign_client_hears_everything_in_order(
    simulator: Simulator, supervisor: Desk, transport: str
) -> None:
    if transport != "webSockets":
        disabled = Fault(FaultKind.TRANSPORT_DISABLED, for_seconds=60, service="webSockets")
        simulator.commit(disabled)
    async with foreign_signalr_client(
        f"{simulator.url}/webapi/signalr", hub=HUB, methods=METHODS, headers=supervisor.headers
    ) as client:
        await hears_all(supervisor, client)
