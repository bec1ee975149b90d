"""What tests and the demo ask of this simulator beyond what every one has: agents, queues, sessions, connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from aiohttp import web

from connectors._simulation import admin
from connectors._simulation.admin import Facts, json
from connectors._simulation.ledger import Ledger
from connectors.clarity_connect._simulated.contacts import Contacts
from connectors.clarity_connect._simulated.model import (
    BY_KEY,
    STATUSES,
    Agent,
    Queue,
    Session,
)
from connectors.clarity_connect._simulated.pushing import Pusher
from connectors.clarity_connect._simulated.world import World

IDS = {name.lower(): number for number, name in STATUSES.items()}


class Emission(admin.Emission, frozen=True, kw_only=True):
    """POST /sim/emit: let one thing happen now."""

    action: Literal[
        "status",
        "suspend",
        "unsuspend",
        "incoming",
        "offer",
        "answer",
        "ring_out",
        "dial",
        "direct",
        "hold",
        "retrieve",
        "record",
        "stop_recording",
        "silent_join",
        "whisper_join",
        "unjoin",
        "say",
        "finish",
        "complete",
        "abandon",
        "reset",
        "message",
    ]
    agent: str | None = None
    """The login; for everything that an agent does."""
    queue: int = 1
    """For `incoming`."""
    modality: Literal["audio", "instantMessage", "message"] = "audio"
    session: int | None = None
    """Which session; the agent's, or the queue's, first when absent."""
    status: str = "available"
    reason: int | None = None
    method: str = "onAgents"
    """For `message`: which client method."""
    data: dict[str, Any] | None = None
    """For `message`: the second argument. The `referenceId` is added unless `bare`."""
    bare: bool = False


class Admin:
    """The /sim/ routes of this platform."""

    def __init__(
        self,
        world: World,
        contacts: Contacts,
        pusher: Pusher,
        ledger: Ledger,
        flush: Callable[[], None],
    ) -> None:
        self._world = world
        self._contacts = contacts
        self._pusher = pusher
        self._ledger = ledger
        self._flush = flush

    def routes(self) -> list[web.RouteDef]:
        """Agents, queues, sessions, connections, emit."""
        return [
            web.get("/sim/agents", self._agents),
            web.get("/sim/queues", self._queues),
            web.get("/sim/sessions", self._sessions),
            web.get("/sim/connections", self._connections),
            web.post("/sim/emit", self._emit),
        ]

    async def _agents(self, _request: web.Request) -> web.Response:
        return json(
            {
                agent.username: {
                    "id": agent.id,
                    "status": STATUSES[agent.status_id],
                    "reason_id": agent.reason_id,
                    "suspended": agent.suspended,
                    "sessions": {one.id: one.status for one in agent.sessions.values()},
                }
                for agent in self._world.agents.values()
            }
        )

    async def _queues(self, _request: web.Request) -> web.Response:
        return json(
            {
                queue.id: {
                    "name": queue.name,
                    "alerted": queue.alerted_at is not None,
                    "sessions": {one.id: one.status for one in queue.sessions.values()},
                }
                for queue in self._world.queues.values()
            }
        )

    async def _sessions(self, _request: web.Request) -> web.Response:
        return json(
            {
                one.id: {
                    "status": one.status,
                    "modality": one.modality.key,
                    "queue": one.queue_id,
                    "agent": one.agent.username if one.agent else None,
                    "held": one.held_at is not None,
                    "recording": one.recorded_at is not None,
                    "note": one.note,
                    "disposition": one.disposition_id,
                    "extra_items": {item["key"]: item["value"] for item in one.extra_items},
                }
                for one in self._world.sessions.values()
            }
        )

    async def _connections(self, _request: web.Request) -> web.Response:
        return json(
            [
                {
                    "id": one.id,
                    "user": one.user,
                    "transport": one.stream.transport if one.stream else None,
                    "started": one.started,
                    "groups": sorted(one.groups),
                }
                for one in self._pusher.sessions
            ]
        )

    async def _emit(self, request: web.Request) -> web.Response:
        def act(emission: Emission) -> Facts:
            session = self._let_happen(emission)
            self._flush()
            return {"session": session.id} if session else {}

        return await admin.emit(request, Emission, self._ledger, act)

    def _let_happen(self, emission: Emission) -> Session | None:
        world, contacts, action = self._world, self._contacts, emission.action
        if action == "incoming":
            return contacts.arrive(self._queue(emission.queue), BY_KEY[emission.modality])
        if action == "message":
            self._message(emission)
            return None
        if action in {"status", "suspend", "unsuspend", "reset", "dial", "direct", "offer"}:
            return self._to_agent(self._agent(emission), emission)
        session = self._session(emission)
        steps: dict[str, Callable[[], object]] = {
            "answer": lambda: contacts.answer(session),
            "ring_out": lambda: contacts.ring_out(session),
            "hold": lambda: contacts.hold(session, on=True),
            "retrieve": lambda: contacts.hold(session, on=False),
            "record": lambda: contacts.record(session, on=True),
            "stop_recording": lambda: contacts.record(session, on=False),
            "silent_join": lambda: contacts.join(session, world.supervisor, whisper=False),
            "whisper_join": lambda: contacts.join(session, world.supervisor, whisper=True),
            "unjoin": lambda: contacts.unjoin(session),
            "say": lambda: contacts.say(session, "Hello", by_agent=True),
            "finish": lambda: contacts.finish(session),
            "complete": lambda: contacts.complete(session),
            "abandon": lambda: contacts.abandon(session),
        }
        steps[action]()
        return session

    def _to_agent(self, agent: Agent, emission: Emission) -> Session | None:
        world, contacts, action = self._world, self._contacts, emission.action
        world.leave_alone(agent)
        if action == "status":
            if emission.status.lower() not in IDS:
                raise LookupError(f"there is no status {emission.status}")
            world.set_status(agent, IDS[emission.status.lower()], emission.reason)
        elif action == "reset":
            world.reset_breakdowns(agent)
        elif action in {"dial", "direct"}:
            return contacts.dial(agent, outbound=action == "dial")
        elif action == "offer":
            session = self._waiting(emission)
            contacts.offer(session, agent)
            return session
        else:
            suspended = action == "suspend"
            world.set_status(agent, agent.status_id, agent.reason_id, suspended=suspended)
        return None

    def _message(self, emission: Emission) -> None:
        user = emission.agent or self._world.supervisor.username
        connections = [one for one in self._pusher.sessions if one.user == user]
        hub = self._world.settings.hub
        for connection in connections:
            number = self._ledger.record(
                agent=user,
                topic=f"{hub}.{emission.method}",
                message_type=emission.method,
                at_ms=0,
            )
            data = dict(emission.data or {})
            if not emission.bare:
                data["referenceId"] = f"sim-{number}"
            self._pusher.send(connection.id, hub, emission.method, ["emitted", data], number)

    def _agent(self, emission: Emission) -> Agent:
        agent = self._world.by_login(emission.agent or "")
        if agent is None:
            raise LookupError(f"there is no agent {emission.agent}")
        return agent

    def _queue(self, number: int) -> Queue:
        if number not in self._world.queues:
            raise LookupError(f"there is no queue {number}")
        return self._world.queues[number]

    def _waiting(self, emission: Emission) -> Session:
        if emission.session is not None:
            return self._session(emission)
        for session in self._queue(emission.queue).sessions.values():
            if session.status in {"Queued", "ReEnqueued"}:
                return session
        raise LookupError(f"nobody waits in queue {emission.queue}")

    def _session(self, emission: Emission) -> Session:
        if emission.session is not None:
            found = self._world.sessions.get(emission.session)
            if found is None or found.ended:
                raise LookupError(f"there is no session {emission.session}")
            return found
        mine = list(self._agent(emission).sessions.values()) if emission.agent else []
        if not mine:
            raise LookupError("name the session, or an agent who has one")
        return mine[0]
