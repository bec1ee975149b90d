"""Statistics of the simulated contact centre ("Statistics API"): values that change by the clock, and their past.

Each value is a function of object, statistic and time, so any range can be answered without remembering anything, and
a test can say what must have been seen.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
from aiohttp import web

from connectors.genesys_web_services._simulated.world import INVALID, NOT_FOUND, Refusal, World

Data = dict[str, Any]
ROOT = "/api/v1/stats"
QUEUES = ("9001", "9002")
SKILLS = ("Billing", "Sales")
STATISTICS = {
    "queue": (
        "Total_Answered",
        "Total_Abandoned",
        "Current_In_Queue",
        "CurrMaxCallWaitingTime",
        "ServiceLevel",
        "AverageWaitingTime",
    ),
    "skill": (
        "CurrentNotReadyAgents",
        "CurrentReadyAgents",
        "CurrNumberInCall",
        "LongestIdleTime",
        "ServiceLevel",
    ),
    "agent": (
        "InboundCalls",
        "OutboundCalls",
        "Productivity",
        "TalkDuration",
        "CurrentAgentState",
    ),
}
MAX_VALUES = 10_000


class StatServer:
    """Answers the two requests of the statistics API. `requests` counts them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._objects = dict.fromkeys(QUEUES, "queue") | dict.fromkeys(SKILLS, "skill")
        self._objects |= {agent.id: "agent" for agent in world.agents.values()}
        self.requests = 0

    def routes(self) -> list[web.RouteDef]:
        """Everything below the statistics' root."""
        return [
            web.get(ROOT + "/{id}", self._recent),
            web.get(ROOT + "/{id}/{statistic}", self._range),
        ]

    @property
    def period_ms(self) -> int:
        """From one value to the next."""
        return self._world.settings.statistics_period_ms

    def value(self, object_id: str, statistic: str, at_ms: int) -> float | str:
        """The value that began at `at_ms`."""
        if statistic == "CurrentAgentState":
            return "WaitForNextCall"
        name = f"{self._world.settings.seed}-{object_id}-{statistic}-{at_ms}"
        number = int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % 1000
        return number / 10 if statistic == "ServiceLevel" else number

    def newest_ms(self) -> int:
        """When the newest values began, in epoch milliseconds."""
        return int(self._world.now() * 1000) // self.period_ms * self.period_ms

    def _kind(self, request: web.Request) -> tuple[str, str]:
        self.requests += 1
        object_id = request.match_info["id"]
        kind = self._objects.get(object_id)
        if kind is None:
            raise Refusal(NOT_FOUND, f"there is no object {object_id}")
        return object_id, kind

    async def _recent(self, request: web.Request) -> web.Response:
        object_id, kind = self._kind(request)
        at = self.newest_ms()
        values = [
            {"statistic": name, "value": self.value(object_id, name, at), "time": at}
            for name in STATISTICS[kind]
        ]
        return _json({"objectId": object_id, "statusCode": 0, "statistics": values})

    async def _range(self, request: web.Request) -> web.Response:
        object_id, kind = self._kind(request)
        name = request.match_info["statistic"]
        if name not in STATISTICS[kind]:
            raise Refusal(NOT_FOUND, f"there is no statistic {name}")
        query, newest = request.query, self.newest_ms()
        try:
            ranged = "from" in query or "to" in query
            begin, end = int(query.get("from", 0)), min(int(query.get("to", newest)), newest)
            most = int(query.get("numValues", MAX_VALUES if ranged else 1))
        except ValueError:
            raise Refusal(INVALID, "numValues, from and to are numbers") from None
        times = range(end // self.period_ms * self.period_ms, max(begin - 1, -1), -self.period_ms)
        values = [
            {"value": self.value(object_id, name, at), "time": at}
            for at in times[: min(most, MAX_VALUES)]
        ]
        listed = [{"statistic": name, "values": values}]
        return _json({"statusCode": 0, "objectId": object_id, "statistics": listed})


def _json(body: Data) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
