"""What tests and the demo ask of this simulator beyond what every one has: agents, contacts, sessions, and emit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from aiohttp import web

from connectors._simulation import admin
from connectors._simulation.admin import Facts, json
from connectors._simulation.ledger import Ledger
from connectors.nice_incontact._simulated import events
from connectors.nice_incontact._simulated.calls import Calls, Conflict
from connectors.nice_incontact._simulated.model import MEDIA_BY_KEY, Agent, Contact
from connectors.nice_incontact._simulated.operations import Operations
from connectors.nice_incontact._simulated.sessions import AgentSessions
from connectors.nice_incontact._simulated.world import World


class Emission(admin.Emission, frozen=True, kw_only=True):
    """POST /sim/emit: let one thing happen now."""

    action: Literal[
        "log_in",
        "log_out",
        "force_log_out",
        "state",
        "incoming",
        "offer",
        "answer",
        "refuse",
        "hang_up",
        "abandon",
        "complete",
        "hold",
        "resume",
        "say",
        "dial",
        "event",
    ]
    agent: int | None = None
    """Agent id; for everything that an agent does."""
    skill: int = 501
    """For `incoming`, `offer` and `dial`."""
    media: Literal["voice", "chat", "workitem", "voicemail"] = "voice"
    contact: int | None = None
    """Which contact; the agent's first, or the one that waits longest, when absent."""
    state: str = "Available"
    reason: str = ""
    number: str = "+14155553333"
    """For `dial`."""
    type: str = "CustomEvent"
    """For `event`."""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    """For `event`: the fields besides the type."""


class Admin:
    """The /sim/ routes of this platform."""

    def __init__(
        self,
        world: World,
        calls: Calls,
        operations: Operations,
        sessions: AgentSessions,
        ledger: Ledger,
    ) -> None:
        self._world = world
        self._calls = calls
        self._operations = operations
        self._sessions = sessions
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        """Agents, contacts, sessions, emit."""
        return [
            web.get("/sim/agents", self._agents),
            web.get("/sim/contacts", self._contacts),
            web.get("/sim/sessions", self._list_sessions),
            web.post("/sim/emit", self._emit),
        ]

    async def _agents(self, _request: web.Request) -> web.Response:
        return json(
            {
                str(agent.id): {
                    "username": agent.username,
                    "state": agent.state,
                    "reason": agent.reason,
                    "acw": agent.acw,
                    "muted": agent.muted,
                    "leg": agent.leg.status if agent.leg else None,
                    "contacts": {one.id: one.status for one in agent.contacts.values()},
                }
                for agent in self._world.agents.values()
            }
        )

    async def _contacts(self, _request: web.Request) -> web.Response:
        return json(
            {
                str(one.id): {
                    "status": one.status,
                    "master": one.master_id,
                    "media": one.media.label,
                    "agent": one.agent.id if one.agent else None,
                    "skill": one.skill.id,
                    "recording": one.logging,
                    "disposition": one.disposition,
                    "custom_data": one.custom_data,
                    "final": one.final,
                }
                for one in [*self._world.closed, *self._world.contacts.values()]
            }
        )

    async def _list_sessions(self, _request: web.Request) -> web.Response:
        return json(
            [
                {
                    "agent": one.agent.id,
                    "platform_id": one.platform_id,
                    "clients": len(one.clients),
                    "place": one.place,
                    "ended": one.ended_at is not None,
                }
                for one in self._sessions.sessions.values()
            ]
        )

    async def _emit(self, request: web.Request) -> web.Response:
        def act(emission: Emission) -> Facts:
            try:
                contact = self._let_happen(emission)
            except Conflict as conflict:
                raise LookupError(str(conflict)) from conflict
            return {"contact": contact.id} if contact else {}

        return await admin.emit(request, Emission, self._ledger, act)

    def _let_happen(self, emission: Emission) -> Contact | None:
        world, calls = self._world, self._calls
        if emission.action == "incoming":
            return calls.arrive(world.skills[emission.skill], MEDIA_BY_KEY[emission.media])
        agent = self._agent(emission)
        of_agent: dict[str, Callable[[], Contact | None]] = {
            "log_in": lambda: self._log_in(agent),
            "log_out": lambda: world.log_out(agent),
            "force_log_out": lambda: self._operations.force_out(agent),
            "state": lambda: world.ask_for_state(agent, emission.state, emission.reason),
            "offer": lambda: self._offer(agent, emission),
            "dial": lambda: calls.dial(agent, emission.number, world.skills[emission.skill]),
            "event": lambda: world.publish(agent, events.event(emission.type) | emission.data),
        }
        if emission.action in of_agent:
            return of_agent[emission.action]()
        contact = self._contact(agent, emission)
        of_contact: dict[str, Callable[[], None]] = {
            "answer": lambda: calls.answer(contact),
            "refuse": lambda: calls.refuse(contact),
            "hang_up": lambda: calls.finish(contact, "Succeeded"),
            "abandon": lambda: calls.abandon(contact),
            "complete": lambda: calls.complete(contact),
            "hold": lambda: calls.hold(contact),
            "resume": lambda: calls.resume(contact),
            "say": lambda: calls.say(contact, "Hello", by_agent=False),
        }
        of_contact[emission.action]()
        return contact

    def _log_in(self, agent: Agent) -> None:
        if agent.session is None:
            self._world.log_in(agent)
            self._world.greet(agent)

    def _offer(self, agent: Agent, emission: Emission) -> Contact:
        waiting = self._world.waiting()
        if emission.contact is not None:
            contact = self._world.contacts[emission.contact]
        elif waiting:
            contact = waiting[0]
        else:
            media = MEDIA_BY_KEY[emission.media]
            contact = self._calls.arrive(self._world.skills[emission.skill], media)
        self._calls.offer(contact, agent)
        return contact

    def _agent(self, emission: Emission) -> Agent:
        if emission.agent is None:
            raise LookupError("agent is missing")
        return self._world.agents[emission.agent]

    def _contact(self, agent: Agent, emission: Emission) -> Contact:
        if emission.contact is not None:
            return self._world.contacts[emission.contact]
        if not agent.contacts:
            raise LookupError("the agent has no contact")
        return next(iter(agent.contacts.values()))
