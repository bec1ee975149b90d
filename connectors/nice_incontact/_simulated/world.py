"""The simulated contact centre: who is logged in, in what state, with which contacts; tells it to sessions."""

from __future__ import annotations

import time
from collections import deque
from itertools import count
from random import Random
from typing import Any

from connectors._simulation.agenda import Agenda
from connectors.nice_incontact._simulated import events
from connectors.nice_incontact._simulated.model import (
    ACW_REASONS,
    AVAILABLE,
    DISCONNECTED,
    INBOUND,
    INBOUND_CONSULT,
    INCOMING,
    LOGGED_OUT,
    NEVER_TIMES_OUT,
    OUTBOUND,
    OUTBOUND_CONSULT,
    QUEUED,
    REASONS,
    RINGING,
    TEAMS,
    UNAVAILABLE,
    Agent,
    Contact,
    Media,
    Skill,
)
from connectors.nice_incontact._simulated.sessions import AgentSession, AgentSessions
from connectors.nice_incontact._simulated.settings import SimulatorSettings

GATEWAY = 1000
FIRST_AGENT, FIRST_SKILL, FIRST_CONTACT = 1001, 501, 400_001
SKILL_NAMES = ("Sales", "Support", "Billing", "Returns")
REMEMBERED_CONTACTS = 20_000
WRAP_UP = next(iter(ACW_REASONS.values()))


class World:
    """Agents, skills and contacts. Whatever changes them goes through here, so that it is told."""

    def __init__(
        self, settings: SimulatorSettings, rng: Random, agenda: Agenda, sessions: AgentSessions
    ) -> None:
        self.settings = settings
        self.rng = rng
        self.agenda = agenda
        self.sessions = sessions
        gateway = Agent(
            GATEWAY,
            "gateway@example.com",
            "Gateway",
            "User",
            1,
            works=False,
            may_impersonate=True,
            may_supervise=True,
        )
        self.agents = {GATEWAY: gateway}
        for index in range(settings.agents):
            number = FIRST_AGENT + index
            self.agents[number] = Agent(
                number,
                settings.username(index),
                "Agent",
                str(index + 1),
                1 + index % len(TEAMS),
                may_supervise=index == 0,
                phone=f"+1801555{number:04d}",
            )
        self.by_name = {agent.username: agent for agent in self.agents.values()}
        self.skills = {
            FIRST_SKILL + index: Skill(FIRST_SKILL + index, name, 71 + index % 2)
            for index, name in enumerate(SKILL_NAMES[: settings.skills])
        }
        self.contacts: dict[int, Contact] = {}
        """All that are not closed."""
        self.closed: deque[Contact] = deque(maxlen=REMEMBERED_CONTACTS)
        """The oldest are forgotten."""
        self.legs = count(90_001)
        self._contact_ids = count(FIRST_CONTACT)
        self._log: list[tuple[float, int]] = []

    @property
    def workers(self) -> list[Agent]:
        """Everybody who takes contacts."""
        return [agent for agent in self.agents.values() if agent.works]

    def skill(self, named: object) -> Skill | None:
        """By id or by name."""
        text = str(named)
        for skill in self.skills.values():
            if text in {str(skill.id), skill.name}:
                return skill
        return None

    def free_agent(self, but: Agent | None = None) -> Agent | None:
        """An agent who can be offered a contact."""
        free = [
            one
            for one in self.workers
            if one.logged_in and one.state == AVAILABLE and not one.contacts and one is not but
        ]
        return self.rng.choice(free) if free else None

    def leave_alone(self, agent: Agent) -> None:
        """Let the agent's life do nothing for a while, because of a command."""
        agent.left_alone_until = time.monotonic() + self.settings.command_grace_seconds

    def publish(self, agent: Agent, message: dict[str, Any]) -> None:
        """Tell the agent's session."""
        self.sessions.publish(agent, message, message["Type"])

    # Sessions.

    def log_in(self, agent: Agent, *, station: str = "", phone: str = "") -> AgentSession:
        """Begin a session: the agent is unavailable at first."""
        agent.station_id = station
        agent.phone = phone or agent.phone
        session = self.sessions.open(agent)
        agent.state, agent.reason, agent.acw, agent.next_state = UNAVAILABLE, "", False, None
        agent.since = agent.changed = time.time()
        agent.history.append((UNAVAILABLE, "", agent.since))
        return session

    def greet(self, agent: Agent) -> None:
        """Tell a session that has just begun that it has."""
        self.publish(agent, events.session_start(agent, self.settings.business_unit))
        self.publish(agent, events.agent_state(agent))

    def log_out(self, agent: Agent, *, remote: bool = False) -> None:
        """End the agent's session, for every client."""
        session = agent.session
        if session is None:
            return
        if remote:
            self.publish(agent, events.event("RemoteAgentSessionEnd", Message="RemoteLogoff"))
        self.publish(agent, events.session_end("RemoteLogoff" if remote else ""))
        self.sessions.close(session)
        agent.state, agent.reason, agent.acw, agent.next_state = LOGGED_OUT, "", False, None
        agent.muted, agent.leg, agent.monitor = False, None, None
        agent.since = agent.changed = time.time()
        agent.history.append((LOGGED_OUT, "", agent.since))

    # States.

    def set_state(
        self,
        agent: Agent,
        state: str,
        reason: str = "",
        *,
        acw: bool = False,
        acw_timeout: float = NEVER_TIMES_OUT,
    ) -> None:
        """Change the state and tell it."""
        agent.state, agent.reason, agent.acw, agent.acw_timeout = state, reason, acw, acw_timeout
        agent.since = agent.changed = time.time()
        agent.history.append((state, reason, agent.since))
        self.publish(agent, events.agent_state(agent))

    def ask_for_state(self, agent: Agent, state: str, reason: str) -> None:
        """What the agent wants next: at once, or after what is open."""
        busy = [
            one for one in agent.contacts.values() if one.status not in {INCOMING, DISCONNECTED}
        ]
        if busy:
            agent.next_state = (state, reason)
            agent.changed = time.time()
            self.publish(agent, events.agent_state(agent))
            return
        wrapping = [one for one in agent.contacts.values() if one.over]
        if wrapping:
            agent.next_state = (state, reason)
            for contact in wrapping:
                self.close(contact)
            self.settle(agent)
            return
        self.set_state(agent, state, reason)

    def settle(self, agent: Agent) -> None:
        """Let the state follow from the contacts, and tell it if it is another."""
        if agent.session is None:
            return
        working = [
            one
            for one in agent.contacts.values()
            if not one.over and one.status not in {INCOMING, RINGING}
        ]
        if working:
            state = _state_for(working[0])
            if state != agent.state or agent.acw:
                self.set_state(agent, state)
        elif any(one.over for one in agent.contacts.values()):
            if not agent.acw:
                seconds = self.settings.acw_seconds
                self.set_state(agent, UNAVAILABLE, WRAP_UP, acw=True, acw_timeout=seconds)
        elif agent.acw or agent.state not in {AVAILABLE, UNAVAILABLE}:
            state, reason = agent.next_state or (AVAILABLE, "")
            agent.next_state = None
            self.set_state(agent, state, reason)

    # Contacts.

    def new_contact(
        self, skill: Skill, media: Media, *, master: Contact | None = None, **fields: Any
    ) -> Contact:
        """A contact that nobody was told of yet."""
        number, now = next(self._contact_ids), time.time()
        contact = Contact(
            number,
            master.master_id if master else number,
            media,
            skill,
            now,
            changed=now,
            **fields,
        )
        contact.history.append((contact.state_id, now, None))
        self.contacts[number] = contact
        skill.changed = now
        return contact

    def change(self, contact: Contact, status: str, *, code: str | None = None) -> None:
        """Give a contact a status and tell its agent."""
        now = time.time()
        if contact.held_since is not None:
            contact.hold_seconds += now - contact.held_since
            contact.held_since = None
        contact.status, contact.changed = status, now
        contact.skill.changed = now
        if code is not None:
            contact.disconnect_code = code
        agent = contact.agent
        contact.history.append((contact.state_id, now, agent.id if agent else None))
        if agent is not None:
            agent.changed = now
            self.tell(contact)

    def tell(self, contact: Contact) -> None:
        """Tell a contact's agent how it is now."""
        if contact.agent is not None:
            self.publish(contact.agent, events.contact_event(contact))

    def close(self, contact: Contact) -> None:
        """Nothing is left to do for a contact that is over; the agent is told if nobody did yet."""
        contact.status = DISCONNECTED
        contact.changed = contact.skill.changed = time.time()
        contact.ended = contact.ended or contact.changed
        if not contact.final:
            contact.final = True
            self.tell(contact)
        self.forget(contact)

    def forget(self, contact: Contact) -> None:
        """Move a contact from what is open to what was."""
        self.contacts.pop(contact.id, None)
        if contact.agent is not None:
            contact.agent.contacts.pop(contact.id, None)
            contact.agent.changed = time.time()
        self.closed.append(contact)

    def waiting(self, skill: Skill | None = None) -> list[Contact]:
        """Contacts that wait for an agent, oldest first."""
        return [
            one
            for one in self.contacts.values()
            if one.status == QUEUED and one.agent is None and skill in {None, one.skill}
        ]

    def refresh_set(self, agent: Agent) -> list[dict[str, Any]]:
        """The session, the state, the leg and every open contact, as they are now."""
        found = [
            events.session_start(agent, self.settings.business_unit),
            events.agent_state(agent),
        ]
        if agent.leg is not None:
            found.append(events.agent_leg(agent.leg))
        found += [events.contact_event(contact) for contact in agent.contacts.values()]
        if agent.monitor is not None:
            found.append(events.supervisor_monitor(agent.monitor, final=False))
            found.append(events.call_contact(agent.monitor.contact, "SupervisorContact"))
        return found

    def summary(self) -> dict[str, object]:
        """Figures for /sim/stats."""
        return {
            "agents": len(self.workers),
            "logged_in": sum(one.logged_in for one in self.workers),
            "contacts": len(self.contacts),
            "closed_contacts": len(self.closed),
            "reasons": list(REASONS.values()),
        }


def _state_for(contact: Contact) -> str:
    if contact.call_type == "Consult":
        return INBOUND_CONSULT if contact.inbound else OUTBOUND_CONSULT
    return INBOUND if contact.inbound else OUTBOUND
