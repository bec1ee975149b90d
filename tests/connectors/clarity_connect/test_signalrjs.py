"""The whole feed on npm `signalrjs`, a classic server that somebody else wrote and that is loose with the protocol."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.connectors.clarity_connect.harness import Consumer, connected_to
from tests.support.clarity_api import web_api
from tests.support.signalrjs import SignalRJs, signalrjs

pytestmark = pytest.mark.peers
HUB = "feed"


@pytest.mark.parametrize("transport", ["serverSentEvents", "longPolling"])
async def test_a_foreign_server_is_subscribed_heard_and_found_again(transport: str) -> None:
    """It has no WebSocket, cursors that are times, and forgets everybody when it begins anew."""
    async with (
        signalrjs() as server,
        web_api("webSockets", "serverSentEvents", "longPolling") as (url, subscribed),
        connected_to(
            url, signalr_url=server.url, hubs=[HUB], transports=["webSockets", transport]
        ) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.until(lambda: consumer.resume, "a session")
        assert connector.diagnostics()["transport"] == transport
        assert {one["connectionId"] for one in subscribed} == {
            connector._feed._client.connection_id  # type: ignore[union-attr]  # it is connected
        }
        await told(server, consumer, {"audio": {"n": 1}})
        await told(server, consumer, {"audio": {"n": 2}})
        assert figures(consumer) == sorted(figures(consumer))
        if transport == "serverSentEvents":
            # A poll of a connection that it does not know it holds for ever.
            await server.restart()
            await told(server, consumer, {"audio": {"n": 3}})
        ids = [event.id for event in consumer.events]
        assert len(set(ids)) == len(ids)


def figures(consumer: Consumer) -> list[float]:
    """What was told of the queue, in order."""
    return [
        event.data.values["audio.n"]  # type: ignore[attr-defined]  # metrics have values
        for event in consumer.events
        if event.type == "tieline.queue.metrics.observed.v1"
    ]


async def told(server: SignalRJs, consumer: Consumer, metrics: dict[str, Any]) -> None:
    """Publish until it is heard: this server drops what it publishes between two polls, and while it is away."""
    wanted = metrics["audio"]["n"]

    async def publish() -> None:
        while True:
            await server.publish(HUB, "onQueues", {"type": "queue", "id": 1, "metrics": metrics})
            await asyncio.sleep(0.1)

    publishing = asyncio.create_task(publish())
    try:
        await consumer.until(lambda: wanted in figures(consumer), f"the figure {wanted}")
    finally:
        publishing.cancel()
        await asyncio.wait({publishing})
