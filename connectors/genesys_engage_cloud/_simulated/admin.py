"""What tests and the demo ask of this simulator beyond what all have: let something happen, and tell states."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from aiohttp import web

from connectors._simulation import admin
from connectors._simulation.admin import Facts, json
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.calls import Telephony
from connectors.genesys_engage_cloud._simulated.media import Media
from connectors.genesys_engage_cloud._simulated.model import (
    LOGGED_OUT,
    NOT_READY,
    READY,
    Agent,
    Call,
    CallState,
)
from connectors.genesys_engage_cloud._simulated.provisioning import Provisioning
from connectors.genesys_engage_cloud._simulated.statistics import Statistics
from connectors.genesys_engage_cloud._simulated.world import World

STATES = {
    "answer": CallState.ESTABLISHED,
    "retrieve": CallState.ESTABLISHED,
    "hold": CallState.HELD,
    "release": CallState.RELEASED,
}
CALLS = {"incoming", "consulted", "inherit", "dial", *STATES}
VOICE = {"ready": READY, "not_ready": NOT_READY, "logout": LOGGED_OUT}


class Emission(admin.Emission, frozen=True, kw_only=True):
    """POST /sim/emit: let one thing happen to an agent now."""

    agent: str
    """The username; for `message` on another feed than the workspace's, also the client's id."""
    action: Literal[
        "incoming",
        "consulted",
        "inherit",
        "dial",
        "answer",
        "hold",
        "retrieve",
        "release",
        "email",
        "chat",
        "workitem",
        "outboundpreview",
        "ready",
        "not_ready",
        "logout",
        "statistics",
        "object_change",
        "message",
    ] = "message"
    call: str | None = None
    """For an action on a call: which; the agent's only one when absent."""
    number: str | None = None
    """Who calls, or who is called."""
    feed: Literal["workspace", "statistics", "provisioning"] = "workspace"
    """For `message`: on which feed."""
    topic: str = messages.VOICE
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
        statistics: Statistics,
        provisioning: Provisioning,
    ) -> None:
        self._world = world
        self._telephony = telephony
        self._media = media
        self._statistics = statistics
        self._provisioning = provisioning

    def routes(self) -> list[web.RouteDef]:
        """Agents, and what is to happen."""
        return [
            web.get("/sim/agents", self._agents),
            web.post("/sim/emit", self._emit),
        ]

    def facts(self) -> dict[str, object]:
        """For /sim/stats."""
        agents = self._world.agents.values()
        return {
            "agents_by_state": dict(Counter(agent.voice.state for agent in agents)),
            "calls": sum(len(agent.calls) for agent in agents),
            "interactions": sum(len(agent.interactions) for agent in agents),
            "subscriptions": sum(
                len(one.state.subscriptions) for one in self._statistics.sessions.alive
            ),
            "services_down": sorted(self._world.down),
        }

    async def _agents(self, _request: web.Request) -> web.Response:
        return json(
            {
                agent.username: {
                    "state": agent.voice.state,
                    "work_mode": agent.voice.work_mode,
                    "login": agent.login,
                    "place": agent.place,
                    "number": agent.number,
                    "channels": {name: state.state for name, state in agent.channels.items()},
                    "calls": {call.id: call.state for call in agent.calls.values()},
                    "interactions": {one.id: one.state for one in agent.interactions.values()},
                }
                for agent in self._world.agents.values()
            }
        )

    async def _emit(self, request: web.Request) -> web.Response:
        def act(emission: Emission) -> Facts:
            result = self._let_happen(emission)
            return {"call": result.id if isinstance(result, Call) else None}

        return await admin.emit(request, Emission, self._world.ledger, act)

    def _let_happen(self, emission: Emission) -> object:
        action = emission.action
        if action == "message":
            return self._say(emission)
        if action == "statistics":
            self._statistics.tick()
            return None
        if action == "object_change":
            self._provisioning.change()
            return None
        agent = self._world.agents.get(emission.agent)
        if agent is None:
            raise LookupError(f"there is no agent {emission.agent}")
        self._world.leave_alone(agent)
        if action in CALLS:
            return self._on_calls(agent, emission)
        if action in VOICE:
            self._world.set_voice(agent, VOICE[action])
            return None
        return self._media.invite(agent, action, commanded=True)

    def _on_calls(self, agent: Agent, emission: Emission) -> Call | None:
        telephony, action = self._telephony, emission.action
        if action == "incoming":
            return telephony.incoming(agent, ani=emission.number, commanded=True)
        if action == "consulted":
            return telephony.consulted(agent, commanded=True)
        if action == "dial":
            return telephony.dial(agent, emission.number or "60000")
        call = _the_call(agent, emission.call)
        if action == "inherit":
            telephony.inherit(agent, call)
        else:
            telephony.set_state(agent, call, STATES[action])
        return call

    def _say(self, emission: Emission) -> int:
        feeds = {
            "workspace": self._world.bayeux,
            "statistics": self._statistics.feed,
            "provisioning": self._provisioning.feed,
        }
        data = dict(emission.data or {})
        return self._world.send(
            feeds[emission.feed], emission.agent, emission.topic, data, bare=emission.bare
        )


def _the_call(agent: Agent, call_id: str | None) -> Call:
    calls = agent.calls
    if call_id is not None:
        if call_id not in calls:
            raise LookupError(f"{agent.username} has no call {call_id}")
        return calls[call_id]
    if len(calls) != 1:
        raise LookupError(f"{agent.username} has {len(calls)} calls: name one")
    return next(iter(calls.values()))
