"""Agent metrics of the simulated REST API: by id, several, summed up, and summed up by group; by GET and by POST."""

from __future__ import annotations

from collections.abc import Callable

from connectors.clarity_connect._simulated.resources import Data
from connectors.clarity_connect._simulated.routing import Call, Forbidden, Reply, Router
from connectors.clarity_connect._simulated.scope import Scopes, selection
from connectors.clarity_connect._simulated.views import agent_view, total, whole
from connectors.clarity_connect._simulated.world import World

BOTH = "GET POST"
PARTS = {"metrics": "metrics", "sessions": "sessions", "status": "status"}


class Metrics:
    """Handlers about metrics; `address` is the server's own, for "Specific Server"."""

    def __init__(self, world: World, scopes: Scopes, address: Callable[[], str]) -> None:
        self._world = world
        self._scopes = scopes
        self._address = address

    def serve(self, router: Router) -> None:
        """Add the routes."""
        root = "v2/metrics/agents"
        router.add("GET", "v2/metrics/specificserver", lambda _call: Reply(body=self._address()))
        router.add(BOTH, f"{root}/aggregateBy", self._aggregate)
        router.add(BOTH, f"{root}/groupBy", self._group)
        router.add(BOTH, root, self._several)
        router.add(BOTH, f"{root}/{{agent}}", self._one)
        for part in PARTS:
            router.add(BOTH, f"{root}/{part}", self._several)
            router.add(BOTH, f"{root}/{{agent}}/{part}", self._one)

    def _one(self, call: Call) -> Reply:
        number = call.number("agent")
        if not self._scopes.may_see(call.caller, "agent", [number]):
            raise Forbidden
        return Reply(body=self._whole(call, number))

    def _several(self, call: Call) -> Reply:
        ids = self._scopes.entities(call, "agent")
        return Reply(body=[self._whole(call, number) for number in ids])

    def _aggregate(self, call: Call) -> Reply:
        ids = self._scopes.entities(call, "agent")
        return Reply(body=self._sum(call, tuple(ids)))

    def _group(self, call: Call) -> Reply:
        parts = self._scopes.parts(call, "agent")
        return Reply(
            body=[
                {"groupType": part.kind, "groupId": part.id, **self._sum(call, part.ids)}
                for part in parts
            ]
        )

    def _sum(self, call: Call, ids: tuple[int, ...]) -> Data:
        chosen = selection(call)
        world = self._world
        summed = total(agent_view(world, world.agents[number], chosen) for number in ids)
        return {"entityIds": list(ids), "type": "agent", **whole(summed)}

    def _whole(self, call: Call, number: int) -> Data:
        part = PARTS.get(call.path.rpartition("/")[2])
        chosen = selection(call, frozenset({part}) if part else None)
        agent = self._world.agents[number]
        content = whole(agent_view(self._world, agent, chosen))
        return {"type": "agent", "name": agent.name, "id": agent.id, **content}
