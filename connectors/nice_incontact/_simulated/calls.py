"""What happens to calls, by agents' commands, by phones and by callers.

Source: NICE inContact Agent API, "Agent session events" and "Agent Sessions". An incoming call is told as Incoming,
then the agent's leg is dialled and answered, then the state and the call follow; a call that is over stays with
the agent, not in its final state, until the work after it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.nice_incontact._simulated import events
from connectors.nice_incontact._simulated.model import (
    ACTIVE,
    DIALING,
    DISCONNECTED,
    ESTABLISHED,
    HOLDING,
    INCOMING,
    JOINED,
    MASKING,
    RINGING,
    TALKING,
    UNAVAILABLE,
    Agent,
    Contact,
    Leg,
    Media,
    Skill,
)
from connectors.nice_incontact._simulated.world import World

NO_GOOD = {"0000": "BadNumber", "1111": "Busy", "2222": "NoAnswer"}
"""How calls to numbers that end so end."""
SLA_SECONDS = 30


class Conflict(Exception):
    """What is asked for is not possible in this state: 409."""


class Calls:
    """Calls of agents with callers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.on_finished: Callable[[Contact], None] | None = None
        """Called when nobody talks any more."""

    # The agent's leg.

    def need_leg(self, agent: Agent, *, kept: bool = False) -> None:
        """Call the agent's phone, if it is not on the line."""
        if agent.leg is None:
            agent.leg = Leg(next(self._world.legs), kept=kept)
            self._world.publish(agent, events.agent_leg(agent.leg))

    def leg_answers(self, agent: Agent) -> None:
        """The agent takes the phone."""
        if agent.leg is not None and agent.leg.status == DIALING:
            agent.leg.status = ACTIVE
            self._world.publish(agent, events.agent_leg(agent.leg))

    def end_leg(self, agent: Agent) -> None:
        """The agent's phone is hung up."""
        leg, agent.leg = agent.leg, None
        if leg is not None:
            leg.status = DISCONNECTED
            if agent.muted:
                self.mute(agent, on=False)
            self._world.publish(agent, events.agent_leg(leg))

    def mute(self, agent: Agent, *, on: bool) -> None:
        """Mute or unmute the leg."""
        agent.muted = on
        self._world.publish(agent, events.event("Mute", AgentMuted=events.flag(on)))

    # Contacts come, wait and are offered.

    def arrive(self, skill: Skill, media: Media = Media.VOICE) -> Contact:
        """A customer's contact waits for the skill."""
        rng = self._world.rng
        number = f"+1702{rng.randrange(10**7):07d}"
        contact = self._world.new_contact(
            skill, media, customer=number, address=f"+1800{skill.id:07d}"
        )
        if media is Media.CHAT:
            contact.room = contact.id
        return contact

    def say(self, contact: Contact, text: str, *, by_agent: bool) -> None:
        """One message of a chat."""
        if contact.media is not Media.CHAT or contact.status != ACTIVE or contact.agent is None:
            raise Conflict("send text to")
        contact.messages.append((text, "Agent" if by_agent else "Client", time.time()))
        self._world.publish(contact.agent, events.chat_text(contact))

    def offer(self, contact: Contact, agent: Agent) -> None:
        """Offer a waiting contact to an agent."""
        contact.agent = agent
        agent.contacts[contact.id] = contact
        agent.count("offered")
        self._world.change(contact, INCOMING)
        if contact.voice:
            self.need_leg(agent)
        offered_at = contact.changed

        def refuse() -> None:
            if contact.status == INCOMING and contact.changed == offered_at:
                self.refuse(contact)

        self._world.agenda.after(self._world.settings.refusal_seconds, refuse)

    def answer(self, contact: Contact) -> None:
        """The agent takes a contact that was offered."""
        agent = self._agent(contact)
        if contact.status not in {INCOMING, RINGING}:
            raise Conflict("accept")
        now = time.time()
        contact.answered = now
        skill = contact.skill
        if now - contact.started <= SLA_SECONDS:
            skill.within_sla += 1
        else:
            skill.out_of_sla += 1
        agent.count("inboundHandled" if contact.inbound else "outboundHandled")
        if contact.voice:
            self.need_leg(agent)
            self.leg_answers(agent)
        for other in agent.calls:
            if other is not contact and other.status in TALKING:
                self._world.change(other, HOLDING)
        contact.status = ACTIVE
        self._world.settle(agent)
        self._world.change(contact, ACTIVE)
        if contact.peer is not None and contact.peer.status in {DIALING, RINGING}:
            contact.peer.answered = now
            self._world.change(contact.peer, ACTIVE)

    def refuse(self, contact: Contact) -> None:
        """The agent did not take it: it waits again, and the agent becomes unavailable."""
        agent = self._agent(contact)
        agent.count("refused")
        world = self._world
        world.change(contact, DISCONNECTED, code="NoAnswer")
        contact.final = True
        world.tell(contact)
        world.forget(contact)
        if contact.peer is not None and not contact.peer.over:
            self.finish(contact.peer, "NoAnswer")
        elif contact.call_type == "Regular":
            world.new_contact(
                contact.skill,
                contact.media,
                master=contact,
                customer=contact.customer,
                address=contact.address,
                parent_id=contact.id,
            )
        self._hang_up_idle_leg(agent)
        if agent.session is not None and not agent.contacts:
            world.set_state(agent, UNAVAILABLE, "Refused")

    def abandon(self, contact: Contact) -> None:
        """The customer does not wait any longer."""
        contact.skill.out_of_sla += 1
        if contact.agent is None:
            contact.status = DISCONNECTED
            contact.disconnect_code = "CallAbandoned"
            contact.final = True
            self._world.close(contact)
            return
        self.finish(contact, "CallAbandoned")

    # A call to outside.

    def dial(
        self, agent: Agent, number: str, skill: Skill, parent: Contact | None = None
    ) -> Contact:
        """Call a number; a call that goes on is held. Raises Conflict: too many calls."""
        self.make_room(agent)
        contact = self.place(agent, skill, number, "Regular", parent)
        code = NO_GOOD.get(number[-4:])

        def goes_through() -> None:
            if contact.status not in {DIALING, RINGING}:
                return
            if code is not None:
                world.publish(agent, events.agent_error("DialPhone", code, contact))
                self.finish(contact, code)
                return
            contact.answered = time.time()
            agent.count("outboundHandled")
            world.change(contact, ACTIVE)

        def rings() -> None:
            if contact.status == DIALING and code in {None, "NoAnswer"}:
                world.change(contact, RINGING)

        world = self._world
        seconds = world.settings.dial_answer_seconds
        world.agenda.after(seconds / 2, rings)
        world.agenda.after(seconds, goes_through)
        return contact

    def make_room(self, agent: Agent) -> None:
        """Hold what is talked on, so that another call can be made. Raises Conflict."""
        calls = agent.calls
        if len(calls) >= self._world.settings.max_calls:
            raise Conflict("dial: the maximum of contacts is reached")
        if any(one.status in {DIALING, RINGING} and not one.inbound for one in calls):
            raise Conflict("dial")
        for one in calls:
            if one.status in TALKING:
                self._hold(one)

    def place(
        self, agent: Agent, skill: Skill, number: str, call_type: str, parent: Contact | None
    ) -> Contact:
        """The agent's side of an outgoing call that is being dialled."""
        world = self._world
        contact = world.new_contact(
            skill,
            Media.VOICE,
            master=parent,
            customer=number,
            address=agent.phone,
            inbound=False,
            call_type=call_type,
            status=DIALING,
            agent=agent,
            parent_id=parent.id if parent else None,
        )
        agent.contacts[contact.id] = contact
        self.need_leg(agent)
        self.leg_answers(agent)
        world.settle(agent)
        world.tell(contact)
        return contact

    # What can be done with a call.

    def hold(self, contact: Contact) -> None:
        """Put on hold."""
        if contact.status not in {ACTIVE, MASKING, JOINED}:
            raise Conflict("hold")
        self._hold(contact)

    def _hold(self, contact: Contact) -> None:
        self._world.change(contact, HOLDING)
        contact.held_since = contact.changed

    def resume(self, contact: Contact) -> None:
        """Take off hold; what was talked on meanwhile is held."""
        if contact.status != HOLDING:
            raise Conflict("resume")
        for other in self._agent(contact).calls:
            if other is not contact and other.status in TALKING:
                self._hold(other)
        self._world.change(contact, ACTIVE)

    def end(self, contact: Contact) -> None:
        """The agent hangs up; not from a call on hold."""
        if contact.status == HOLDING or contact.over:
            raise Conflict("end")
        if contact.status == INCOMING and contact.voice:
            raise Conflict("end")
        self.finish(contact, "Succeeded")

    def mask(self, contact: Contact, *, on: bool) -> None:
        """Keep what is said out of a recording, or no more."""
        if contact.status != (ACTIVE if on else MASKING):
            raise Conflict("mask" if on else "unmask")
        self._world.change(contact, MASKING if on else ACTIVE)

    def record(self, contact: Contact) -> None:
        """Record the call to its end."""
        if contact.status not in ESTABLISHED:
            raise Conflict("record")
        contact.logging = True
        self._world.tell(contact)

    def finish(self, contact: Contact, code: str) -> None:
        """The talk is over, whoever ended it; work after it may be left."""
        if contact.over:
            return
        world, agent = self._world, self._agent(contact)
        was_talked = contact.answered is not None
        peer, contact.peer = contact.peer, None
        contact.ended = time.time()
        wrap_up = was_talked and world.settings.acw_seconds > 0 and contact.call_type == "Regular"
        contact.final = not wrap_up
        world.change(contact, DISCONNECTED, code=code)
        if self.on_finished is not None:
            self.on_finished(contact)
        if wrap_up:
            world.agenda.after(world.settings.acw_seconds, lambda: self.complete(contact))
        else:
            world.forget(contact)
        self._hang_up_idle_leg(agent)
        world.settle(agent)
        if peer is not None and not peer.over:
            peer.peer = None
            self.finish(peer, code)

    def complete(self, contact: Contact) -> None:
        """The work after a contact is done."""
        if not contact.over or contact.id not in self._world.contacts:
            return
        agent = self._agent(contact)
        self._world.close(contact)
        self._world.settle(agent)

    def end_all(self, agent: Agent) -> None:
        """End every contact of the agent, without work after it."""
        for contact in list(agent.contacts.values()):
            if not contact.over:
                self.finish(contact, "AgentCancelled")
            self.complete(contact)

    def _hang_up_idle_leg(self, agent: Agent) -> None:
        if agent.leg is not None and not agent.leg.kept and not agent.calls and not agent.monitor:
            self.end_leg(agent)

    def _agent(self, contact: Contact) -> Agent:
        if contact.agent is None:
            raise Conflict("handle")
        return contact.agent
