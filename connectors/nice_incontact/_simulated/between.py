"""Calls between agents: consultation, transfer, conference, supervision.

Source: NICE inContact Agent API, "Agent Sessions": transfer, conference, coach, barge and take over name no contact, so
the platform goes by what the agent has. A transferred contact has a new id; the master id links it with the old one.
"""

from __future__ import annotations

import time
from itertools import count

from connectors.nice_incontact._simulated import events
from connectors.nice_incontact._simulated.calls import Calls, Conflict
from connectors.nice_incontact._simulated.model import (
    ACTIVE,
    AVAILABLE,
    DIALING,
    ESTABLISHED,
    HOLDING,
    INCOMING,
    JOINED,
    RINGING,
    Agent,
    Contact,
    Media,
    Monitor,
    Skill,
)
from connectors.nice_incontact._simulated.world import World

CALLS_OF_A_TRANSFER = 2


class Between:
    """What two agents do with a call."""

    def __init__(self, world: World, calls: Calls) -> None:
        self._world = world
        self._calls = calls
        self._conferences = count(1)
        calls.on_finished = self._nothing_left_to_hear

    def dial_agent(self, agent: Agent, target: Agent) -> Contact:
        """Call another agent's personal queue. Raises Conflict."""
        if not target.logged_in:
            raise Conflict("dial: the agent is logged out")
        calls = agent.calls
        if len(calls) != 1 or calls[0].status != HOLDING:
            raise Conflict("dial: one call must be on hold")
        mine = self._calls.place(agent, calls[0].skill, str(target.id), "PersonalQueue", calls[0])
        if target.state == AVAILABLE and not target.contacts:
            self._ring(mine, target, "PersonalQueue", INCOMING)
        else:
            self._give_up_later(mine)
        return mine

    def dial_skill(self, agent: Agent, skill: Skill) -> Contact:
        """Call any free agent of a skill; wait if there is none."""
        self._calls.make_room(agent)
        calls = agent.calls
        parent = calls[0] if calls else None
        mine = self._calls.place(agent, skill, skill.name, "Regular", parent)
        target = self._world.free_agent(but=agent)
        if target is not None:
            self._ring(mine, target, "Regular", INCOMING)
        else:
            self._give_up_later(mine)
        return mine

    def consult(self, agent: Agent, target: Agent) -> Contact:
        """Ask another agent while the caller waits. Raises Conflict."""
        if not target.logged_in or target.calls or target is agent:
            raise Conflict("consult: the agent is on a call or logged out")
        self._calls.make_room(agent)
        calls = agent.calls
        skill = calls[0].skill if calls else next(iter(self._world.skills.values()))
        mine = self._calls.place(
            agent, skill, str(target.id), "Consult", calls[0] if calls else None
        )
        self._ring(mine, target, "Consult", RINGING)
        self._give_up_later(mine)
        return mine

    def _ring(self, mine: Contact, target: Agent, call_type: str, status: str) -> None:
        world, agent = self._world, mine.agent
        theirs = world.new_contact(
            mine.skill,
            Media.VOICE,
            master=mine,
            customer=agent.phone if agent else "",
            address=target.phone,
            call_type=call_type,
            parent_id=mine.id,
            peer=mine,
        )
        mine.peer = theirs
        if status == INCOMING:
            self._calls.offer(theirs, target)
            return
        theirs.agent = target
        target.contacts[theirs.id] = theirs
        world.change(theirs, RINGING)
        self._calls.need_leg(target)

    def _give_up_later(self, mine: Contact) -> None:
        def give_up() -> None:
            if mine.status == DIALING:
                self._calls.finish(mine, "NoAnswer")

        self._world.agenda.after(self._world.settings.refusal_seconds, give_up)

    def transfer(self, agent: Agent) -> None:
        """Connect the agent's two calls with each other and leave them. Raises Conflict."""
        first, second = self._two(agent)
        world = self._world
        caller, other = (first, second) if not second.inbound or first.inbound else (second, first)
        theirs, other.peer = other.peer, None
        for mine in (other, caller):
            mine.peer = None
            self._calls.finish(mine, "TransferComplete")
        if theirs is None or theirs.agent is None:
            return
        target, was = theirs.agent, theirs.status
        handed = world.new_contact(
            caller.skill,
            Media.VOICE,
            master=caller,
            customer=caller.customer,
            address=caller.address,
            inbound=caller.inbound,
            parent_id=caller.id,
            agent=target,
            status=was if was != RINGING else INCOMING,
        )
        theirs.peer = None
        theirs.final = True
        world.change(theirs, "Disconnected", code="TransferComplete")
        world.forget(theirs)
        target.contacts[handed.id] = handed
        if was in ESTABLISHED:
            handed.answered = time.time()
            handed.status = ACTIVE
        world.tell(handed)
        world.settle(target)

    def pass_on(self, contact: Contact, skill: Skill, target: Agent | None = None) -> None:
        """Give a contact that is no call to another agent, or back to a queue. Raises Conflict."""
        if contact.status != ACTIVE:
            raise Conflict("transfer")
        handed = self._world.new_contact(
            skill,
            contact.media,
            master=contact,
            customer=contact.customer,
            address=contact.address,
            parent_id=contact.id,
            room=contact.room,
            messages=list(contact.messages),
        )
        contact.answered = None  # What was passed on needs no work after it.
        self._calls.finish(contact, "TransferComplete")
        if target is not None:
            self._calls.offer(handed, target)

    def conference(self, agent: Agent) -> None:
        """Join the agent's two calls. Raises Conflict."""
        first, second = self._two(agent, established=True)
        for contact in (first, second):
            self._world.change(contact, JOINED)
        number = str(next(self._conferences))
        self._world.publish(agent, events.event("Conference", ConferenceNo=number))

    def _two(self, agent: Agent, *, established: bool = False) -> tuple[Contact, Contact]:
        calls = [one for one in agent.calls if one.status != INCOMING]
        if len(calls) != CALLS_OF_A_TRANSFER:
            raise Conflict("transfer or conference: two calls are needed")
        if established and any(one.status not in ESTABLISHED for one in calls):
            raise Conflict("conference")
        return calls[0], calls[1]

    # Supervision.

    def monitor(self, supervisor: Agent, target: Agent) -> None:
        """Listen to another agent's call. Raises Conflict."""
        calls = [one for one in target.calls if one.status in ESTABLISHED]
        if supervisor.monitor is not None or supervisor.calls or not calls:
            raise Conflict("monitor")
        self._calls.need_leg(supervisor)
        self._calls.leg_answers(supervisor)
        monitor = Monitor(target, calls[0], time.time())
        supervisor.monitor = monitor
        self._world.publish(supervisor, events.supervisor_monitor(monitor, final=False))
        self._tell(supervisor, monitor)

    def change_monitor(self, supervisor: Agent, mode: str) -> None:
        """Coach the agent, barge in, or take the call over. Raises Conflict: nobody is monitored."""
        monitor = supervisor.monitor
        if monitor is None or monitor.contact.over:
            raise Conflict(f"{mode}: there is no monitored call")
        if mode == "take-over":
            self._take_over(supervisor, monitor)
            return
        monitor.mode = mode
        self._tell(supervisor, monitor)

    def end_monitor(self, supervisor: Agent) -> None:
        """Stop listening."""
        monitor, supervisor.monitor = supervisor.monitor, None
        if monitor is not None:
            self._world.publish(supervisor, events.supervisor_monitor(monitor, final=True))

    def _nothing_left_to_hear(self, contact: Contact) -> None:
        for supervisor in self._world.agents.values():
            if supervisor.monitor is not None and supervisor.monitor.contact is contact:
                self.end_monitor(supervisor)

    def _tell(self, supervisor: Agent, monitor: Monitor) -> None:
        told = events.call_contact(monitor.contact, "SupervisorContact")
        if monitor.mode == "barge":
            told["Status"] = JOINED
        self._world.publish(supervisor, told)

    def _take_over(self, supervisor: Agent, monitor: Monitor) -> None:
        world, taken = self._world, monitor.contact
        world.publish(
            supervisor,
            events.event(
                "TakeOver", ContactID=str(taken.id), TakeOverDate=events.stamp(time.time())
            ),
        )
        self.end_monitor(supervisor)
        handed = world.new_contact(
            taken.skill,
            Media.VOICE,
            master=taken,
            customer=taken.customer,
            address=taken.address,
            inbound=taken.inbound,
            call_type="TakeOver",
            parent_id=taken.id,
            agent=supervisor,
            status=ACTIVE,
            answered=time.time(),
        )
        supervisor.contacts[handed.id] = handed
        self._calls.finish(taken, "TransferComplete")
        world.settle(supervisor)
        world.tell(handed)
