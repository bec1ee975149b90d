"""The HTTP application: routes from the table of operations, and what is the same for every answer.

A request is admitted (`access.py`), read into the types of its row (`requests.py`), handled, and answered; whatever
goes wrong on the way is a problem document (`problems.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from aiohttp import web

from gateway.api import table
from gateway.api.access import Access
from gateway.api.callers import Caller
from gateway.api.event_stream import EventStreams
from gateway.api.operations import JSON, Audits, Call, Reply, Row
from gateway.api.problems import Kind, Problem, of_error, of_http
from gateway.api.requests import Reader
from gateway.api.runtime import ApiRuntime
from gateway.api.settings import ApiSettings
from gateway.api.streaming.tail import StreamPolicy
from gateway.api.waiting import Waiting
from gateway.audit import Act
from gateway.clock import Clock, SystemClock
from gateway.errors import TielineError
from gateway.masking import Masker
from gateway.telemetry_figures import ApiFigures

_POLICY = "Content-Security-Policy"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    _POLICY: "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "tieline",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}

_caller = web.RequestKey("caller", Caller)
_call = web.RequestKey("call", Call)
ACCESS = web.AppKey("access", Access)
_log = structlog.get_logger("tieline.api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_api(
    runtime: ApiRuntime,
    settings: ApiSettings,
    *,
    figures: ApiFigures | None = None,
    stream_policy: StreamPolicy | None = None,
    clock: Clock | None = None,
) -> web.Application:
    """The application. It owns nothing of the runtime and may be built several times."""
    clock = clock or SystemClock()
    figures = figures or ApiFigures()
    streams = EventStreams(
        runtime.journal,
        stream_policy or StreamPolicy(),
        figures,
        clock,
        mask=Masker(settings.mask),
    )
    waiting = Waiting(runtime, longest_seconds=settings.max_wait_seconds)
    access = Access(settings, clock)
    frame = _Frame(runtime, access, settings, figures)
    application = web.Application(
        client_max_size=settings.max_body_bytes,
        middlewares=[frame.count, frame.answer, frame.admit],
    )
    application[ACCESS] = access
    application.on_response_prepare.append(frame.dress)

    async def release(_application: web.Application) -> None:
        waiting.release()
        streams.release()

    async def close(_application: web.Application) -> None:
        await access.close()

    application.on_shutdown.append(release)
    application.on_cleanup.append(close)
    for row in table.operations(runtime, settings, waiting, streams):
        frame.add(application, row)
    return application


class _Frame:
    """What stands around every handler."""

    def __init__(
        self, runtime: ApiRuntime, access: Access, settings: ApiSettings, figures: ApiFigures
    ) -> None:
        self._runtime = runtime
        self._access = access
        self._settings = settings
        self._figures = figures
        self._rows: dict[tuple[str, str], Row] = {}
        self._headers = SECURITY_HEADERS | (_STRICT_TRANSPORT if settings.tls else {})

    def add(self, application: web.Application, row: Row) -> None:
        """Give a row its route; the route has the row's id as its name."""
        self._rows[row.method, row.path] = row
        reader = Reader(row, timeout_seconds=self._settings.body_timeout_seconds)

        async def handler(request: web.Request) -> web.StreamResponse:
            call = Call(
                caller=request[_caller],
                parameters=reader.parameters(request),
                body=await reader.body(request),
                request=request,
            )
            request[_call] = call
            answer = await row.handle(call)
            if isinstance(answer, Reply):
                return _json(answer.value, status=answer.status, headers=answer.headers)
            return answer

        if row.method == "GET":
            application.router.add_get(row.path, handler, name=row.id)
        else:
            application.router.add_route(row.method, row.path, handler, name=row.id)

    def _row(self, request: web.Request) -> Row | None:
        resource = request.match_info.route.resource
        if resource is None:
            return None
        method = "GET" if request.method == "HEAD" else request.method
        return self._rows.get((method, resource.canonical))

    async def dress(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the headers on that every answer has; a page may have a content policy of its own."""
        policy = response.headers.get(_POLICY)
        response.headers.update(self._headers)
        if policy is not None:
            response.headers[_POLICY] = policy

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the answer."""
        response = await handler(request)
        row = self._row(request)
        self._figures.requests["" if row is None else row.id, response.status] += 1
        return response

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
        """Find out who asks, and whether they may; tell of it if it is an act."""
        row = self._row(request)
        caller = await self._access.identify(request, row)
        request[_caller] = caller
        if row is None or row.audits is None:
            self._access.allow(caller, row, reads=request.method in {"GET", "HEAD"})
            return await handler(request)
        failure: Kind | None = Kind.INTERNAL
        try:
            self._access.allow(caller, row, reads=False)
            response = await handler(request)
            failure = None
        except Problem as problem:
            failure = problem.kind
            raise
        except TielineError as error:
            failure = of_error(error).kind
            raise
        finally:
            # A flood of acts is refused by rate, and must not become a flood of events.
            if failure is not Kind.RATE_LIMITED:
                await self._audit(request, row.audits, caller, failure)
        return response

    async def _audit(
        self, request: web.Request, audits: Audits, caller: Caller, failure: Kind | None
    ) -> None:
        if failure is None and audits.refusals_only:
            return
        call = request.get(_call)
        told = audits.details or _details
        await self._runtime.audit(
            Act(
                act=audits.act,
                object=audits.object.format_map(request.match_info),
                requester=caller.name,
                outcome=_outcome(failure),
                origin=request.remote,
                reason=None if failure is None else failure.value[0],
                details={} if call is None else dict(told(call)),
            )
        )


def _outcome(failure: Kind | None) -> str:
    if failure is None:
        return "done"
    return "failed" if failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


def _details(call: Call[Any, Any]) -> dict[str, Any]:
    """The parameters and the body of an act."""
    parts = [call.parameters, call.body]
    return {
        name: value
        for part in parts
        if isinstance(part, msgspec.Struct)
        for name, value in msgspec.to_builtins(part).items()
    }


def _json(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type=JSON, headers=headers
    )
