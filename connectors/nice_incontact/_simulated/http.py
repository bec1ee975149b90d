"""HTTP of the simulated platform: paths as tolerant as the real server's, tokens checked, faults committed, polls held.

Sources: NICE inContact Agent API, "Get Next Event" (timeout 0 to 60 seconds, 200 with events and a new session id, 304
without any, 404, 409); "Using events" tutorial. The text of an error stands in the reason phrase and in the header
icStatusDescription.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from aiohttp import web

from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import FaultKind, FaultPlan, FeedFaults
from connectors.nice_incontact._simulated.model import Agent
from connectors.nice_incontact._simulated.requests import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    Answered,
    Call,
    Caller,
    Reply,
    Router,
    split_path,
)
from connectors.nice_incontact._simulated.sessions import AgentSession, AgentSessions, Client, wake
from connectors.nice_incontact._simulated.settings import SimulatorSettings
from connectors.nice_incontact._simulated.tokens import TokenHost, Tokens
from connectors.nice_incontact._simulated.world import World

NOT_MODIFIED, TOO_MANY = 304, 429
LONGEST_POLL_SECONDS = 60
OWN_ERROR = {"error": "server_error", "error_description": "An error has occurred."}


class Http:
    """The routes. `joined` is called when a session is polled for the first time."""

    def __init__(
        self,
        settings: SimulatorSettings,
        plan: FaultPlan,
        rng: Random,
        world: World,
        router: Router,
        sessions: AgentSessions,
        tokens: Tokens,
        token_host: TokenHost,
        feed_faults: FeedFaults,
        joined: Callable[[Agent], None],
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._rng = rng
        self._world = world
        self._router = router
        self._sessions = sessions
        self._tokens = tokens
        self._token_host = token_host
        self._feed_faults = feed_faults
        self._joined = joined
        self.requests: Counter[str] = Counter()
        """How many there were, by the last part of the path."""

    def routes(self) -> list[web.RouteDef]:
        """Everything but /sim/."""
        return [web.route("*", "/{path:.*}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        found = split_path(request.path)
        self.requests[request.path.rstrip("/").rpartition("/")[2].lower()] += 1
        if found is None:
            return await self._sign_in(request)
        version, path = found
        caller = self._caller(request)
        if caller is None:
            return self._respond(request, Reply(UNAUTHORIZED, text="Unauthorized"))
        is_poll = path.lower().endswith("/get-next-event")
        name = self._concerned(caller, path)
        disturbance = await disturb(self._plan, request, name, "feed" if is_poll else "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        if fault := self._plan.strike(
            FaultKind.RATE_LIMITED, name, target="feed" if is_poll else "rest"
        ):
            refused = self._respond(request, Reply(TOO_MANY, text="Too Many Requests"))
            refused.headers["Retry-After"] = str(max(1, round(fault.delay_ms / 1000)))
            return refused
        call = Call(
            request.method,
            path.rstrip("/"),
            version,
            caller,
            await _parameters(request),
            address=f"{request.scheme}://{request.host}/inContactAPI/services/v{version:g}",
        )
        answered = await self._poll(request, call) if is_poll else None
        response = answered or self._respond(request, self._router.answer(call))
        if disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        return response

    def _concerned(self, caller: Caller, path: str) -> str:
        """Whom a fault must name to befall the request: the agent of the session, else who asks."""
        parts = path.split("/")
        found = self._sessions.find(parts[1]) if len(parts) > 1 else None
        agent = found[0].agent if found else caller.agent
        return agent.username if agent else ""

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        disturbance = await disturb(self._plan, request, "", "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        answered = await self._token_host.answer(request.path.lower().rstrip("/"), request)
        return answered or self._respond(request, Reply(NOT_FOUND, text="Not Found"))

    def _caller(self, request: web.Request) -> Caller | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        caller = self._tokens.check(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            return None
        name = caller.agent.username if caller.agent else ""
        fault = self._plan.peek(FaultKind.UNAUTHORIZED, name)
        last = request.path.rstrip("/").rpartition("/")[2].lower()
        if fault is not None and fault.service in {None, last}:
            self._plan.strike(FaultKind.UNAUTHORIZED, name)
            return None
        return caller

    # The long poll.

    async def _poll(self, request: web.Request, call: Call) -> web.Response:
        try:
            session, client, issue, timeout = self._polled(call)
            return await self._hold(request, call, session, client, issue, timeout)
        except Answered as answered:
            return self._respond(request, answered.reply)

    def _polled(self, call: Call) -> tuple[AgentSession, Client, int, int]:
        if "AgentApi" not in call.caller.scopes:
            raise Answered(FORBIDDEN, "Forbidden")
        timeout = call.number("timeout")
        if not 0 <= timeout <= LONGEST_POLL_SECONDS:
            raise Answered(BAD_REQUEST, "Invalid parameter 'timeout'")
        parts = call.path.split("/")
        if len(parts) != 3 or parts[0].lower() != "agent-sessions" or call.method != "GET":  # noqa: PLR2004 - agent-sessions/{id}/get-next-event
            raise Answered(NOT_FOUND, "Not Found")
        found = self._sessions.find(parts[1])
        if found is None:
            raise Answered(NOT_FOUND, "Invalid agent session")
        session, client, issue = found
        caller = call.caller.agent
        if caller is not session.agent and not (caller and caller.may_impersonate):
            raise Answered(FORBIDDEN, "Forbidden")
        return session, client, issue, timeout

    async def _hold(
        self,
        request: web.Request,
        call: Call,
        session: AgentSession,
        client: Client,
        issue: int,
        timeout: int,
    ) -> web.Response:
        sessions = self._sessions
        wake(client)  # An earlier poll of the same client goes on with what it has.
        client.polls += 1
        mine = client.polls
        sessions.connects += 1
        client.heard_at = time.monotonic()
        if client.polls == 1:
            self._joined(session.agent)
        if issue == client.issue and client.started:
            session.acknowledge(client)
        ends = time.monotonic() + timeout
        # A reply that is to be lost on its way is written all the same, as far as the platform knows.
        to_be_lost = _is_closed(request)
        while client.polls == mine and client.number in session.clients:
            reaches = to_be_lost or not _is_closed(request)
            answered = self._answer_now(session, client, issue) if reaches else None
            if answered is not None:
                client.heard_at = time.monotonic()
                return answered
            if self._tokens.check(call.caller.token) is None:
                return self._respond(request, Reply(UNAUTHORIZED, text="Unauthorized"))
            left = ends - time.monotonic()
            if left <= 0 or sessions.releasing:
                break
            client.waiting = asyncio.get_running_loop().create_future()
            sessions.held += 1
            try:
                await asyncio.wait_for(client.waiting, left)
            except TimeoutError:
                continue
            finally:
                sessions.held -= 1
        client.heard_at = time.monotonic()
        return web.Response(status=NOT_MODIFIED)

    def _answer_now(self, session: AgentSession, client: Client, issue: int) -> web.Response | None:
        """What a poll is answered at this moment; none if it is to wait."""
        owner = session.agent.username
        faults = self._feed_faults
        if session.forgotten:
            raise Answered(NOT_FOUND, "Invalid agent session")
        if faults.stalled(owner) and session.ended_at is None:
            return None
        if (issue < client.issue or not client.started) and session.ended_at is None:
            present = session.catch_up(client)
            frames = [msgspec.json.encode(one) for one in self._world.refresh_set(session.agent)]
            return self._events(session.give(client, present), frames)
        pending = session.pending(client)
        if session.ended_at is not None and not pending:
            raise Answered(CONFLICT, "Session Ended")
        if len(pending) < faults.wanted(owner) and session.ended_at is None:
            return None
        if not pending:
            return None
        if (garbage := faults.body(owner)) is not None:
            return web.Response(body=garbage, content_type="application/json")
        session.written(pending)
        frames = faults.frames(owner, [one.frame for one in pending])
        return self._events(session.give(client, pending[-1].place), frames)

    def _events(self, following: str, frames: list[bytes]) -> web.Response:
        head = f'{{"sessionId":"{following}","events":['.encode()
        return web.Response(body=head + b",".join(frames) + b"]}", content_type="application/json")

    def _respond(self, request: web.Request, reply: Reply) -> web.Response:
        if reply.status < BAD_REQUEST:
            if reply.body is None:
                return web.Response(status=reply.status)
            return web.Response(
                body=msgspec.json.encode(reply.body),
                content_type="application/json",
                charset="utf-8",
                status=reply.status,
                headers=_echo(request),
            )
        headers = {"icStatusDescription": reply.text, **_echo(request)}
        if self._settings.error_form == "status":
            return web.Response(status=reply.status, reason=reply.text, headers=headers)
        body = {"error": str(reply.status), "error_description": reply.text, "message": reply.text}
        return web.Response(
            body=msgspec.json.encode(body),
            content_type="application/json",
            status=reply.status,
            headers=headers,
        )


def _is_closed(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _echo(request: web.Request) -> dict[str, str]:
    correlation = request.headers.get("CorrelationId")
    return {"CorrelationId": correlation} if correlation else {}


async def _parameters(request: web.Request) -> dict[str, Any]:
    """Of the query and of a JSON body, whatever its content type says; names in lower case."""
    found: dict[str, Any] = {name.lower(): value for name, value in request.query.items()}
    raw = await request.read()
    if raw.strip():
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = None
        if isinstance(body, dict):
            found |= {str(name).lower(): value for name, value in body.items()}
    return found
