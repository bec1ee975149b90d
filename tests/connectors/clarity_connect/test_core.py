"""A site whose SignalR is ASP.NET Core: found by what negotiate answers, and used all the same."""

from __future__ import annotations

import pytest

from tests.connectors.clarity_connect.harness import Consumer, connected_to
from tests.support.clarity_api import web_api
from tests.support.signalr_core import core_server

pytestmark = pytest.mark.peers


async def test_a_core_hub_is_recognised_subscribed_and_heard() -> None:
    """A restart is a new connection with a gap: this protocol replays nothing."""
    async with core_server() as server, web_api("webSockets") as (url, subscribed):
        async with (
            connected_to(url, signalr_url=server.url) as connector,
            Consumer(connector) as consumer,
        ):
            first = {one["connectionId"] for one in subscribed}
            await server.publish(
                "onQueues", {"type": "queue", "id": 1, "metrics": {"audio": {"n": 2}}}
            )
            await consumer.event("queue.metrics.observed")
            assert consumer.gaps == []
        async with (
            connected_to(url, signalr_url=server.url) as connector,
            Consumer(connector, consumer.resume) as again,
        ):
            await again.until(lambda: again.gaps, "a gap")
            await server.publish("onSomething", 1)
            await again.event("vendor.message")

            assert again.links == [False]
            assert [gap.reason for gap in again.gaps] == ["session_lost"]
            assert {one["connectionId"] for one in subscribed} > first
