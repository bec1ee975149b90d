"""As much of the Web API as a connector's feed asks for, beside a SignalR server that is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def web_api(*transports: str) -> AsyncIterator[tuple[str, list[Any]]]:
    """Its address, and the subscriptions that were asked of it; `transports` are those it says to be enabled."""
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
            "info": {"signalRTransports": transports},
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
