"""What tests and the demo ask of this simulator besides what all have: who is on a call, and let something happen."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from connectors._simulation import admin
from connectors._simulation.admin import Facts, json
from connectors._simulation.ledger import Ledger
from connectors.incontact_wfo._simulated.http import Http
from connectors.incontact_wfo._simulated.world import Agent, World


class Emission(admin.Emission, frozen=True, kw_only=True):
    """POST /sim/emit: let one thing happen to an agent now."""

    action: Literal[
        "begin", "end", "hold", "retrieve", "record", "stop", "blackout", "blackout_over", "tag", "vanish"
    ]  # fmt: skip
    agent: int = 1
    outbound: bool = False
    fields: dict[str, str] = msgspec.field(default_factory=dict)


class Admin:
    """The /sim/ routes of this platform."""

    def __init__(self, world: World, http: Http, ledger: Ledger) -> None:
        self._world = world
        self._http = http
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        """Agents, requests, emit."""
        return [
            web.get("/sim/agents", self._agents),
            web.get("/sim/requests", self._requests),
            web.post("/sim/emit", self._emit),
        ]

    async def _agents(self, _request: web.Request) -> web.Response:
        return json(
            {
                agent.id: {
                    "call": agent.active.instance if agent.active else None,
                    "recordings": {one.id: one.state for one in agent.active.recordings}
                    if agent.active
                    else {},
                    "blackout": any(one.blackout for one in agent.live_recordings),
                    "fields": agent.active.user_fields if agent.active else {},
                }
                for agent in self._world.agents.values()
            }
        )

    async def _requests(self, _request: web.Request) -> web.Response:
        return json([{"path": p, "body": b, "status": s} for p, b, s in self._http.requests])

    async def _emit(self, request: web.Request) -> web.Response:
        def act(emission: Emission) -> Facts:
            agent = self._world.agents.get(emission.agent)
            if agent is None:
                raise LookupError(f"there is no agent {emission.agent}")
            self._let_happen(agent, emission)
            return {}

        return await admin.emit(request, Emission, self._ledger, act)

    def _let_happen(self, agent: Agent, emission: Emission) -> None:
        world, action = self._world, emission.action
        if action == "begin":
            world.begin(agent, outbound=emission.outbound)
            return
        if action == "vanish":
            world.agents.pop(agent.id)
            return
        call = agent.active
        if call is None:
            raise LookupError(f"agent {agent.id} has no call")
        match action:
            case "end":
                world.end(agent)
            case "hold" | "retrieve":
                world.hold(call, on=action == "hold")
            case "tag":
                world.tag(call, emission.fields)
            case "record":
                world.record(call, agent)
            case _:
                self._to_recordings(agent, action)

    def _to_recordings(self, agent: Agent, action: str) -> None:
        live = agent.live_recordings
        if not live:
            raise LookupError(f"agent {agent.id} is not recorded")
        for recording in live:
            if action == "stop":
                self._world.stop(recording)
            else:
                self._world.black_out(recording, on=action == "blackout")
