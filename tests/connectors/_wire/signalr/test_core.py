"""The adapter for ASP.NET Core SignalR against a server that somebody else wrote."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.core import CoreClient
from connectors._wire.signalr.core_negotiation import read_core_negotiation
from connectors._wire.signalr.values import Batch, Limits, Loss, SignalRResume, Transport
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    ConfigError,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)
from tests.connectors._wire.signalr.fake_signalr import fake_signalr, reply, status
from tests.support.processes import eventually
from tests.support.signalr_core import core_server

peers = pytest.mark.peers


@asynccontextmanager
async def client_of(url: str, **limits: Any) -> AsyncIterator[CoreClient]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        client = CoreClient(http, url, "feed", limits=Limits(**limits))
        try:
            yield client
        finally:
            await client.close()


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "Signalrcore" in thread.name]


async def collect(client: CoreClient, count: int) -> list[Batch]:
    batches: list[Batch] = []
    async with asyncio.timeout(20):
        while sum(len(batch.messages) for batch in batches) < count:
            batches.append(await client.receive())
            client.stored(batches[-1])
    return batches


def values(batches: list[Batch]) -> list[Any]:
    return [message.args[0] for batch in batches for message in batch.messages]


@peers
async def test_messages_of_any_method_come_in_order_with_names_of_their_own() -> None:
    async with core_server() as server, client_of(server.url) as client:
        await client.open()
        first = await client.receive()
        assert (first.messages, first.gap) == ([], None)
        assert first.connection_id == client.connection_id
        assert client.transport is Transport.WEB_SOCKETS
        await server.publish("onDiff", *range(100))
        await server.publish("onAlert", "x")
        batches = await collect(client, 101)
        assert values(batches) == [*range(100), "x"]
        messages = [message for batch in batches for message in batch.messages]
        assert (messages[-1].hub, messages[-1].method) == ("feed", "onAlert")
        assert len({message.key for message in messages}) == 101


@peers
async def test_every_new_connection_after_another_reports_a_gap() -> None:
    async with core_server() as server, client_of(server.url) as client:
        await client.open()
        kept = (await client.receive()).resume
        kept = msgspec.json.decode(msgspec.json.encode(kept), type=SignalRResume)
        await server.kill()
        with pytest.raises(NotConnected):
            await collect(client, 1)
        with pytest.raises(NotReady):
            await client.open(kept)
        await server.start()
        await client.open(kept)
        batch = await client.receive()
        assert batch.gap is not None
        assert (batch.gap.reason, batch.gap.since) == (Loss.SESSION_LOST, kept.seen_at)
        assert batch.connection_id != kept.connection_id
        await server.publish("onDiff", "a")
        assert values(await collect(client, 1)) == ["a"]


@peers
async def test_a_full_buffer_holds_the_server_back_and_loses_nothing() -> None:
    async with (
        core_server() as server,
        client_of(server.url, max_buffered_messages=10) as client,
    ):
        await client.open()
        for number in range(0, 500, 50):
            await server.publish("onDiff", *range(number, number + 50))
        await eventually(lambda: not client._buffer.has_room, "a full buffer")
        assert values(await collect(client, 500)) == list(range(500))


@peers
async def test_methods_of_the_server_are_called() -> None:
    async with core_server() as server, client_of(server.url) as client:
        with pytest.raises(NotConnected):
            await client.invoke("feed", "echo", [1])
        await client.open()
        answers = await asyncio.gather(*(client.invoke("feed", "echo", [n]) for n in range(20)))
        assert answers == list(range(20))
        with pytest.raises(CommandRefused):
            await client.invoke("feed", "fail")
        with pytest.raises(ProtocolViolation):
            await client.invoke("feed", "echo", [object()])
        calling = asyncio.create_task(client.invoke("feed", "echo", ["x" * 10]))
        await server.kill()
        with suppress(CommandUncertain, NotConnected):  # or the answer was faster
            await calling


@peers
async def test_draining_hands_over_what_waits() -> None:
    async with core_server() as server, client_of(server.url) as client:
        await client.open()
        await server.publish("onDiff", "a", "b")
        await eventually(lambda: client._ordinal == 2, "both messages")
        batches = await client.drain()
        assert values(list(batches)) == ["a", "b"]
        assert batches[-1].resume.ordinal == 2


@peers
async def test_closing_leaves_no_thread_behind_even_with_a_full_buffer() -> None:
    async with (
        core_server() as server,
        client_of(server.url, max_buffered_messages=1) as client,
    ):
        for _ in range(3):
            await client.open()
            await server.publish("onDiff", *range(10))
            await eventually(lambda: not client._buffer.has_room, "a full buffer")
            assert readers()
            await client.close()
            assert readers() == []


@peers
async def test_a_classic_client_is_told_what_it_talks_to() -> None:
    """Classic clients negotiate with GET, which this server takes for a poll; a genuine one refuses it."""
    async with core_server() as server, aiohttp.ClientSession() as http:
        with pytest.raises(ConnectionFailed):
            await SignalRClient(http, server.url, ["feed"]).open()


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (status(401), AuthRejected, Reason.AUTH),
        (status(404), NotReady, Reason.NOT_FOUND),
        (reply("oops"), NotReady, Reason.PROTOCOL),
        (reply('{"error":"no"}'), NotReady, Reason.SERVER_ERROR),
        (reply('{"url":"https://elsewhere"}'), ProtocolViolation, Reason.UNSUPPORTED),
        (reply('{"connectionId":"x"}'), ProtocolViolation, Reason.UNSUPPORTED),
        (reply("7"), ProtocolViolation, Reason.PROTOCOL),
    ],
)
async def test_what_keeps_a_connection_from_opening_is_told_apart(
    fault: Any, error: type[Exception], reason: Reason
) -> None:
    async with fake_signalr() as server, client_of(server.url) as client:
        server.on["negotiate"] = [fault]
        with pytest.raises(ConnectionFailed) as caught:
            await client.open()
        assert (type(caught.value), caught.value.reason) == (error, reason)


async def test_a_classic_server_is_recognized() -> None:
    async with fake_signalr() as server, client_of(server.url) as client:
        with pytest.raises(ProtocolViolation, match="classic"):
            await client.open()


OFFER = (
    '{"negotiateVersion":1,"connectionId":"i","connectionToken":"hush",'
    '"availableTransports":[{"transport":"WebSockets","transferFormats":["Text"]}]}'
)


async def test_a_socket_that_is_refused_is_told_without_its_token() -> None:
    assert read_core_negotiation(OFFER.encode(), "peer") == ("i", "hush")
    async with fake_signalr() as server, client_of(server.url) as client:
        server.on["negotiate"] = [reply(OFFER)]
        with pytest.raises(NotReady) as caught:
            await client.open()
        assert "hush" not in str(caught.value)


async def test_a_server_that_never_shakes_hands_is_given_up_in_time() -> None:
    async def negotiate(_: web.Request) -> web.Response:
        return web.Response(text=OFFER, content_type="application/json")

    async def silent(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for _ in response:
            continue
        return response

    application = web.Application()
    application.router.add_post("/hub/negotiate", negotiate)
    application.router.add_get("/hub", silent)
    async with TestServer(application, host="127.0.0.1") as server:
        async with client_of(str(server.make_url("/hub")), request_seconds=0.5) as client:
            with pytest.raises(NotReady) as caught:
                await client.open()
        assert caught.value.reason is Reason.TIMEOUT
    await eventually(lambda: not readers(), "no reader left")


@asynccontextmanager
async def scripted_hub(
    play: Callable[[web.WebSocketResponse], Awaitable[None]],
) -> AsyncIterator[str]:
    """A hub that shakes hands and then does what the test says, frame by frame."""

    async def negotiate(_: web.Request) -> web.Response:
        return web.Response(text=OFFER, content_type="application/json")

    async def hub(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(autoping=False)
        await response.prepare(request)
        await response.receive()
        await response.send_str("{}\x1e")
        await play(response)
        return response

    application = web.Application()
    application.router.add_post("/hub/negotiate", negotiate)
    application.router.add_get("/hub", hub)
    async with TestServer(application, host="127.0.0.1") as server:
        yield str(server.make_url("/hub"))


def called(value: object) -> str:
    return json.dumps({"type": 1, "target": "onX", "arguments": [value]}) + "\x1e"


async def test_pings_and_pongs_of_the_socket_are_no_messages() -> None:
    """A proxy in between may send them; a ping is answered with what it held."""
    answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def play(response: web.WebSocketResponse) -> None:
        for number in range(3):
            await response.ping(b"are you there")
            await response.pong(b"")
            await response.send_str(called(number))
        async for message in response:
            if message.type is WSMsgType.PONG:
                answers.put_nowait(message.data)

    async with scripted_hub(play) as url, client_of(url) as client:
        await client.open()
        assert values(await collect(client, 3)) == [0, 1, 2]
        async with asyncio.timeout(20):
            assert [await answers.get() for _ in range(3)] == [b"are you there"] * 3


async def test_a_message_that_is_too_long_is_not_read() -> None:
    """Neither in one frame nor in many; the connection is given up."""

    async def play(response: web.WebSocketResponse) -> None:
        await response.send_str(called("x" * 2_000))
        await response.send_str(called("y" * 20_000))
        await response.receive()

    async with scripted_hub(play) as url, client_of(url, max_frame_bytes=10_000) as client:
        await client.open()
        assert values(await collect(client, 1)) == ["x" * 2_000]
        with pytest.raises(NotConnected) as raised:
            await collect(client, 1)
    assert raised.value.reason is Reason.TOO_LARGE


async def test_without_the_library_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "signalrcore.protocol.json_hub_protocol", None)
    async with fake_signalr() as server, client_of(server.url) as client:
        server.on["negotiate"] = [reply(OFFER)]
        with pytest.raises(ConfigError, match="aspnetcore"):
            await client.open()
