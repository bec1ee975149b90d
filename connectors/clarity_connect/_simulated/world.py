"""The simulated contact centre: who is there, what state they are in, and what changed since it was last told."""

from __future__ import annotations

import time
from collections import deque
from itertools import count
from random import Random
from typing import Any

from connectors.clarity_connect._simulated.model import (
    AVAILABLE,
    DIRECT_INBOUND,
    LOGGED_OUT,
    STATUSES,
    Agent,
    Modality,
    Queue,
    Session,
    counters,
)
from connectors.clarity_connect._simulated.resources import stamp, status
from connectors.clarity_connect._simulated.settings import SimulatorSettings

FIRST_AGENT = 101
FIRST_SESSION = 78_001
REMEMBERED_SESSIONS = 2_000
TEAMS = {1: "Blue Team", 2: "Red Team"}
GROUPS = {1: "Day Shift", 2: "Specialists"}
BUSINESS_UNITS = {1: "Retail", 2: "Business"}
TEAM_UNIT = {1: 1, 2: 2}
GROUP_TEAMS = {1: (1, 2), 2: (2,)}
QUEUE_NAMES = ("New Orders", "Billing", "Support", "Returns")


class World:
    """Agents, queues and sessions. Whatever changes one calls `touch`, so that subscribers are told."""

    def __init__(self, settings: SimulatorSettings, rng: Random) -> None:
        self.settings = settings
        self.rng = rng
        now = time.time()
        self.supervisor = Agent(1, settings.account, "Gateway", 1, supervisor=True, since=now)
        self.agents = {1: self.supervisor}
        for index in range(settings.agents):
            number = FIRST_AGENT + index
            agent = Agent(
                number, settings.username(index), f"Agent {index + 1}", index % len(TEAMS) + 1
            )
            agent.since = now
            self.agents[number] = agent
        self.queues = {}
        for index in range(settings.queues):
            unit = index % len(BUSINESS_UNITS) + 1
            name = QUEUE_NAMES[index] if index < len(QUEUE_NAMES) else f"Queue {index + 1}"
            teams = tuple(team for team, its_unit in TEAM_UNIT.items() if its_unit == unit)
            self.queues[index + 1] = Queue(index + 1, name, unit, teams)
        self.sessions: dict[int, Session] = {}
        """Live ones, and those that ended lately."""
        self._ended: deque[int] = deque()
        self._numbers = count(FIRST_SESSION)
        self._items = count(1)
        self.touched_agents: dict[int, Agent] = {}
        self.touched_queues: dict[int, Queue] = {}
        self.removed_breakdowns: set[tuple[int, int]] = set()

    @property
    def workers(self) -> list[Agent]:
        """The agents who take sessions."""
        return [agent for agent in self.agents.values() if not agent.supervisor]

    def by_login(self, login: str) -> Agent | None:
        """The agent with this login, with or without a domain before it ("Mapping a Windows Identity")."""
        name = login.rpartition("\\")[2].partition("@")[0].lower()
        for agent in self.agents.values():
            if agent.username.lower() == name:
                return agent
        return None

    def team_members(self, team_id: int) -> list[int]:
        """Ids of the agents on a team."""
        return [agent.id for agent in self.agents.values() if agent.team_id == team_id]

    def next_id(self) -> int:
        """An id for something small."""
        return next(self._items)

    def touch(self, *things: Agent | Queue | None) -> None:
        """They changed."""
        for thing in things:
            if isinstance(thing, Agent):
                self.touched_agents[thing.id] = thing
            elif isinstance(thing, Queue):
                self.touched_queues[thing.id] = thing

    def touch_session(self, session: Session) -> None:
        """Its queue and everybody who has to do with it changed."""
        self.touch(self.queues.get(session.queue_id), session.agent)
        for part in (*session.participants, *session.offers):
            self.touch(part.agent)

    def leave_alone(self, agent: Agent) -> None:
        """Keep the agent's life from undoing a command for a while."""
        agent.left_alone_until = time.monotonic() + self.settings.command_grace_seconds

    def set_status(
        self,
        agent: Agent,
        status_id: int,
        reason_id: int | None = None,
        *,
        suspended: bool | None = None,
    ) -> None:
        """Put an agent into a status; the one before goes into its history."""
        now = time.time()
        if (agent.status_id, agent.reason_id) != (status_id, reason_id):
            before = status(agent)
            agent.history.append({**before, "endTime": stamp(now)})
            name = STATUSES[agent.status_id]
            total, times = agent.durations.get(name, (0.0, 0))
            agent.durations[name] = (total + now - agent.since, times + 1)
            agent.status_id, agent.reason_id, agent.since = status_id, reason_id, now
        if suspended is not None:
            agent.suspended = suspended
        self.touch(agent)

    def new_session(self, modality: Modality, queue_id: int, customer: str) -> Session:
        """A session that has just begun."""
        now = time.time()
        address = f"+1312{self.rng.randrange(10**7):07d}"
        if modality is not Modality.AUDIO:
            address = f"sip:{customer.lower().replace(' ', '.')}@example.com"
        session = Session(next(self._numbers), modality, queue_id, customer, address, now)
        session.extra_items = [
            {
                "extraItemId": -1,
                "key": "CallerPhoneNumber",
                "value": address,
                "type": "extraItem",
                "id": self.next_id(),
                "isSearchable": False,
            }
        ]
        self.sessions[session.id] = session
        self.note(session, "Session created.")
        if queue := self.queues.get(queue_id):
            queue.sessions[session.id] = session
        return session

    def set_session(self, session: Session, state: str) -> None:
        """Change a session's status."""
        session.status = state
        self.note(session, f"Session status changed to {state}.")
        self.touch_session(session)
        if session.ended:
            session.ended_at = time.time()
            self._forget(session)

    def note(self, session: Session, text: str) -> None:
        """Write into the session's event history."""
        session.events.append(
            {
                "eventText": text,
                "lastUpdated": stamp(time.time()),
                "updatedBy": "APP-01",
                "id": self.next_id(),
            }
        )

    def _forget(self, session: Session) -> None:
        for agent in self.agents.values():
            agent.sessions.pop(session.id, None)
        if queue := self.queues.get(session.queue_id):
            queue.sessions.pop(session.id, None)
        self._ended.append(session.id)
        if len(self._ended) > REMEMBERED_SESSIONS:
            self.sessions.pop(self._ended.popleft(), None)

    def count(self, session: Session, agent_metric: str, queue_metric: str = "") -> None:
        """One more, in the metrics of the session's agent and queue."""
        if (agent := session.agent) and agent_metric:
            agent.metrics[session.modality][agent_metric] += 1
            if session.queue_id > 0:
                split = agent.by_queue.setdefault(session.queue_id, counters())
                split[session.modality][agent_metric] += 1
            self.touch(agent)
        if (queue := self.queues.get(session.queue_id)) and queue_metric:
            queue.metrics[session.modality][queue_metric] += 1
            self.touch(queue)

    def idle_agent(self) -> Agent | None:
        """Somebody available, if there is one."""
        ready = [
            agent
            for agent in self.workers
            if agent.status_id == AVAILABLE and not agent.suspended and not agent.sessions
        ]
        ready = [one for one in ready if time.monotonic() >= one.left_alone_until]
        return self.rng.choice(ready) if ready else None

    def reset_breakdowns(self, agent: Agent) -> None:
        """As at midnight: the counters of the day are gone, by queue too."""
        self.removed_breakdowns.update((agent.id, queue_id) for queue_id in agent.by_queue)
        agent.by_queue.clear()
        agent.metrics.clear()
        self.touch(agent)

    def summary(self) -> dict[str, Any]:
        """For /sim/stats."""
        states: dict[str, int] = {}
        for agent in self.workers:
            name = STATUSES[agent.status_id]
            states[name] = states.get(name, 0) + 1
        live = [session for session in self.sessions.values() if not session.ended]
        return {
            "agents_by_state": states,
            "live_sessions": len(live),
            "logged_out": sum(agent.status_id == LOGGED_OUT for agent in self.workers),
            "direct": sum(session.queue_id <= DIRECT_INBOUND for session in live),
        }
