"""What every API of the simulated Engage Cloud does with a request: key, faults, envelope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from aiohttp import web

from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import FaultPlan
from connectors.genesys_engage_cloud._simulated.world import (
    BAD_REQUEST,
    FAILED,
    FORBIDDEN,
    NOT_FOUND,
    Refusal,
    World,
)

Data = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WITHHELD = web.RequestKey("withheld", bool)


def reply(body: object, status: int = 200) -> web.Response:
    """A JSON reply."""
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )


def done(data: object = None, **extra: object) -> web.Response:
    """The envelope of a synchronous success."""
    body: Data = {"status": {"code": 0}}
    return reply(body | ({"data": data} if data is not None else {}) | extra)


async def read_body(request: web.Request) -> Data:
    """The request's JSON object; nothing at all is an empty one. Raises Refusal."""
    content = await request.read()
    if not content.strip():
        return {}
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(BAD_REQUEST, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(BAD_REQUEST, "the body is not an object")
    return body


def parameters(body: Data) -> Data:
    """The special body parameter `data` ("Requests")."""
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def bearer(request: web.Request) -> str:
    """The request's access token; the scheme is written in either case by vendor clients."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class Guard:
    """The middleware. `identify` tells whose request it is, for faults that concern one agent."""

    def __init__(
        self, world: World, plan: FaultPlan, identify: Callable[[web.Request], str]
    ) -> None:
        self._world = world
        self._plan = plan
        self._identify = identify
        self.requests = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the key, commit faults, turn refusals into replies."""
        if request.path.startswith("/sim/"):
            return await handler(request)
        self.requests += 1
        key = self._world.settings.api_key
        if (
            key
            and request.headers.get("x-api-key") != key
            and "/oauth/authorize" not in request.path
        ):
            return reply({"message": "Forbidden"}, FORBIDDEN)
        target: Literal["feed", "rest"] = "feed" if "/notifications" in request.path else "rest"
        disturbance = await disturb(self._plan, request, self._identify(request), target)
        own = {"status": {"code": FAILED, "message": "Internal error"}}
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._world.rng, own)
        request[WITHHELD] = disturbance.breaks is not None
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = reply(refusal.body(), refusal.status)
        except web.HTTPNotFound:
            response = reply(Refusal(NOT_FOUND, "Resource not found").body(), NOT_FOUND)
        except web.HTTPMethodNotAllowed as error:
            response = reply(Refusal(error.status, "Method not allowed").body(), error.status)
        if disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._world.rng, own)
        return response
