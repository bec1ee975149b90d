"""Clients that we did not write judge the simulated SignalR server, on every transport they have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.connectors._simulation.signalr_site import Site, site
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import HUB, TRANSPORTS
from tests.support.signalr_peers import (
    SignalRPeer,
    foreign_signalr_client,
    official_signalr_client,
)

pytestmark = pytest.mark.peers
METHODS = ("onDiff",)


@pytest.fixture
async def served() -> AsyncIterator[Site]:
    async with site() as running:
        yield running


async def in_the_group(client: SignalRPeer, served: Site) -> None:
    await client.order({"invoke": ["Join"]})
    await client.next_event("result")
    served.send_group("joined")
    assert await client.arguments(1) == [["joined"]]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_official_client_calls_hears_and_leaves(served: Site, transport: str) -> None:
    async with official_signalr_client(served.url, transport, hub=HUB, methods=METHODS) as client:
        assert (await client.next_event("started"))["transport"] == transport
        served.broadcast(*range(30))
        assert await client.arguments(30) == [[number] for number in range(30)]
        await client.order({"invoke": ["Echo", {"a": 1}]})
        assert (await client.next_event("result"))["value"] == {"a": 1}
        await client.order({"invoke": ["Fail"]})
        failed = await client.next_event("result")
        assert (failed["error"], failed["data"]) == ("not today", {"code": 7})
        await in_the_group(client, served)
        await client.order({"stop": True})
        await client.next_event("disconnected")
        await eventually(lambda: len(served.ended) == 1)
    assert served.ended[0][1] is True


async def test_left_to_itself_the_official_client_takes_the_socket(served: Site) -> None:
    async with official_signalr_client(served.url, "auto", hub=HUB, methods=METHODS) as client:
        assert (await client.next_event("started"))["transport"] == "webSockets"


async def test_the_official_client_falls_back_when_sockets_are_disabled(served: Site) -> None:
    served.signalr.disabled = lambda: ("webSockets",)
    async with official_signalr_client(served.url, "auto", hub=HUB, methods=METHODS) as client:
        assert (await client.next_event("started"))["transport"] == "serverSentEvents"


def cut(served: Site) -> None:
    """Sockets are reset."""
    served.signalr.cut()


def replace(served: Site) -> None:
    """Streams end properly, as when a server stops."""
    served.signalr.release_all()


@pytest.mark.parametrize("ends", [cut, replace])
@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents"])
async def test_the_official_client_reconnects_and_misses_nothing(
    served: Site, transport: str, ends: Callable[[Site], None]
) -> None:
    """By its own cursor and groups token."""
    async with official_signalr_client(served.url, transport, hub=HUB, methods=METHODS) as client:
        await client.next_event("started")
        await in_the_group(client, served)
        ends(served)
        served.broadcast(1, 2, 3)
        served.send_group(4, 5)
        await client.next_event("reconnected")
        assert await client.arguments(5) == [[1], [2], [3], [4], [5]]
        assert served.ended == []


async def test_the_official_client_polls_on_when_the_server_stops_and_comes_back(
    served: Site,
) -> None:
    async with official_signalr_client(
        served.url, "longPolling", hub=HUB, methods=METHODS
    ) as client:
        await client.next_event("started")
        await in_the_group(client, served)
        await eventually(lambda: served.signalr.held == 1)
        served.signalr.release_all()
        served.broadcast(1)
        served.send_group(2)
        assert await client.arguments(2) == [[1], [2]]


@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents"])
async def test_a_foreign_client_calls_and_hears(served: Site, transport: str) -> None:
    if transport != "webSockets":
        served.signalr.disabled = lambda: ("webSockets",)
    async with foreign_signalr_client(served.url, hub=HUB, methods=METHODS) as client:
        await client.next_event("started")
        [connection] = served.signalr.sessions
        assert connection.stream is not None
        assert connection.stream.transport == transport.lower()
        served.broadcast(*range(30))
        assert await client.arguments(30) == [[number] for number in range(30)]
        await client.order(["Join"])
        await eventually(lambda: bool(connection.groups))
        served.send_group("joined")
        assert await client.arguments(1) == [["joined"]]
