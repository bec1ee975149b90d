"""What tests and the demo ask of the simulator itself, under /sim/: the oracle, faults on demand, the rate.

No credentials are asked for: a simulator belongs on a loopback address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from connectors._simulation.faults import Fault
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.lives import Lives
from connectors.genesys_web_services._simulated.model import (
    LOGGED_OUT,
    NOT_READY,
    READY,
    Agent,
    Call,
    CallState,
)
from connectors.genesys_web_services._simulated.sessions import HttpSessions
from connectors.genesys_web_services._simulated.world import World

MAX_PAGE = 50_000


class Emission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /sim/emit: let one thing happen to an agent now."""

    agent: str
    action: Literal[
        "incoming",
        "dial",
        "answer",
        "hold",
        "retrieve",
        "release",
        "email",
        "chat",
        "ready",
        "not_ready",
        "logout",
        "message",
    ] = "message"
    call: str | None = None
    """For an action on a call: which; the agent's only one when absent."""
    number: str | None = None
    """Who calls, or who is called."""
    topic: str = "/v2/me/calls"
    """For `message`: where."""
    data: dict[str, Any] | None = None
    """For `message`: what. The `referenceId` is added unless `bare`."""
    bare: bool = False
    count: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    """How many times."""


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /sim/rate."""

    events_per_second: Annotated[float, msgspec.Meta(ge=0)]


class Admin:
    """The /sim/ routes. `commit` puts a fault into effect."""

    def __init__(
        self,
        world: World,
        telephony: Telephony,
        media: Media,
        lives: Lives,
        sessions: HttpSessions,
        commit: Callable[[Fault], None],
        pardon: Callable[[], list[Fault]],
    ) -> None:
        self._world = world
        self._telephony = telephony
        self._media = media
        self._lives = lives
        self._sessions = sessions
        self._commit = commit
        self._pardon = pardon

    def routes(self) -> list[web.RouteDef]:
        """Everything below /sim/."""
        return [
            web.get("/sim/published", self._published),
            web.get("/sim/stats", self._stats),
            web.get("/sim/agents", self._agents),
            web.post("/sim/emit", self._emit),
            web.post("/sim/rate", self._rate),
            web.post("/sim/faults", self._add_faults),
            web.delete("/sim/faults", self._clear_faults),
            web.post("/sim/stop_lives", self._stop_lives),
            web.post("/sim/start_lives", self._start_lives),
        ]

    async def _published(self, request: web.Request) -> web.Response:
        try:
            since = int(request.query.get("since", "0"))
            limit = min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)
        except ValueError:
            return _json({"error": "since and limit are numbers"}, 400)
        ledger = self._world.ledger
        entries = ledger.since(since, limit)
        following = entries[-1].number if entries else since
        agent = request.query.get("agent")
        return _json(
            {
                "published": [one.as_record() for one in entries if agent in {None, one.agent}],
                "next": following,
                "total": len(ledger),
                "forgotten": ledger.forgotten,
            }
        )

    async def _stats(self, _request: web.Request) -> web.Response:
        world, ledger = self._world, self._world.ledger
        agents, bayeux = world.agents.values(), world.bayeux
        counts = ledger.counts()
        return _json(
            {
                "published": len(ledger),
                "fates": counts,
                "lost_by_platform": counts["lost"],
                "uncertain": counts["uncertain"],
                "resumable": len(ledger) - counts["lost"] - counts["uncertain"],
                "forgotten": ledger.forgotten,
                "by_topic": dict(ledger.by_topic),
                "sessions": len(bayeux.sessions),
                "held": bayeux.held,
                "handshakes": bayeux.handshakes,
                "connects": bayeux.connects,
                "http_sessions": len(self._sessions),
                "agents_by_state": dict(Counter(agent.voice.state for agent in agents)),
                "calls": sum(len(agent.calls) for agent in agents),
                "interactions": sum(len(agent.interactions) for agent in agents),
                "alive": self._lives.alive,
                "events_per_second": self._lives.events_per_second,
                "lives_stopped": self._lives.stopped,
                "failure": repr(world.agenda.failure) if world.agenda.failure else None,
            }
        )

    async def _agents(self, _request: web.Request) -> web.Response:
        return _json(
            {
                agent.username: {
                    "state": agent.voice.state,
                    "work_mode": agent.voice.work_mode,
                    "device_id": agent.device_id,
                    "phone_number": agent.phone_number,
                    "channels": {name: state.state for name, state in agent.channels.items()},
                    "calls": {call.id: call.state for call in agent.calls.values()},
                    "interactions": {one.id: one.state for one in agent.interactions.values()},
                }
                for agent in self._world.agents.values()
            }
        )

    async def _emit(self, request: web.Request) -> web.Response:
        try:
            emission = msgspec.json.decode(await request.read(), type=Emission)
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        agent = self._world.agents.get(emission.agent)
        if agent is None:
            return _json({"error": f"there is no agent {emission.agent}"}, 404)
        before = len(self._world.ledger)
        self._world.leave_alone(agent)
        result: object = None
        for _ in range(emission.count):
            try:
                result = self._let_happen(agent, emission)
            except LookupError as error:
                return _json({"error": str(error)}, 409)
        ids = [f"sim-{number + 1}" for number in range(before, len(self._world.ledger))]
        call_id = result.id if isinstance(result, Call) else None
        return _json({"published": ids, "call": call_id})

    def _let_happen(self, agent: Agent, emission: Emission) -> object:
        world, telephony = self._world, self._telephony
        states = {
            "answer": CallState.ESTABLISHED,
            "retrieve": CallState.ESTABLISHED,
            "hold": CallState.HELD,
            "release": CallState.RELEASED,
        }
        voice = {"ready": READY, "not_ready": NOT_READY, "logout": LOGGED_OUT}
        action = emission.action
        if action == "message":
            data = dict(emission.data or {})
            return world.publish(agent, emission.topic, data, bare=emission.bare)
        if action == "incoming":
            return telephony.incoming(agent, ani=emission.number, commanded=True)
        if action == "dial":
            return telephony.dial(agent, emission.number or "60000")
        if action in states:
            call = _the_call(agent, emission.call)
            telephony.set_state(agent, call, states[action])
            return call
        if action in voice:
            world.set_voice(agent, voice[action])
            return None
        return self._media.invite(agent, action)

    async def _rate(self, request: web.Request) -> web.Response:
        try:
            rate = msgspec.json.decode(await request.read(), type=Rate)
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        self._lives.events_per_second = rate.events_per_second
        return _json({"events_per_second": rate.events_per_second})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=Fault | list[Fault])
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        for fault in faults if isinstance(faults, list) else [faults]:
            self._commit(fault)
        return _json({"committed": True})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        return _json({"cleared": self._pardon()})

    async def _stop_lives(self, _request: web.Request) -> web.Response:
        self._lives.stopped = True
        return _json({"published": len(self._world.ledger)})

    async def _start_lives(self, _request: web.Request) -> web.Response:
        self._lives.stopped = False
        return _json({"published": len(self._world.ledger)})


def _the_call(agent: Agent, call_id: str | None) -> Call:
    calls = agent.calls
    if call_id is not None:
        if call_id not in calls:
            raise LookupError(f"{agent.username} has no call {call_id}")
        return calls[call_id]
    if len(calls) != 1:
        raise LookupError(f"{agent.username} has {len(calls)} calls: name one")
    return next(iter(calls.values()))


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )
