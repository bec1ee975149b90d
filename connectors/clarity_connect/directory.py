"""What the platform says about its structure and about single things: the reading half of the Web API.

Source: Clarity Connect Web API Version 2, "Profile", "Sessions", "Agent Metrics", "Resource", "Search",
"Specific Server", "Client Logs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from connectors.clarity_connect.client import Api
from connectors.clarity_connect.mapping.values import fields, identifier, objects, text
from connectors.clarity_connect.settings import Subscription
from connectors.clarity_connect.subscriptions import CHUNK

INCLUDES = (
    "includeCustomerHistory", "includeImPrompts", "includeIvrData", "includeDispositions",
    "includeCurrentTranscript", "includeExtraItems", "includeSessionEventHistory",
    "includeAftercallOptions", "includeHoldTimerThreshold",
)  # fmt: skip
RESOURCES = ("metrics", "sessions", "status")


class Structure:
    """The business units, groups, teams, agents and queues that the account may see; `told` as the platform says it."""

    def __init__(self, told: Any) -> None:
        self.told = fields(told)
        self.agents = self._ids("agents")
        self.queues = self._ids("queues")

    def name_of(self, agent: str) -> str | None:
        """An agent's public name."""
        for entry in objects(self.told.get("agents")):
            if identifier(entry.get("id")) == agent:
                return text(entry.get("name"))
        return None

    def everyone(self) -> dict[str, list[str]]:
        """Ids of all agents and of all queues."""
        return {"agents": self.agents, "queues": self.queues}

    def agents_of(self, subscription: Subscription) -> list[str]:
        """Ids of the agents that a subscription is about."""
        if subscription.to != "agents":
            return []
        if not subscription.names_entities:
            return self.agents
        teams = {str(number) for number in subscription.team_ids}
        for kind, wanted in (
            ("groups", subscription.group_ids),
            ("businessUnits", subscription.business_unit_ids),
        ):
            for entry in objects(self.told.get(kind)):
                if identifier(entry.get("id")) in {str(number) for number in wanted}:
                    teams |= {
                        t for value in _list(entry.get("teamIds")) if (t := identifier(value))
                    }
        found = [str(number) for number in subscription.agent_ids]
        for entry in objects(self.told.get("agents")):
            own = identifier(entry.get("id"))
            if own is not None and identifier(entry.get("teamId")) in teams:
                found.append(own)
        return list(dict.fromkeys(found))

    def _ids(self, kind: str) -> list[str]:
        entries = objects(self.told.get(kind))
        return [found for entry in entries if (found := identifier(entry.get("id"))) is not None]


