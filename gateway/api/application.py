"""The HTTP interface: routes, who may use them, and what is the same for every answer.

`/healthz` and `/readyz` need no token: they tell bounded words. `/metrics` needs none while the API listens on loopback
only. All else needs a token as soon as one is configured, and one must be configured beyond loopback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from aiohttp import web

from gateway.api import requests, scopes
from gateway.api.addresses import host_name, is_loopback
from gateway.api.problems import Kind, Problem, of_error, of_http
from gateway.api.runtime import ApiRuntime
from gateway.api.settings import ApiSettings
from gateway.api.tokens import LOCAL, Caller, Keyring
from gateway.commands import CommandRecord, Status
from gateway.errors import TielineError
from gateway.lifecycle import Interruptible

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DEFAULT_LIMIT = 100
MOST_COMMANDS = 1000
MOST_WAITING = 500

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "tieline",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}
_PROBES = frozenset({"/healthz", "/readyz"})
_METRICS = "/metrics"
_LOCAL_CALLER = Caller(name=LOCAL, scopes=None)

_caller = web.RequestKey("caller", Caller)
_log = structlog.get_logger("tieline.api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_api(runtime: ApiRuntime, settings: ApiSettings) -> web.Application:
    """The application. It owns nothing of the runtime and may be built several times."""
    api = _Api(runtime, settings)
    application = web.Application(
        client_max_size=settings.max_body_bytes, middlewares=[api.answer, api.admit]
    )
    application.on_response_prepare.append(api.dress)
    application.on_shutdown.append(api.release)
    application.add_routes(
        [
            web.get("/healthz", api.healthz),
            web.get("/readyz", api.readyz),
            web.get(_METRICS, api.metrics),
            web.get("/v1/feeds", api.feeds),
            web.get("/v1/connectors", api.connectors),
            web.get("/v1/commands", api.commands),
            web.post("/v1/commands", api.submit),
            web.get("/v1/commands/{id}", api.command, name="command"),
        ]
    )
    return application


class _Api:
    """Handlers and middlewares over one runtime."""

    def __init__(self, runtime: ApiRuntime, settings: ApiSettings) -> None:
        self._runtime = runtime
        self._settings = settings
        self._keyring = Keyring(settings.tokens)
        self._loopback = is_loopback(settings.host)
        self._hosts = frozenset(host_name(host) for host in settings.allowed_hosts)
        self._waiting: set[Interruptible] = set()
        self._headers = SECURITY_HEADERS | (_STRICT_TRANSPORT if settings.tls else {})

    async def release(self, _application: web.Application) -> None:
        """Let all go that wait for a verdict: the server stops."""
        for waiting in self._waiting:
            waiting.interrupt()

    async def dress(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the headers on that every answer has."""
        response.headers.update(self._headers)

    @web.middleware
    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn every error into a problem document. What we did not foresee is logged, and not told."""
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            return of_http(error, request).response()
        except TielineError as error:
            told = of_error(error)
            if told.kind is Kind.INTERNAL:
                _log.exception("api.failed", method=request.method, path=request.path)
            return told.response()
        except Exception:  # noqa: BLE001 - the last resort: a defect must not show its trace to a client
            _log.exception("api.failed", method=request.method, path=request.path)
            return Problem(Kind.INTERNAL, "the failure is in the gateway's log").response()

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the Host header and the token."""
        if self._loopback:
            self._check_host(request.headers.get("Host", ""))
        request[_caller] = self._identify(request)
        return await handler(request)

    def _check_host(self, header: str) -> None:
        """Refuse names that are not ours: a web page may have made its own name point here (DNS rebinding)."""
        name = host_name(header)
        if not is_loopback(name) and name not in self._hosts:
            raise Problem(
                Kind.UNKNOWN_HOST,
                "Host: expected localhost, a loopback address or one of gateway.api.allowed_hosts",
            )

    def _identify(self, request: web.Request) -> Caller:
        if request.path in _PROBES or (request.path == _METRICS and self._loopback):
            return _LOCAL_CALLER
        if self._keyring.empty:
            if not self._loopback:
                raise Problem(Kind.FORBIDDEN, "no tokens are configured for access from elsewhere")
            return _LOCAL_CALLER
        authorization = request.headers.get("Authorization", "")
        caller = self._keyring.caller(authorization)
        if caller is None:
            challenge = 'Bearer realm="tieline"'
            if authorization:
                challenge += ', error="invalid_token"'
            raise Problem(
                Kind.UNAUTHENTICATED,
                "send the header Authorization: Bearer <token>",
                headers={"WWW-Authenticate": challenge},
            )
        if request.method in {"GET", "HEAD"}:
            _require(caller, scopes.READ)
        return caller

    async def healthz(self, _request: web.Request) -> web.Response:
        """Whether the process answers."""
        return _json({"status": "ok"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether the gateway does its work."""
        readiness = self._runtime.ready()
        return _json(readiness, status=200 if readiness.ok else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """The metrics."""
        return web.Response(body=self._runtime.metrics(), headers={"Content-Type": METRICS_TYPE})

    async def feeds(self, request: web.Request) -> web.Response:
        """All feeds, or those of one connector, or in one state."""
        requests.check_query(request, {"connector", "state"})
        chosen = [
            feed
            for feed in self._runtime.feeds()
            if request.query.get("connector", feed.connector) == feed.connector
            and request.query.get("state", feed.state) == feed.state
        ]
        return _items(chosen)

    async def connectors(self, request: web.Request) -> web.Response:
        """All connectors with their capability tables."""
        requests.check_query(request, ())
        return _items(self._runtime.connectors())

    async def submit(self, request: web.Request) -> web.Response:
        """Accept a command; with `wait`, answer when its verdict stands or the time is over."""
        requests.check_query(request, {"wait"})
        wait = requests.wait_seconds(request, self._settings.max_wait_seconds)
        key = requests.idempotency_key(request)
        caller = request[_caller]
        asked = await requests.command_request(
            request, timeout_seconds=self._settings.body_timeout_seconds
        )
        _require(caller, scopes.command_scope(asked.verb))
        record = await self._runtime.submit(asked, idempotency_key=key, requester=caller.name)
        return await self._told(request, record, wait)

    async def command(self, request: web.Request) -> web.Response:
        """One command; with `wait`, when its verdict stands or the time is over."""
        requests.check_query(request, {"wait"})
        wait = requests.wait_seconds(request, self._settings.max_wait_seconds)
        command_id = request.match_info["id"]
        record = await self._runtime.command(command_id)
        if record is None:
            raise Problem(Kind.NOT_FOUND, "there is no such command, or it is forgotten by now")
        return _json(command_view(await self._waited(record, wait)))

    async def commands(self, request: web.Request) -> web.Response:
        """The newest commands."""
        requests.check_query(request, {"limit"})
        limit = requests.limit(request, DEFAULT_LIMIT, MOST_COMMANDS)
        return _items([command_view(record) for record in await self._runtime.commands(limit)])

    async def _told(
        self, request: web.Request, record: CommandRecord, wait: float | None
    ) -> web.Response:
        record = await self._waited(record, wait)
        location = request.app.router["command"].url_for(id=record.command.id)
        return _json(
            command_view(record),
            status=200 if record.final else 202,
            headers={"Location": str(location)},
        )

    async def _waited(self, record: CommandRecord, wait: float | None) -> CommandRecord:
        """The command as it is after waiting for its verdict; too many who wait are answered at once."""
        if wait is None or record.final or len(self._waiting) >= MOST_WAITING:
            return record
        waiting = Interruptible()
        self._waiting.add(waiting)
        try:
            async with waiting:
                return await self._runtime.wait_final(record.command.id, wait) or record
        finally:
            self._waiting.discard(waiting)
        return record


def command_view(record: CommandRecord) -> dict[str, Any]:
    """A command as it is shown: the request, and its outcome without what only the router needs."""
    command, outcome = record.command, record.outcome
    view: dict[str, Any] = {
        "id": command.id,
        "verb": command.verb,
        "connector": command.connector,
        "target": command.target,
        "arguments": command.arguments,
        "requester": command.requester,
        "created": command.created,
        "deadline": command.deadline,
        "updated": record.updated,
        "status": Status.ACCEPTED if outcome is None else outcome.status,
        "final": record.final,
    }
    if command.idempotency_key is not None:
        view["idempotency_key"] = command.idempotency_key
    if outcome is not None:
        shown = msgspec.to_builtins(outcome)
        view |= {
            name: shown[name]
            for name in ("reason", "message", "evidence", "native_reply", "parts")
            if shown.get(name) is not None
        }
    return view


def _require(caller: Caller, scope: str) -> None:
    if caller.scopes is None or scopes.allows(caller.scopes, scope):
        return
    raise Problem(
        Kind.FORBIDDEN,
        f"the token {caller.name} lacks the scope {scope}",
        headers={
            "WWW-Authenticate": f'Bearer realm="tieline", error="insufficient_scope", scope="{scope}"'
        },
    )


def _items(items: Sequence[Any]) -> web.Response:
    return _json({"items": items})


def _json(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        content_type="application/json",
        headers=headers,
    )
