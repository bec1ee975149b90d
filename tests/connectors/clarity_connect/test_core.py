"""A site whose SignalR is ASP.NET Core: found by what negotiate answers, and used all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.connectors.clarity_connect.harness import Consumer, connected_to
from tests.support.signalr_core import core_server

pytestmark = pytest.mark.peers


@asynccontextmanager
async def rest() -> AsyncIterator[tuple[str, list[Any]]]:
    """As much of the Web API as the feed asks for, and the subscriptions that were asked of it."""
    subscribed: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            where = f'http://{request.host}/token,grant_type="urn:connect.auth:windows"'
            return web.json_response({}, status=401, headers={"WWW-Authenticate": where})
        path = request.match_info["tail"]
        if path.startswith("v2/subscriptions/"):
            subscribed.append(await request.json())
            return web.json_response(f"id-{len(subscribed)}")
        found: dict[str, Any] = {
            "info": {"signalRTransports": ["webSockets"]},
            "v2/profile/mbu": {"agents": [{"id": 5}], "queues": [{"id": 1}]},
            "v2/metrics/agents/": [],
        }
        body = found.get(path)
        return web.json_response(body, status=404 if body is None else 200)

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "a.b.c", "expires_in": 300})

    app = web.Application()
    app.router.add_route("*", "/webapi/api/{tail:.*}", answer)
    app.router.add_post("/token", token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", subscribed
    finally:
        await runner.cleanup()


async def test_a_core_hub_is_recognised_subscribed_and_heard() -> None:
    """A restart is a new connection with a gap: this protocol replays nothing."""
    async with core_server() as server, rest() as (url, subscribed):
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
