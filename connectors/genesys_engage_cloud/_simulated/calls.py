"""The telephony of the simulated contact centre: calls, the operations on them, and what each lets the agent hear.

Numbers that begin with 99, and the agent's own, cannot be dialled: the command is accepted and the failure comes on the
feed as EventError 415. Numbers that begin with 88 ring for ever. Everybody else answers soon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors._simulation.genesys_ids import call_uuid, connection_id, uuid
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.messages import call_capabilities
from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    Call,
    CallState,
    Pairs,
    Recording,
    Style,
)
from connectors.genesys_engage_cloud._simulated.pairs import key_values, pairs_of
from connectors.genesys_engage_cloud._simulated.world import (
    FAILED,
    NOT_IMPLEMENTED,
    Outcome,
    Refusal,
    World,
    text,
)

Data = dict[str, Any]
INVALID_DESTINATION = 415
INVALID_STATE = 51
SHORT_NUMBER = 7
"""A number with fewer digits is an extension."""


class Telephony:
    """Makes calls live, by command or by chance."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _begin(self, agent: Agent, state: CallState, other: str, kind: str, role: str) -> Call:
        world, rng = self._world, self._world.rng
        outgoing = state is CallState.DIALING
        call = Call(
            id=connection_id(rng),
            uuid=call_uuid(rng),
            state=state,
            call_type=kind,
            ani=agent.number if outgoing else other,
            dnis=other if outgoing else agent.number,
            parties=[(other, role)],
            started_at=world.now(),
            user_data={"IW_CaseUid": uuid(rng)},
        )
        agent.calls[call.id] = call
        return call

    def tell(self, agent: Agent, call: Call, notification: str | None = None) -> None:
        """Publish the call as it is; without a notification its state changed."""
        world = self._world
        data = messages.call_message(agent, call, notification, world.now())
        world.publish(agent, messages.VOICE, data)

    def fail(self, agent: Agent, call: Call | None, code: int, error: str) -> None:
        """Publish that an accepted operation did not work out."""
        data = messages.error_message(agent, call, code, error)
        self._world.publish(agent, messages.VOICE, data)

    def incoming(self, agent: Agent, *, ani: str | None = None, commanded: bool = False) -> Call:
        """A customer calls."""
        number = ani or f"+1650{self._world.rng.randrange(10**7):07d}"
        call = self._begin(agent, CallState.RINGING, number, "Inbound", "RoleOrigination")
        call.commanded = commanded
        call.user_data |= {
            "CustomerSegment": "default",
            "Age": self._world.rng.randrange(18, 90),
            "Journey": {"Node": "main-menu", "Choice": "2"},
        }
        self.tell(agent, call)
        return call

    def consulted(self, agent: Agent, *, commanded: bool = False) -> Call:
        """A colleague calls about a call of theirs."""
        number = str(60_000 + self._world.rng.randrange(999))
        call = self._begin(agent, CallState.RINGING, number, "Consult", "RoleOrigination")
        call.commanded = commanded
        self.tell(agent, call)
        return call

    def inherit(self, agent: Agent, call: Call) -> None:
        """The colleague completes the transfer: the call goes on with the customer, and under the customer's id."""
        world = self._world
        del agent.calls[call.id]
        call.previous_id, call.id = call.id, connection_id(world.rng)
        agent.calls[call.id] = call
        call.call_type = "Inbound"
        customer = f"+1650{world.rng.randrange(10**7):07d}"
        self.change_parties(agent, call, [(customer, "RoleOrigination")])
        call.previous_id = None

    def recover(self, agent: Agent) -> None:
        """The voice service is back: every call is told again."""
        for call in list(agent.calls.values()):
            self.tell(agent, call, "CallRecovered")

    def dial(
        self,
        agent: Agent,
        number: str,
        *,
        user_data: Pairs | None = None,
        parent: Call | None = None,
        commanded: bool = True,
    ) -> Call | None:
        """The agent calls a number. A commanded call is answered by itself, any other when its life wants it."""
        if number == agent.number or number.startswith("99"):
            self.fail(agent, parent, INVALID_DESTINATION, "Invalid Destination DN")
            return None
        kind = "Consult" if parent else "Internal" if len(number) < SHORT_NUMBER else "Outbound"
        call = self._begin(agent, CallState.DIALING, number, kind, "RoleDestination")
        call.parent, call.commanded = parent, commanded
        call.user_data |= user_data or {}
        self.tell(agent, call)
        if commanded and not number.startswith("88"):

            def answered() -> None:
                if call.state is CallState.DIALING:
                    self.set_state(agent, call, CallState.ESTABLISHED)

            self._world.agenda.after(self._world.settings.dial_answer_seconds, answered)
        return call

    def set_state(self, agent: Agent, call: Call, state: CallState) -> None:
        """Change the call's state; a released call is complete unless the settings want that said."""
        call.state = state
        self.tell(agent, call)
        if state is CallState.RELEASED:
            agent.wraps_up = not call.commanded and call.parent is None
            if not self._world.settings.auto_complete_calls:
                return
            if agent.style is Style.VENDOR_SIMULATOR:
                self.set_state(agent, call, CallState.COMPLETED)
        if state in {CallState.RELEASED, CallState.COMPLETED}:
            agent.calls.pop(call.id, None)

    def record(self, agent: Agent, call: Call, state: Recording) -> None:
        """Change the call's recording."""
        call.recording = state
        self.tell(agent, call, "CallRecordingStateChange")

    def change_data(
        self, agent: Agent, call: Call, data: Pairs, removed: tuple[str, ...] = ()
    ) -> None:
        """Attach data, take some away."""
        merged = (call.user_data | data).items()
        call.user_data = {key: value for key, value in merged if key not in removed}
        self.tell(agent, call, "AttachedDataChanged")

    def change_parties(self, agent: Agent, call: Call, parties: list[tuple[str, str]]) -> None:
        """Let somebody join or leave."""
        call.parties = parties
        self.tell(agent, call, "ParticipantsUpdated")

    def make_call(self, agent: Agent, data: Data) -> Outcome:
        """POST /voice/make-call."""
        number, user_data = text(data, "destination"), _user_data(data)
        if not agent.logged_in:
            raise Refusal(FAILED, "the voice channel is not activated")
        return Outcome(then=lambda: self.dial(agent, number, user_data=user_data))

    def send_user_event(self, agent: Agent, data: Data) -> Outcome:
        """POST /voice/send-user-event."""
        event: Data = {
            "messageType": "EventUserEvent",
            "userData": key_values(_user_data(data)),
            **{key: data[key] for key in ("callUuid", "connId") if key in data},
        }
        return Outcome(then=lambda: self._world.publish(agent, messages.VOICE, event))

    def monitor(self, agent: Agent, name: str, data: Data) -> Outcome:
        """POST /voice/start-monitoring, /voice/stop-monitoring."""
        if name == "stop-monitoring":
            number = text(data, "phoneNumber")
            if number not in agent.monitors:
                raise Refusal(FAILED, f"{number} is not monitored")
            return Outcome(then=lambda: self._stop_monitoring(agent, number))
        number = text(data, "phoneNumberToMonitor")
        target = next((one for one in self._world.agents.values() if one.number == number), None)
        if target is None or target is agent:
            raise Refusal(FAILED, f"{number} cannot be monitored")
        request = dict(data)

        def start() -> None:
            agent.monitors[number] = request
            message = messages.monitoring_message(request, started=True)
            self._world.publish(agent, messages.VOICE, message)
            if target.calls:
                call = self._begin(agent, CallState.RINGING, number, "Internal", "RoleObserver")
                call.commanded, call.monitoring = True, "ListenIn"
                self.tell(agent, call)

        return Outcome(then=start)

    def _stop_monitoring(self, agent: Agent, number: str) -> None:
        request = agent.monitors.pop(number, {})
        message = messages.monitoring_message(request, started=False)
        self._world.publish(agent, messages.VOICE, message)

    def operate(self, agent: Agent, call_id: str, name: str, data: Data) -> Outcome:
        """POST /voice/calls/{id}/{name}. Accepted is not done: what the switch refuses comes as EventError."""
        call = agent.calls.get(call_id)
        if call is None:
            raise Refusal(FAILED, f"call {call_id} does not exist for {agent.username}")
        if name not in _OPERATIONS:
            raise Refusal(NOT_IMPLEMENTED, f"{name} is not implemented")
        action = _OPERATIONS[name](self, agent, call, data)

        def apply() -> None:
            if name in call_capabilities(agent, call):
                action()
            else:
                error = f"Unsupported operation {name} while the call is {call.state}"
                self.fail(agent, call, INVALID_STATE, error)

        return Outcome(then=apply)

    def consult(self, agent: Agent, call: Call, number: str, user_data: Pairs) -> None:
        self.set_state(agent, call, CallState.HELD)
        commanded = call.commanded or agent.left_alone_until > 0
        made = self.dial(agent, number, user_data=user_data, parent=call, commanded=commanded)
        if made is None:
            self.set_state(agent, call, CallState.ESTABLISHED)

    def _end_consultation(self, agent: Agent, consult: Call) -> None:
        ended = CallState.COMPLETED if agent.style is Style.VENDOR_SIMULATOR else CallState.RELEASED
        self.set_state(agent, consult, ended)

    def complete_transfer(self, agent: Agent, consult: Call, original: Call) -> None:
        self._end_consultation(agent, consult)
        self.set_state(agent, original, CallState.RELEASED)

    def join(self, agent: Agent, consult: Call, original: Call) -> None:
        self._end_consultation(agent, consult)
        if original.state is not CallState.ESTABLISHED:
            self.set_state(agent, original, CallState.ESTABLISHED)
        new = [(number, "RoleNewParty") for number, _ in consult.parties]
        self.change_parties(agent, original, original.parties + new)

    def alternate(self, agent: Agent, call: Call, held: Call) -> None:
        self.set_state(agent, call, CallState.HELD)
        self.set_state(agent, held, CallState.ESTABLISHED)

    def reconnect(self, agent: Agent, call: Call, held: Call) -> None:
        self.set_state(agent, call, CallState.RELEASED)
        self.set_state(agent, held, CallState.ESTABLISHED)


