"""HTTP of the simulated recorder: paths in any case, parameters in the address or in the body, faults.

Source: inContact WFO Admin, "API Overview": 200, 404 (a missing parameter, not in the tracker, nothing
matched) and 500; nothing else is documented, so starting what runs already is answered with 200.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from aiohttp import web

from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import NOT_JSON, WRONG_SHAPE, FaultKind, FaultPlan
from connectors.incontact_wfo._simulated.world import Agent, World

OWN_ERROR = {"Message": "An error has occurred."}
FOUND, NOT_FOUND = 200, 404
Data = dict[str, Any]
BODIES = (*NOT_JSON[:3], *WRONG_SHAPE)


class Http:
    """The routes. `looked` is called when somebody reads agents."""

    def __init__(
        self,
        world: World,
        plan: FaultPlan,
        rng: Random,
        *,
        looked: Callable[[], None],
        leave_alone: Callable[[Agent], None],
    ) -> None:
        self._world = world
        self._plan = plan
        self._rng = rng
        self._looked = looked
        self._leave_alone = leave_alone
        self.requests: list[tuple[str, Any, int]] = []
        """The newest commands: path in lower case, body, status of the answer."""
        self._commands: dict[str, Callable[[Agent, Data], bool]] = {
            "api/record/startforagent": self._start,
            "api/record/updateforagent": self._update,
            "api/record/stopforagent": self._stop,
            "api/blackout/startforagent": lambda agent, _: self._blackout(agent, on=True),
            "api/blackout/stopforagent": lambda agent, _: self._blackout(agent, on=False),
        }

    def routes(self) -> list[web.RouteDef]:
        """Everything but /sim/."""
        return [web.route("*", "/{path:(?!sim/).*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        reading = request.method == "GET"
        disturbance = await disturb(self._plan, request, "", "feed" if reading else "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        if not self._may(request):
            return _json(OWN_ERROR, 401)
        if fault := self._plan.strike(FaultKind.RATE_LIMITED, ""):
            seconds = max(1, int(fault.delay_ms / 1000))
            return web.Response(status=429, headers={"Retry-After": str(seconds)})
        path = "/".join(part for part in request.path.lower().split("/") if part)
        if reading:
            response = self._read(path, request)
        else:
            response = await self._command(path, request)
        if disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        return response

    def _read(self, path: str, request: web.Request) -> web.Response:
        garbage = self._plan.strike(FaultKind.GARBAGE, "")
        if garbage is not None:
            forms = {"text": NOT_JSON[:3], "shape": WRONG_SHAPE}
            body = self._rng.choice(forms.get(garbage.form or "", BODIES))
            return web.Response(body=body, content_type="application/json")
        world = self._world
        if path == "api/agent/getall" and world.settings.get_all:
            shown = [world.show(agent) for agent in world.agents.values()]
            self._looked()
            return _json(shown)
        if path == "api/agent":
            query = {name.lower(): value for name, value in request.query.items()}
            agent = world.find(query.get("agentidentifier", ""), query.get("value", ""))
            if agent is not None:
                self._looked()
                return _json(world.show(agent))
        return _json({"Message": "Not found."}, NOT_FOUND)

    async def _command(self, path: str, request: web.Request) -> web.Response:
        carry_out = self._commands.get(path)
        if carry_out is None or request.method != "POST":
            return _json({"Message": "Not found."}, NOT_FOUND)
        body = _parameters(await request.read(), request)
        kind, value = body.get("agentidentifier"), body.get("value")
        agent = None
        if isinstance(kind, str) and isinstance(value, str):
            agent = self._world.find(kind, value)
        done = agent is not None and carry_out(agent, body)
        if agent is not None:
            self._leave_alone(agent)
        status = FOUND if done else NOT_FOUND
        self.requests.append((path, body.get("sent"), status))
        del self.requests[:-1000]
        return web.Response(status=status)

    def _start(self, agent: Agent, _body: Data) -> bool:
        if agent.active is None:
            return False
        if not agent.live_recordings:
            self._world.record(agent.active, agent)
        return True

    def _stop(self, agent: Agent, _body: Data) -> bool:
        found = agent.live_recordings
        for recording in found:
            self._world.stop(recording)
        return bool(found)

    def _update(self, agent: Agent, body: Data) -> bool:
        fields = body.get("callmetadata")
        if agent.active is None or not isinstance(fields, dict) or not fields:
            return False
        self._world.tag(agent.active, {str(n).lower(): str(v) for n, v in fields.items()})
        return True

    def _blackout(self, agent: Agent, *, on: bool) -> bool:
        found = agent.live_recordings
        for recording in found:
            self._world.black_out(recording, on=on)
        return bool(found)

    def _may(self, request: web.Request) -> bool:
        if self._plan.strike(FaultKind.UNAUTHORIZED, ""):
            return False
        settings = self._world.settings
        if not settings.username:
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(given).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and pair == f"{settings.username}:{settings.password}"


def _parameters(content: bytes, request: web.Request) -> Data:
    """From the address and from the body, whatever content type it claims; names in lower case."""
    found: Data = {name.lower(): value for name, value in request.query.items()}
    try:
        body = msgspec.json.decode(content) if content.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = {}
    if isinstance(body, dict):
        found |= {str(name).lower(): value for name, value in body.items()}
        found["sent"] = body
    return found


def _json(body: object, status: int = FOUND) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )
