"""What an agent, or an administrator for the agent, can have done: the commands of agent sessions and their like.

Source: NICE inContact Agent API, "Agent Sessions", "Interactions", "Phone Calls", "Supervisor"; Admin API, "Agents".
Nearly all answer 202: what came of it is told by an event.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from connectors.nice_incontact._simulated import events
from connectors.nice_incontact._simulated.between import Between
from connectors.nice_incontact._simulated.calls import Calls, Conflict
from connectors.nice_incontact._simulated.model import (
    ACW_REASONS,
    AVAILABLE,
    DISPOSITIONS,
    REASONS,
    UNAVAILABLE,
    Agent,
    Contact,
    Media,
    Skill,
)
from connectors.nice_incontact._simulated.requests import (
    ACCEPTED,
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    OK,
    Answered,
    Call,
    Reply,
    Router,
)
from connectors.nice_incontact._simulated.session_calls import SessionCalls
from connectors.nice_incontact._simulated.world import World

Act = Callable[[Agent, Call], object]
ContactAct = Callable[[Contact, Call], object]
TONE_MS = range(61, 15_001)
MOST_PAIRS, MOST_DATA = 20, 32_768
TRANSFERABLE = {Media.CHAT: "chat", Media.VOICEMAIL: "voicemail", Media.WORKITEM: "work-item"}


class Operations:
    """Handlers of commands."""

    def __init__(
        self, world: World, calls: Calls, between: Between, sessions: SessionCalls
    ) -> None:
        self._world = world
        self._calls = calls
        self._between = between
        self._sessions = sessions

    def serve(self, router: Router) -> None:
        """Add the routes."""
        calls, between = self._calls, self._between
        session = "agent-sessions/{sid}"
        of_agent: dict[str, Act] = {
            "state": self._state,
            "agent-phone/dial": self._dial_leg,
            "agent-phone/end": self._end_leg,
            "agent-phone/mute": lambda agent, _: self._mute(agent, on=True),
            "agent-phone/unmute": lambda agent, _: self._mute(agent, on=False),
            "dial-phone": self._dial_phone,
            "dial-agent": lambda agent, call: between.dial_agent(agent, self._target(call)),
            "dial-skill": lambda agent, call: between.dial_skill(agent, self._skill(call)),
            "consult-agent": lambda agent, call: between.consult(agent, self._target(call)),
            "send-dtmf": self._dtmf,
            "interactions/transfer-calls": lambda agent, _: between.transfer(agent),
            "interactions/conference-calls": lambda agent, _: between.conference(agent),
            "monitor": self._monitor,
            "coach": lambda agent, _: self._supervise(agent, "coach"),
            "barge": lambda agent, _: self._supervise(agent, "barge"),
            "take-over": lambda agent, _: self._supervise(agent, "take-over"),
            "keep-alive": lambda _agent, _call: None,
            "submit-feedback": lambda _agent, _call: None,
        }
        of_contact: dict[str, ContactAct] = {
            "accept": lambda contact, _: self._accept(contact),
            "reject": lambda contact, _: self._reject(contact),
            "accept-consult": lambda contact, _: calls.answer(contact),
            "hold": lambda contact, _: calls.hold(contact),
            "resume": lambda contact, _: calls.resume(contact),
            "end": lambda contact, _: calls.end(contact),
            "mask": lambda contact, _: calls.mask(contact, on=True),
            "unmask": lambda contact, _: calls.mask(contact, on=False),
            "record": lambda contact, _: calls.record(contact),
            "custom-data": self._custom_data,
            "send-chat-text": self._say,
            "typing": lambda _contact, _call: None,
        }
        for media, word in TRANSFERABLE.items():
            of_contact[f"transfer-{word}-to-agent"] = partial(self._transfer_to_agent, media)
            of_contact[f"transfer-{word}-to-skill"] = partial(self._transfer_to_skill, media)
        for path, act in of_agent.items():
            router.add("POST", f"{session}/{path}", "AgentApi", self._for_agent(act))
        for path, contact_act in of_contact.items():
            handler = self._for_contact(contact_act)
            router.add("POST", f"{session}/interactions/{{contact}}/{path}", "AgentApi", handler)
        disposition = self._for_contact(self._disposition, OK)
        router.add(
            "POST", f"{session}/interactions/{{contact}}/disposition", "AgentApi", disposition
        )
        router.add("POST", "agents/{agent}/state", "AdminApi", self._admin_state)
        router.add("POST", "agents/{agent}/logout", "AdminApi", self._admin_logout)
        router.add("PUT", "agents/{agent}/custom-event", "AdminApi", self._custom_event)
        router.add("POST", "contacts/{contact}/end", "AdminApi", self._admin_contact(self._cut))
        router.add(
            "POST", "contacts/{contact}/record", "AdminApi", self._admin_contact(calls.record)
        )

    def _for_agent(self, act: Act) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            agent = self._sessions.session(call).agent
            self._world.leave_alone(agent)
            return self._carry_out(lambda: act(agent, call), ACCEPTED)

        return handle

    def _for_contact(self, act: ContactAct, status: int = ACCEPTED) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            agent = self._sessions.session(call).agent
            number = call.parts["contact"]
            contact = agent.contacts.get(int(number)) if number.isdecimal() else None
            if contact is None:
                raise Answered(NOT_FOUND, "Invalid contact")
            self._world.leave_alone(agent)
            return self._carry_out(lambda: act(contact, call), status)

        return handle

    def _carry_out(self, act: Callable[[], object], status: int) -> Reply:
        try:
            act()
        except Conflict as conflict:
            text = f"Cannot {conflict} the contact at this time"
            raise Answered(CONFLICT, text) from conflict
        return Reply(status)

    # The agent.

    def _state(self, agent: Agent, call: Call) -> None:
        wanted = call.required("state").lower()
        states = {name.lower(): name for name in (AVAILABLE, UNAVAILABLE)}
        reason = call.text("reason")
        if wanted not in states:
            raise Answered(BAD_REQUEST, "Invalid parameter 'state'")
        wrapping = reason in ACW_REASONS.values()
        if reason and not wrapping and reason not in REASONS.values():
            raise Answered(BAD_REQUEST, "Invalid parameter 'reason'")
        if wrapping and not agent.contacts:
            raise Answered(CONFLICT, "There is no active contact")
        self._world.ask_for_state(agent, states[wanted], reason if wanted != "available" else "")

    def _dial_leg(self, agent: Agent, _call: Call) -> None:
        if agent.leg is not None:
            raise Answered(CONFLICT, "Invalid call status")
        self._calls.need_leg(agent, kept=True)
        seconds = self._world.settings.dial_answer_seconds
        self._world.agenda.after(seconds, lambda: self._calls.leg_answers(agent))

    def _end_leg(self, agent: Agent, _call: Call) -> None:
        if agent.leg is None:
            raise Answered(CONFLICT, "Invalid call status")
        self._between.end_monitor(agent)
        for contact in agent.calls:
            if contact.status != "Incoming":
                self._calls.finish(contact, "Dropped")
        if agent.leg is not None:
            self._calls.end_leg(agent)

    def _mute(self, agent: Agent, *, on: bool) -> None:
        if agent.leg is None or agent.leg.status != "Active":
            raise Answered(CONFLICT, "Invalid call status")
        self._calls.mute(agent, on=on)

    def _dial_phone(self, agent: Agent, call: Call) -> None:
        number = call.required("phoneNumber")
        skill = self._skill(call, "skillId" if call.text("skillId") else "skillName")
        parent = call.text("parentContactId")
        known = agent.contacts.get(int(parent)) if parent.isdecimal() else None
        self._calls.dial(agent, number, skill, known)

    def _dtmf(self, agent: Agent, call: Call) -> None:
        call.required("dtmfSequence")
        for name in ("toneDurationMS", "toneSpacingMS"):
            if call.number(name) not in TONE_MS:
                raise Answered(BAD_REQUEST, f"Invalid parameter '{name}'")
        if not agent.calls:
            raise Answered(CONFLICT, "Invalid call status")

    def _monitor(self, agent: Agent, call: Call) -> None:
        if not agent.may_supervise:
            raise Answered(FORBIDDEN, "The agent is no supervisor")
        self._between.monitor(agent, self._target(call))

    def _supervise(self, agent: Agent, mode: str) -> None:
        if not agent.may_supervise:
            raise Answered(FORBIDDEN, "The agent is no supervisor")
        self._between.change_monitor(agent, mode)

    def _target(self, call: Call) -> Agent:
        target = self._world.agents.get(call.number("targetAgentId"))
        if target is None:
            raise Answered(BAD_REQUEST, "Invalid parameter 'targetAgentId'")
        return target

    def _skill(self, call: Call, name: str = "skillId") -> Skill:
        skill = self._world.skill(call.required(name))
        if skill is None:
            raise Answered(BAD_REQUEST, f"Invalid parameter '{name}'")
        return skill

    # Contacts.

    def _accept(self, contact: Contact) -> None:
        if contact.voice:
            raise Conflict("accept")
        self._calls.answer(contact)

    def _reject(self, contact: Contact) -> None:
        if contact.voice or contact.status != "Incoming":
            raise Conflict("reject")
        self._calls.refuse(contact)

    def _say(self, contact: Contact, call: Call) -> None:
        self._calls.say(contact, call.required("chatText"), by_agent=True)

    def _transfer_to_agent(self, media: Media, contact: Contact, call: Call) -> None:
        target = self._target(call)
        if contact.media is not media or not target.logged_in:
            raise Conflict("transfer")
        self._between.pass_on(contact, contact.skill, target)

    def _transfer_to_skill(self, media: Media, contact: Contact, call: Call) -> None:
        if contact.media is not media:
            raise Conflict("transfer")
        self._between.pass_on(contact, self._skill(call, "targetSkillId"))

    def _custom_data(self, contact: Contact, call: Call) -> None:
        call.required("indicatorName")
        data = call.required("data")
        pairs = data.split("|")
        if len(pairs) > MOST_PAIRS or len(data) > MOST_DATA or any("=" not in one for one in pairs):
            raise Answered(BAD_REQUEST, "Invalid parameter 'data'")
        known = dict(one.split("=", 1) for one in contact.custom_data.split("|") if one)
        known |= dict(one.split("=", 1) for one in pairs)
        contact.custom_data = "|".join(f"{key}={value}" for key, value in known.items())
        self._world.tell(contact)

    def _disposition(self, contact: Contact, call: Call) -> None:
        number = call.number("primaryDispositionId")
        if number not in DISPOSITIONS:
            raise Answered(BAD_REQUEST, "Invalid parameter 'primaryDispositionId'")
        if not contact.over:
            raise Conflict("disposition")
        contact.disposition = number
        contact.notes = call.text("primaryDispositionNotes")
        self._calls.complete(contact)

    # Administrators.

    def _agent(self, call: Call) -> Agent:
        number = call.parts["agent"]
        agent = self._world.agents.get(int(number)) if number.isdecimal() else None
        if agent is None or agent.session is None:
            raise Answered(NOT_FOUND, "Agent session not started")
        return agent

    def _admin_state(self, call: Call) -> Reply:
        agent = self._agent(call)
        reason = REASONS.get(call.number("outStateId", 0), "")
        wanted = call.required("state").lower()
        if wanted not in {"available", "unavailable"}:
            raise Answered(BAD_REQUEST, "Invalid parameter 'state'")
        self._world.leave_alone(agent)
        available = wanted == "available"
        self._world.ask_for_state(
            agent, AVAILABLE if available else UNAVAILABLE, "" if available else reason
        )
        return Reply(OK)

    def _admin_logout(self, call: Call) -> Reply:
        self.force_out(self._agent(call))
        return Reply(ACCEPTED)

    def force_out(self, agent: Agent) -> None:
        """An administrator ends the session, whatever is open."""
        self._world.leave_alone(agent)
        self._calls.end_all(agent)
        self._calls.end_leg(agent)
        self._world.log_out(agent, remote=True)

    def _custom_event(self, call: Call) -> Reply:
        told = {"eventName": call.required("eventName"), "data": call.text("data")}
        self._world.publish(self._agent(call), events.event("CustomEvent", **told))
        return Reply(OK)

    def _admin_contact(self, act: Callable[[Contact], object]) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            number = call.parts["contact"]
            contact = self._world.contacts.get(int(number)) if number.isdecimal() else None
            if contact is None:
                raise Answered(NOT_FOUND, "Invalid contact")
            return self._carry_out(lambda: act(contact), ACCEPTED)

        return handle

    def _cut(self, contact: Contact) -> None:
        if contact.over:
            raise Conflict("end")
        if contact.agent is None:
            self._calls.abandon(contact)
        else:
            self._calls.finish(contact, "Dropped")
