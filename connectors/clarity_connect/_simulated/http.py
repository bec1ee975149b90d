"""HTTP of the simulated server: tokens checked, faults committed, requests handed to the REST API or to SignalR."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from aiohttp import web

from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import FaultKind, FaultPlan
from connectors._simulation.signalr_server import SignalRServer
from connectors.clarity_connect._simulated.auth import GRANT_TYPE, TOKEN_PATH, TokenHost, Tokens
from connectors.clarity_connect._simulated.model import Agent
from connectors.clarity_connect._simulated.routing import Answered, Call, Reply, Router
from connectors.clarity_connect._simulated.scope import Kind
from connectors.clarity_connect._simulated.settings import SimulatorSettings
from connectors.clarity_connect._simulated.subscriptions import Mode, Subscriptions

API = "/webapi/api"
SIGNALR = "/webapi/signalr"
OWN_ERROR = {"message": "An error has occurred."}
UNAUTHORIZED = 401


class Http:
    """The routes. `done` is called after every request that may have changed something."""

    def __init__(
        self,
        settings: SimulatorSettings,
        plan: FaultPlan,
        rng: Random,
        router: Router,
        signalr: SignalRServer,
        subscriptions: Subscriptions,
        tokens: Tokens,
        token_host: TokenHost,
        done: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._rng = rng
        self._router = router
        self._signalr = signalr
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._token_host = token_host
        self._done = done
        self._serve_subscriptions()

    def routes(self) -> list[web.RouteDef]:
        """Everything but /sim/."""
        return [
            web.post(TOKEN_PATH, self._token),
            web.route("*", SIGNALR + "/{action:.*}", self._feed),
            web.route("*", API + "/{path:.*}", self._rest),
            web.route("*", API, self._rest),
        ]

    def _serve_subscriptions(self) -> None:
        add, made = self._router.add, self._subscriptions
        root = "v2/subscriptions"
        kinds: tuple[Kind, ...] = ("agent", "queue")
        modes: dict[str, Mode] = {"": "", "/aggregateBy": "Aggregate", "/groupBy": "Group"}
        for kind in kinds:
            for path, mode in modes.items():
                add("POST", f"{root}/{kind}s{path}", partial(self._create, kind, mode))
        add("POST", f"{root}/alerts", lambda call: self._made(made.create_alerts(call)))
        add("POST", f"{root}/{{id:}}", self._update)
        add("DELETE", f"{root}/{{id:}}", self._delete)
        add("POST", "v2", self._batch)

    def _create(self, kind: Kind, mode: Mode, call: Call) -> Reply:
        return self._made(self._subscriptions.create(call, kind, mode))

    def _made(self, subscription_id: str) -> Reply:
        form = self._settings.subscription_answer
        if form == "none":
            return Reply()
        return Reply(
            body=subscription_id if form == "string" else {"subscriptionId": subscription_id}
        )

    def _update(self, call: Call) -> Reply:
        self._subscriptions.update(call.parts["id"], call)
        return Reply(204)

    def _delete(self, call: Call) -> Reply:
        self._subscriptions.delete(call.parts["id"], call)
        return Reply(204)

    def _batch(self, call: Call) -> Reply:
        """Several requests in one ("Batch Request"); each has its own status."""
        if not isinstance(call.body, list):
            raise Answered(400, "The body is no list of requests.")
        answers = []
        for item in call.body:
            if not isinstance(item, dict):
                answers.append({"code": 400, "body": {"message": "This is no request."}})
                continue
            reply = self._router.answer(_inner(call, item))
            answers.append({"code": reply.status, "body": reply.body})
        return Reply(body=answers)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        disturbance = await disturb(self._plan, request, "", "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        return await self._token_host.answer(request)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        caller = self._caller(request)
        if caller is None:
            return self._challenge(request)
        disturbance = await disturb(self._plan, request, caller.username, "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        path = request.match_info.get("path", "")
        call = Call(
            method=request.method,
            path=_path(path),
            caller=caller,
            query={key.lower(): value for key, value in request.query.items()},
            body=_decoded(await request.read()),
        )
        reply = self._router.answer(call)
        self._done()
        if disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        if reply.status == UNAUTHORIZED and self._settings.challenge_always:
            return self._challenge(request, reply)
        return _respond(reply)

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        caller = self._caller(request)
        if caller is None:
            return self._challenge(request)
        disturbance = await disturb(self._plan, request, caller.username, "feed")
        if disturbance.skips or disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if upgrade and self._plan.peek(FaultKind.UPGRADE_REFUSED, caller.username):
            return web.Response(
                status=502, text="<html>Bad Gateway</html>", content_type="text/html"
            )
        return await self._signalr.handle(request, caller.username)

    def _caller(self, request: web.Request) -> Agent | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        parameter = self._settings.token_parameter
        if scheme.lower() != "bearer" and parameter:
            token = request.query.get(parameter, "")
        caller = self._tokens.check(token) if token else None
        if caller is None:
            return None
        fault = self._plan.peek(FaultKind.UNAUTHORIZED, caller.username)
        last = request.path.rstrip("/").rpartition("/")[2].lower()
        if fault is not None and fault.service in {None, last}:
            self._plan.strike(FaultKind.UNAUTHORIZED, caller.username)
            return None
        return caller

    def _challenge(self, request: web.Request, reply: Reply | None = None) -> web.Response:
        """A 401 that tells where tokens are to be had, in a form that RFC 9110 does not know."""
        refused = reply or Reply(401, {"message": "Authorization has been denied."})
        response = _respond(refused)
        address = f"{request.scheme}://{request.host}{TOKEN_PATH}"
        response.headers["WWW-Authenticate"] = f'{address},grant_type="{GRANT_TYPE}"'
        return response


def _inner(call: Call, item: dict[str, Any]) -> Call:
    """One request of a batch."""
    fields = {str(key).lower(): value for key, value in item.items()}
    url = urlsplit(str(fields.get("relativeurl", "")).lstrip("./"))
    return Call(
        method=str(fields.get("method", "GET")).upper(),
        path=_path(url.path),
        caller=call.caller,
        query={key.lower(): value for key, value in parse_qsl(url.query)},
        body=fields.get("body"),
    )


def _path(text: str) -> str:
    return unquote(text).strip("/").lower()


def _decoded(raw: bytes) -> object:
    if not raw.strip():
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ...


def _respond(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status)
    return web.Response(
        body=msgspec.json.encode(reply.body),
        content_type="application/json",
        charset="utf-8",
        status=reply.status,
    )