class Directory:
    """Questions to the platform; each raises as `Api.get`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def info(self) -> dict[Any, Any]:
        """Versions, and the SignalR transports that the administrator left enabled."""
        return fields(await self._api.get("info"))

    async def profile(self) -> dict[Any, Any]:
        """The settings of the agent that is signed in."""
        return fields(await self._api.get("v2/profile"))

    async def structure(self) -> Structure:
        """What the account may see."""
        return Structure(await self._api.get("v2/profile/mbu"))

    async def dashboard_settings(self) -> dict[Any, Any]:
        """The dashboard's template."""
        return fields(await self._api.get("v2/profile/dashboardsettings"))

    async def specific_server(self) -> str | None:
        """The root of the one server that answers, behind the load balancer."""
        return text(await self._api.get("v2/metrics/specificserver"))

    async def sessions_of(self, agent: str) -> list[dict[str, Any]]:
        """The active sessions of an agent."""
        return objects(await self._api.get(f"v2/sessions?agentId={_part(agent)}&activeOnly=true"))

    async def session(self, session: str, *, includes: Sequence[str] = ()) -> dict[Any, Any]:
        """One session; `includes` are names of `INCLUDES`."""
        query = urlencode(dict.fromkeys(includes, "true"))
        return fields(
            await self._api.get(f"v2/sessions/{_part(session)}{'?' if query else ''}{query}")
        )

    async def transcript(
        self,
        session: str,
        *,
        start: str | None = None,
        end: str | None = None,
        size: int | None = None,
    ) -> list[dict[str, Any]]:
        """The messages of a chat; `size` goes with one of the times."""
        query = _query(startTimestamp=start, endTimestamp=end, size=size)
        return objects(await self._api.get(f"v2/sessions/{_part(session)}/transcript{query}"))

    async def gruu(self, session: str) -> str | None:
        """The address of a session."""
        return text(await self._api.get(f"v2/sessions/{_part(session)}/gruu"))

    async def customer_history(
        self,
        session: str,
        *,
        start: str | None = None,
        end: str | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Earlier sessions of a session's customer; `limit` goes with one of the times."""
        query = _query(start=start, end=end, limit=limit)
        return objects(await self._api.get(f"v2/sessions/customerHistory/{_part(session)}{query}"))

    async def status(self, agent: str) -> dict[Any, Any]:
        """An agent's current status."""
        return fields(await self._api.get(f"v2/agentStatus/{_part(agent)}?currentOnly=true"))

    async def statuses(self, agent: str) -> list[dict[str, Any]]:
        """The statuses and away reasons that an agent can have."""
        return objects(await self._api.get(f"v2/agentStatus/list/{_part(agent)}"))

    async def agent(
        self, agent: str, *, resource: str = "", properties: Mapping[str, Any] | None = None
    ) -> dict[Any, Any]:
        """Metrics, sessions and status of an agent, or one of `RESOURCES`; `properties` asks by POST."""
        return fields(await self._metrics(f"/{_part(agent)}{_resource(resource)}", {}, properties))

    async def agents(
        self,
        ids: Sequence[str],
        *,
        resource: str = "",
        properties: Mapping[str, Any] | None = None,
        flags: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """The same of many agents, asked for in pieces that fit into a query."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(ids), CHUNK):
            query = {"agentIds": ",".join(ids[start : start + CHUNK]), **(flags or {})}
            found += objects(await self._metrics(_resource(resource) or "/", query, properties))
        return found

    async def agents_aggregated(
        self, query: Mapping[str, str], properties: Mapping[str, Any] | None = None
    ) -> dict[Any, Any]:
        """Metrics of agents as one sum."""
        return fields(await self._metrics("/aggregateBy", query, properties))

    async def agents_grouped(
        self, query: Mapping[str, str], properties: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Metrics of agents as a sum for each team, group or business unit."""
        return objects(await self._metrics("/groupBy", query, properties))

    async def strings(self, locale: str) -> dict[Any, Any]:
        """Texts for metrics in a language such as `en-us`."""
        return fields(await self._api.get(f"v2/resources/dashboard/localization/{_part(locale)}"))

    async def search(self, query: str) -> dict[Any, Any]:
        """Agents and queues whose names or addresses hold a text."""
        return fields(await self._api.get(f"v2/search/{_part(query)}"))

    async def sip_of(self, agent: str, name: str) -> str | None:
        """The SIP address of an agent, found by name."""
        for entry in objects((await self.search(name)).get("agentsFound")):
            if identifier(entry.get("agentId")) == agent:
                return text(entry.get("sipAddress"))
        return None

    async def write_log(self, message: str, *, level: str = "info", component: str = "") -> None:
        """Write a line into the platform's log."""
        body = {"message": message, "logLevel": level}
        if component:
            body["component"] = component
        self._api.checked(await self._api.request("POST", "v2/clientlogs", body))

    async def _metrics(
        self, path: str, query: Mapping[str, str], properties: Mapping[str, Any] | None
    ) -> Any:
        full = f"v2/metrics/agents{path}"
        if query:
            full += f"?{urlencode(query, safe=',')}"
        if properties is None:
            return await self._api.get(full)
        return self._api.checked(await self._api.request("POST", full, dict(properties)))


def _resource(name: str) -> str:
    return f"/{_part(name)}" if name else ""


def _part(value: str) -> str:
    return quote(value, safe="")


def _query(**values: str | int | None) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
