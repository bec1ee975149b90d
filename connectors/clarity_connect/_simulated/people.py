"""Info, profile, agent status, search, strings and client logs of the simulated REST API."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from connectors.clarity_connect._simulated.contacts import Contacts
from connectors.clarity_connect._simulated.model import (
    AVAILABLE,
    BY_KEY,
    LOGGED_OUT,
    REASONS,
    STATUSES,
    UNAVAILABLE,
    Agent,
    Modality,
    Queue,
)
from connectors.clarity_connect._simulated.resources import Data, drop_none, listed, status
from connectors.clarity_connect._simulated.routing import Answered, Call, Forbidden, Reply, Router
from connectors.clarity_connect._simulated.scope import Scopes
from connectors.clarity_connect._simulated.views import WAITING
from connectors.clarity_connect._simulated.world import (
    BUSINESS_UNITS,
    GROUP_TEAMS,
    GROUPS,
    TEAM_UNIT,
    TEAMS,
    World,
)

NO_STATUS_OF_ITS_OWN = frozenset({2, 5, 8, 11, 14, 15, 16, 19, 20})
"""Statuses that sessions bring about; nobody chooses them."""
STRINGS = {
    "abandonedCount": "Abandoned Count",
    "abandonedAfterSLACount": "Abandoned After SLA Count",
    "abandonedBeforeSLACount": "Abandoned Before SLA Count",
    "answeredCount": "Answered Count",
    "currentlyActiveCount": "Currently Active Count",
    "currentlyQueuedCount": "Currently Queued Count",
    "queuedCount": "Queued Count",
    "ronaCount": "Ring On No Answer Count",
}
LOCALES = {"en-us": STRINGS, "fr-fr": {key: f"{value} (fr)" for key, value in STRINGS.items()}}


class People:
    """Handlers about agents and what surrounds them."""

    def __init__(
        self,
        world: World,
        contacts: Contacts,
        scopes: Scopes,
        transports: Callable[[], Collection[str]],
    ) -> None:
        self._world = world
        self._contacts = contacts
        self._scopes = scopes
        self._transports = transports
        self.client_logs: deque[Data] = deque(maxlen=1000)
        """What clients wrote; the oldest go first."""

    def serve(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", "info", self._info)
        router.add("GET", "v2/profile", self._profile)
        router.add("GET", "v2/profile/mbu", self._structure)
        router.add("GET", "v2/profile/dashboardsettings", self._dashboard)
        router.add("POST", "v2/profile/unregister", self._unregister)
        router.add("GET", "v2/agentStatus/{agent}", self._status)
        router.add("GET", "v2/agentStatus/list/{agent}", self._statuses)
        router.add("POST", "v2/agentStatus/update/{agent}", self._update_status)
        router.add("GET", "v2/resources/dashboard/localization/{locale:}", self._strings)
        router.add("GET", "v2/search/{query:}", self._search)
        router.add("GET", "v2/search", self._search)
        router.add("POST", "v2/clientlogs", self._client_log)

    def _info(self, _call: Call) -> Reply:
        versions = [
            {"version": "1.0", "relativeUrl": "/v1.0"},
            {"version": "2", "relativeUrl": "/v2"},
        ]
        return Reply(
            body={
                "connectVersion": "4.1.2.0",
                "apiVersions": versions,
                "signalRTransports": list(self._transports()),
            }
        )

    def _profile(self, call: Call) -> Reply:
        agent, domain = call.caller, "contoso.example.com"
        return Reply(
            body={
                "type": "agent",
                "id": agent.id,
                "teamId": agent.team_id,
                "name": agent.name,
                "emailAddress": f"{agent.username}@{domain}",
                "localeKey": "en-us",
                "enabledModalities": list(BY_KEY),
                "isDirectProxyEnabled": False,
                "isFederatedDeployment": False,
                "canMarkSelfAsSuspended": True,
                "useSilverlightAgentConsole": False,
                "hideRecordButton": False,
                "attendantSipUri": f"sip:Connect.41.Attendant@{domain}",
                "domain": domain,
                "hideRecordingButton": False,
                "discoveryXFrameUrlOverride": "",
                "discoveryUserUrlOverride": "",
                "agentGRUU": _gruu(agent),
                "proxyDirectCalls": False,
                "hiddenQueues": listed([{"queueId": -1, "queueName": "Direct Inbound"}]),
            }
        )

    def _structure(self, call: Call) -> Reply:
        world, caller = self._world, call.caller
        agents = list(world.agents.values()) if caller.supervisor else [caller]
        if self._scopes.is_forbidden(caller):
            agents = []
        queues = list(world.queues.values()) if caller.supervisor and agents else []
        body: Data = {
            "agents": [_agent_entity(agent, caller) for agent in agents],
            "queues": [_queue_entity(queue) for queue in queues],
            "teams": [
                _filled(
                    type="Team",
                    id=team,
                    name=name,
                    businessUnitId=TEAM_UNIT[team],
                    groupIds=[group for group, teams in GROUP_TEAMS.items() if team in teams],
                    agentIds=world.team_members(team),
                    queueIds=[queue.id for queue in queues if team in queue.team_ids],
                )
                for team, name in TEAMS.items()
            ],
            "groups": [
                _filled(type="Group", id=group, name=name, teamIds=list(GROUP_TEAMS[group]))
                for group, name in GROUPS.items()
            ],
            "businessUnits": [
                _filled(
                    type="Business Unit",
                    id=unit,
                    name=name,
                    teamIds=[team for team, its in TEAM_UNIT.items() if its == unit],
                    queueIds=[each.id for each in queues if each.business_unit_id == unit],
                )
                for unit, name in BUSINESS_UNITS.items()
            ],
        }
        if not caller.supervisor:
            body = {"agents": body["agents"]}
        return Reply(body={key: found for key, found in body.items() if found})

    def _dashboard(self, _call: Call) -> Reply:
        return Reply(
            body={
                "templateId": 1,
                "templateRevision": "1",
                "definition": {},
                "agentConsoleTemplateId": 0,
                "agentConsoleTemplateRevision": 0,
                "agentConsoleDefinition": {},
                "attendantEndpoint": "sip:Connect.41.Attendant@contoso.example.com",
            }
        )

    def _unregister(self, call: Call) -> Reply:
        agent = call.caller
        if sip := call.query.get("sip"):
            login = sip.removeprefix("sip:").partition("@")[0]
            found = self._world.by_login(login)
            if found is None:
                raise Answered(500, "No agent has this address.")
            agent = found
        if not self._scopes.may_see(call.caller, "agent", [agent.id]):
            raise Forbidden
        ids = set(call.numbers("sids"))
        self._world.leave_alone(agent)
        self._contacts.end_all(agent, ids or None)
        self._world.set_status(agent, LOGGED_OUT)
        return Reply()

    def agent(self, call: Call) -> Agent:
        """The agent a path names. Raises Forbidden for one that the caller may not know of."""
        number = call.number("agent")
        if not self._scopes.may_see(call.caller, "agent", [number]):
            raise Forbidden
        return self._world.agents[number]

    def _status(self, call: Call) -> Reply:
        if not call.flag("currentonly"):
            raise Answered(400, "The query string parameter currentOnly=true is required.")
        agent = self.agent(call)
        current = status(agent, ids=True)
        return Reply(
            body={
                "type": "agent",
                "id": agent.id,
                "name": agent.name,
                "currentStatus": current,
            }
        )

    def _statuses(self, call: Call) -> Reply:
        self.agent(call)
        plain = [
            {"agentStatus": name[0].upper() + name[1:], "agentStatusId": number}
            for number, name in STATUSES.items()
        ]
        reasons = [
            {
                "agentStatus": "Unavailable",
                "agentStatusId": UNAVAILABLE,
                "reasonCodeName": name,
                "reasonCodeId": number,
            }
            for number, name in REASONS.items()
        ]
        return Reply(body=listed([*plain, *reasons]))

    def _update_status(self, call: Call) -> Reply:
        agent = self.agent(call)
        wanted = drop_none(call.content)
        status_id, reason_id = wanted.get("agentstatusid"), wanted.get("reasoncodeid")
        suspended = wanted.get("issuspended")
        if status_id is None and reason_id is None and suspended is None:
            raise Answered(400, "The request body is empty.")
        if status_id is not None and suspended is not None:
            raise Answered(400, "Either a status or the suspended flag can be set.")
        if reason_id is not None and status_id not in {None, UNAVAILABLE}:
            raise Answered(400, "A reason code needs the status Unavailable.")
        if suspended is not None and not isinstance(suspended, bool):
            raise Answered(400, "isSuspended is true or false.")
        self._world.leave_alone(agent)
        if suspended is not None:
            self._world.set_status(agent, agent.status_id, agent.reason_id, suspended=suspended)
            return Reply(204)
        number = UNAVAILABLE if status_id is None else status_id
        if number not in STATUSES or (reason_id is not None and reason_id not in REASONS):
            raise Answered(400, "There is no such status or reason code.")
        if number not in NO_STATUS_OF_ITS_OWN:
            self._world.set_status(agent, number, reason_id)
        return Reply(204)

    def _strings(self, call: Call) -> Reply:
        found = LOCALES.get(call.parts["locale"])
        if found is None:
            raise Answered(404, "The localization strings could not be found.")
        return Reply(body=found)

    def _search(self, call: Call) -> Reply:
        query = call.parts.get("query", "").strip().lower()
        if not query:
            raise Answered(400, "The query is empty.")
        world = self._world
        everything = call.caller.supervisor and not self._scopes.is_forbidden(call.caller)
        agents = [
            _agent_found(agent)
            for agent in world.agents.values()
            if (everything or agent is call.caller)
            and (query in agent.name.lower() or query in agent.username.lower())
        ]
        queues = [
            self._queue_found(queue)
            for queue in world.queues.values()
            if everything and query in queue.name.lower()
        ]
        text = f"Query '{query}' found {len(agents)} agent(s) and {len(queues)} queue(s)."
        return Reply(body={"agentsFound": agents, "queuesFound": queues, "message": text})

    def _queue_found(self, queue: Queue) -> Data:
        members = [one for one in self._world.workers if one.team_id in queue.team_ids]
        waiting = sum(session.status in WAITING for session in queue.sessions.values())
        return {
            "queueId": queue.id,
            "queueName": queue.name,
            "isOpen": queue.is_open,
            "agentsOnline": sum(one.logged_in for one in members),
            "agentsAvailable": sum(one.status_id == AVAILABLE for one in members),
            "estimatedWaitTime": 30 * waiting,
            "callsToday": int(queue.metrics[Modality.AUDIO]["queuedCount"]),
            "type": "queueSearch",
            "id": queue.id,
        }

    def _client_log(self, call: Call) -> Reply:
        if not call.content.get("message"):
            raise Answered(400, "The message is empty.")
        self.client_logs.append(call.content)
        return Reply()


def _filled(**fields: Any) -> Data:
    """An entity of the structure; empty lists are left out."""
    return {name: value for name, value in fields.items() if value != []}


def _agent_entity(agent: Agent, caller: Agent) -> Data:
    return {
        "type": "Agent",
        "id": agent.id,
        "name": agent.name,
        "teamId": agent.team_id,
        "canSilentJoin": caller.supervisor,
        "canWhisperJoin": caller.supervisor,
        "canRecord": agent.can_record,
    }


def _queue_entity(queue: Queue) -> Data:
    return _filled(
        type="Queue",
        id=queue.id,
        name=queue.name,
        businessUnitId=queue.business_unit_id,
        teamIds=list(queue.team_ids),
    )


def _agent_found(agent: Agent) -> Data:
    first, _, last = agent.name.partition(" ")
    address = f"{agent.username}@contoso.example.com"
    calls = agent.metrics[Modality.AUDIO]
    return {
        "agentId": agent.id,
        "firstName": first,
        "lastName": last,
        "publicName": agent.name,
        "loginName": agent.username,
        "sipAddress": f"sip:{address}",
        "emailAddress": address,
        "phoneNumber": None,
        "status": agent.status_id,
        "callsAnswered": int(calls["answeredCount"]),
        "ronas": int(calls["ronaCount"]),
        "type": "agentSearch",
        "id": agent.id,
    }


def _gruu(agent: Agent) -> str:
    return f"sip:{agent.username}@contoso.example.com;opaque=user:epid:{agent.id};gruu"
