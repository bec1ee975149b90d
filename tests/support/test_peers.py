"""The peers themselves: official client on official servers, and aiocometd with its shim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.support import aiocometd_shim
from tests.support.peers import CometdServer, java_server, nodejs_server, official_client
from tests.support.processes import eventually

pytestmark = pytest.mark.peers

Server = Callable[..., AbstractAsyncContextManager[CometdServer]]

servers = pytest.mark.parametrize("server", [nodejs_server, java_server])
acknowledging = pytest.mark.parametrize("ack", [False, True], ids=["no_ack", "ack"])


@servers
@acknowledging
async def test_the_official_client_receives_in_order(server: Server, *, ack: bool) -> None:
    """What the server publishes arrives complete and in order."""
    expected = [{"number": number} for number in range(50)]
    async with (
        server(ack=ack) as peer,
        official_client(peer.url, ["/feed/agents"], ack=ack) as client,
    ):
        await peer.publish("/feed/agents", expected)
        received = await client.messages(50)
    assert [message["data"] for message in received] == expected
    assert {message["channel"] for message in received} == {"/feed/agents"}


@servers
async def test_aiocometd_with_its_shim_receives(server: Server) -> None:
    """The second independent client works against both servers."""
    async with (
        server() as peer,
        aiocometd_shim.connect(peer.url, ["/feed/agents"]) as client,
    ):
        await peer.publish("/feed/agents", [{"number": 1}, {"number": 2}])
        async with asyncio.timeout(10):
            received = [await client.receive(), await client.receive()]
    assert [message["data"]["number"] for message in received] == [1, 2]


@servers
async def test_an_expired_session_is_unknown_and_the_client_comes_back(server: Server) -> None:
    """`expire` makes the next connect fail, so the client has to start a new session."""
    async with server(timeout_ms=500) as peer, official_client(peer.url, ["/feed"]) as client:
        (before,) = await peer.sessions()
        assert await peer.expire() == 1
        await client.next_event("subscribed")
        (after,) = await peer.sessions()
        assert after.id != before.id
        assert after.subscriptions == before.subscriptions == {"/feed"}
        assert any(event.get("error", "").startswith("402:") for event in client.seen)


@servers
async def test_direct_delivery_reaches_a_session_without_a_subscription(server: Server) -> None:
    """`deliver` is for messages on channels that nobody subscribed to."""
    async with server() as peer, aiocometd_shim.connect(peer.url, []) as client:
        await peer.deliver("/welcome", [{"greeting": True}])
        async with asyncio.timeout(10):
            message = await client.receive()
    assert message["channel"] == "/welcome"


@servers
async def test_a_killed_server_comes_back_on_its_port(server: Server) -> None:
    """The client notices and subscribes again after the restart."""
    async with server() as peer, official_client(peer.url, ["/feed"]) as client:
        await peer.kill()
        await client.next_event("broken")
        await peer.restart()
        await client.next_event("subscribed", timeout_seconds=30)
        await peer.publish("/feed", ["again"])
        assert (await client.next_message())["data"] == "again"


@servers
async def test_a_session_without_a_poll_ends_after_max_interval(server: Server) -> None:
    """The server forgets a client that was killed."""
    async with (
        server(timeout_ms=200, max_interval_ms=300) as peer,
        official_client(peer.url, ["/feed"]) as client,
    ):
        await client.process.kill()

        async def forgotten() -> bool:
            return not await peer.sessions()

        await eventually(forgotten, "no session left")