Action = Callable[[], object]
Operation = Callable[[Telephony, Agent, Call, Data], Action]


def _user_data(data: Data) -> Pairs:
    try:
        return pairs_of(data.get("userData", []))
    except ValueError as error:
        raise Refusal(FAILED, str(error)) from None


def _to(state: CallState) -> Operation:
    return lambda telephony, agent, call, _data: lambda: telephony.set_state(agent, call, state)


def _recording(state: Recording) -> Operation:
    return lambda telephony, agent, call, _data: lambda: telephony.record(agent, call, state)


def _consult(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    number, user_data = text(data, "destination"), _user_data(data)
    return lambda: telephony.consult(agent, call, number, user_data)


def _hand_over(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    number = text(data, "destination")

    def act() -> None:
        if number == agent.number or number.startswith("99"):
            telephony.fail(agent, call, INVALID_DESTINATION, "Invalid Destination DN")
        else:
            telephony.set_state(agent, call, CallState.RELEASED)

    return act


def _single_step_conference(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    number = text(data, "destination")
    return lambda: telephony.change_parties(agent, call, [*call.parties, (number, "RoleNewParty")])


def _with_other(key: str, method: Callable[[Telephony, Agent, Call, Call], object]) -> Operation:
    def operation(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
        other = agent.calls.get(text(data, key))
        if other is None or other is call:
            raise Refusal(FAILED, f"{key} names no other call")
        if key == "parentConnId" and call.parent is not other:
            raise Refusal(FAILED, f"call {call.id} was not made from {other.id}")
        return lambda: method(telephony, agent, call, other)

    return operation


def _merge(telephony: Telephony, agent: Agent, call: Call, other: Call) -> None:
    telephony.join(agent, other, call)


def _remove_party(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    number = text(data, "dnToDrop")
    rest = [party for party in call.parties if party[0] != number]
    if len(rest) == len(call.parties):
        raise Refusal(FAILED, f"{number} is not in the call")
    return lambda: telephony.change_parties(agent, call, rest)


def _attach(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    user_data = _user_data(data)
    return lambda: telephony.change_data(agent, call, user_data)


def _delete_pair(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    key = text(data, "key")
    return lambda: telephony.change_data(agent, call, {}, (key,))


def _send_dtmf(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    text(data, "dtmfDigits")
    return lambda: telephony.tell(agent, call)


def _complete(telephony: Telephony, agent: Agent, call: Call, data: Data) -> Action:
    user_data = _user_data(data)

    def act() -> None:
        call.user_data |= user_data
        telephony.set_state(agent, call, CallState.COMPLETED)

    return act


def _switch(mode: str) -> Operation:
    def operation(telephony: Telephony, agent: Agent, call: Call, _data: Data) -> Action:
        def act() -> None:
            call.monitoring = mode
            telephony.change_parties(agent, call, call.parties)

        return act

    return operation


_OPERATIONS: dict[str, Operation] = {
    "answer": _to(CallState.ESTABLISHED),
    "release": _to(CallState.RELEASED),
    "clear": _to(CallState.RELEASED),
    "hold": _to(CallState.HELD),
    "retrieve": _to(CallState.ESTABLISHED),
    "redirect": _hand_over,
    "single-step-transfer": _hand_over,
    "single-step-conference": _single_step_conference,
    "initiate-transfer": _consult,
    "initiate-conference": _consult,
    "complete-transfer": _with_other("parentConnId", Telephony.complete_transfer),
    "complete-conference": _with_other("parentConnId", Telephony.join),
    "alternate": _with_other("heldConnId", Telephony.alternate),
    "reconnect": _with_other("heldConnId", Telephony.reconnect),
    "merge": _with_other("otherConnId", _merge),
    "delete-from-conference": _remove_party,
    "attach-user-data": _attach,
    "update-user-data": _attach,
    "delete-user-data-pair": _delete_pair,
    "send-dtmf": _send_dtmf,
    "start-recording": _recording(Recording.RECORDING),
    "pause-recording": _recording(Recording.PAUSED),
    "resume-recording": _recording(Recording.RECORDING),
    "stop-recording": _recording(Recording.STOPPED),
    "complete": _complete,
    "switch-to-listen-in": _switch("ListenIn"),
    "switch-to-coaching": _switch("Coaching"),
    "switch-to-barge-in": _switch("BargeIn"),
}
CALL_OPERATIONS = frozenset(_OPERATIONS)
