"""The client on a classic server that somebody else wrote, and that is looser with the protocol than ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Invocation, Limits, Transport
from tests.support.signalrjs import SignalRJs, signalrjs

pytestmark = [pytest.mark.peers]
HUB = "feed"


@asynccontextmanager
async def client_of(server: SignalRJs, *transports: Transport) -> AsyncIterator[SignalRClient]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        limits = Limits(retry_seconds=0.2)
        client = SignalRClient(http, server.url, [HUB], transports=transports, limits=limits)
        await client.open()
        try:
            yield client
        finally:
            await client.close()


async def collect(client: SignalRClient, count: int) -> list[Invocation]:
    """Receive until that many messages have come; there is no gap among them."""
    messages: list[Invocation] = []
    async with asyncio.timeout(20):
        while len(messages) < count:
            batch = await client.receive()
            assert batch.gap is None
            messages += batch.messages
    return messages


def values(messages: list[Invocation]) -> list[Any]:
    return [message.args[0] for message in messages]


async def test_without_web_sockets_server_sent_events_are_taken_and_bring_everything() -> None:
    async with signalrjs() as server, client_of(server, *Transport) as client:
        assert client.transport is Transport.SERVER_SENT_EVENTS
        await server.publish(HUB, "onEvent", *range(50))
        messages = await collect(client, 50)
        assert values(messages) == list(range(50))
        assert {(m.hub, m.method) for m in messages} == {(HUB, "onEvent")}
        assert len({m.key for m in messages}) == 50


async def test_long_polling_brings_what_is_published_while_a_poll_stands() -> None:
    """This server drops what is published between two polls; what comes, comes once and in order."""
    async with signalrjs() as server, client_of(server, Transport.LONG_POLLING) as client:

        async def publish() -> None:
            for number in range(1_000):
                await server.publish(HUB, "onEvent", number)
                await asyncio.sleep(0.05)

        publishing = asyncio.create_task(publish())
        got = values(await collect(client, 8))
        publishing.cancel()
        await asyncio.wait({publishing})
        assert got == sorted(set(got))


async def test_the_stream_comes_back_when_the_server_does() -> None:
    async with signalrjs() as server, client_of(server, Transport.SERVER_SENT_EVENTS) as client:
        await server.publish(HUB, "onEvent", "a")
        assert values(await collect(client, 1)) == ["a"]
        await server.restart()

        async def publish() -> None:
            while True:
                await server.publish(HUB, "onEvent", "b")
                await asyncio.sleep(0.1)

        publishing = asyncio.create_task(publish())
        assert values(await collect(client, 1))[0] == "b"
        publishing.cancel()
        await asyncio.wait({publishing})
