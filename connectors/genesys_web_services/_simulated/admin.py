"""What tests and the demo ask of this simulator beyond what all have: let something happen, and tell states."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from aiohttp import web

from connectors._simulation import admin
from connectors._simulation.admin import Facts, json
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.interactions import Media
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


class Emission(admin.Emission, frozen=True, kw_only=True):
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


class Admin:
    """The /sim/ routes of this platform."""

    def __init__(
        self,
        world: World,
        telephony: Telephony,
        media: Media,
        sessions: HttpSessions,
    ) -> None:
        self._world = world
        self._telephony = telephony
        self._media = media
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        """Agents, and what is to happen."""
        return [web.get("/sim/agents", self._agents), web.post("/sim/emit", self._emit)]

    def facts(self) -> dict[str, object]:
        """For /sim/stats."""
        agents = self._world.agents.values()
        return {
            "http_sessions": len(self._sessions),
            "agents_by_state": dict(Counter(agent.voice.state for agent in agents)),
            "calls": sum(len(agent.calls) for agent in agents),
            "interactions": sum(len(agent.interactions) for agent in agents),
        }

    async def _agents(self, _request: web.Request) -> web.Response:
        return json(
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
        def act(emission: Emission) -> Facts:
            agent = self._world.agents.get(emission.agent)
            if agent is None:
                raise LookupError(f"there is no agent {emission.agent}")
            self._world.leave_alone(agent)
            result = self._let_happen(agent, emission)
            return {"call": result.id if isinstance(result, Call) else None}

        return await admin.emit(request, Emission, self._world.ledger, act)

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


def _the_call(agent: Agent, call_id: str | None) -> Call:
    calls = agent.calls
    if call_id is not None:
        if call_id not in calls:
            raise LookupError(f"{agent.username} has no call {call_id}")
        return calls[call_id]
    if len(calls) != 1:
        raise LookupError(f"{agent.username} has {len(calls)} calls: name one")
    return next(iter(calls.values()))
