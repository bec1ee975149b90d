"""The telephony of the simulated contact centre: calls, the operations on them, and what each lets the agent hear.

Numbers that begin with 99, and the agent's own, cannot be dialled: the command is accepted and the failure comes on the
feed. Numbers that begin with 88 ring for ever. Everybody else answers soon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors._simulation.genesys_ids import call_uuid, connection_id, uuid
from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.messages import call_capabilities
from connectors.genesys_web_services._simulated.model import (
    Agent,
    Call,
    CallState,
    Recording,
    Style,
)
from connectors.genesys_web_services._simulated.world import (
    INVALID,
    MISSING,
    NOT_FOUND,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
Action = Callable[[], object]


class Telephony:
    """Makes calls live, by command or by chance."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _begin(self, agent: Agent, state: CallState, *, ani: str, dnis: str, kind: str) -> Call:
        rng = self._world.rng
        unique = uuid(rng) if agent.style is Style.RECENT else call_uuid(rng)
        connection = connection_id(rng)
        other = dnis if state is CallState.DIALING else ani
        call = Call(
            id=unique if agent.style is Style.RECENT else connection,
            uuid=unique,
            connection_id=connection,
            state=state,
            call_type=kind,
            ani=ani,
            dnis=dnis,
            participants=[other],
            started_at=self._world.now(),
            user_data={"IW_CaseUid": uuid(rng), "IW_BundleUid": uuid(rng)},
        )
        agent.calls[call.id] = call
        return call

    def tell(self, agent: Agent, call: Call, notification: str = "StatusChange") -> None:
        """Publish the call as it is."""
        world = self._world
        data = messages.call_message(agent, call, notification, world.base, world.now())
        world.publish(agent, messages.CALLS, data)

    def fail(self, agent: Agent, call: Call | None, error: str) -> None:
        """Publish that an accepted operation did not work out."""
        world = self._world
        data = messages.call_error(agent, call, error, world.base, world.now())
        world.publish(agent, messages.CALLS, data)

    def incoming(self, agent: Agent, *, ani: str | None = None, commanded: bool = False) -> Call:
        """A customer calls."""
        number = ani or f"+1650{self._world.rng.randrange(10**7):07d}"
        call = self._begin(
            agent, CallState.RINGING, ani=number, dnis=agent.phone_number, kind="Inbound"
        )
        call.commanded = commanded
        call.user_data |= {"CustomerSegment": "default", "ServiceType": "default", "Age": None}
        self.tell(agent, call)
        return call

    def dial(
        self,
        agent: Agent,
        number: str,
        *,
        user_data: Data | None = None,
        parent: Call | None = None,
        commanded: bool = True,
    ) -> Call | None:
        """The agent calls a number. A commanded call is answered by itself, any other when its life wants it."""
        if not self.reach(agent, parent, number):
            return None
        kind = "Consult" if parent else "Internal" if len(number) < 7 else "Outbound"  # noqa: PLR2004 - a short number is an extension
        call = self._begin(agent, CallState.DIALING, ani=agent.phone_number, dnis=number, kind=kind)
        call.parent, call.commanded = parent, commanded
        call.user_data |= user_data or {}
        self.tell(agent, call)
        if commanded and not number.startswith("88"):
            seconds = self._world.settings.dial_answer_seconds

            def answered() -> None:
                if call.state is CallState.DIALING:
                    self.set_state(agent, call, CallState.ESTABLISHED)

            self._world.agenda.after(seconds, answered)
        return call

    def set_state(self, agent: Agent, call: Call, state: CallState) -> None:
        """Change the call's state; a released call is forgotten."""
        call.state = state
        self.tell(agent, call)
        if state is CallState.RELEASED:
            agent.calls.pop(call.id, None)
            agent.wraps_up = not call.commanded and call.parent is None

    def record(self, agent: Agent, call: Call, state: Recording) -> None:
        """Change the call's recording."""
        call.recording = state
        marks = {Recording.RECORDING: "ON", Recording.PAUSED: "PAUSED", Recording.STOPPED: "OFF"}
        call.user_data["GSIP_RECORD"] = marks[state]
        self.tell(agent, call, "CallRecordingStateChange")

    def change_data(
        self, agent: Agent, call: Call, data: Data, removed: tuple[str, ...] = ()
    ) -> None:
        """Attach data, take some away."""
        call.user_data = {
            key: value for key, value in (call.user_data | data).items() if key not in removed
        }
        self.tell(agent, call, "AttachedDataChanged")

    def change_parties(self, agent: Agent, call: Call, participants: list[str]) -> None:
        """Let somebody join or leave."""
        call.participants = participants
        self.tell(agent, call, "ParticipantsUpdated")

    def mute(self, agent: Agent, call: Call, *, muted: bool) -> None:
        """Mute or unmute the agent."""
        call.muted = muted
        self.tell(agent, call)

    def send_dtmf(self, agent: Agent, call: Call) -> None:
        """Digits were sent; the message does not say which."""
        self.tell(agent, call, "DtmfSent")

    def operate_on_device(self, agent: Agent, body: Data) -> Outcome:
        """POST on the calls of a device: Dial."""
        if body.get("operationName") != "Dial":
            raise Refusal(INVALID, f"operationName {body.get('operationName')!r} is not known here")
        number, data = self._world.destination(body), body.get("userData")
        if not agent.logged_in:
            raise Refusal(INVALID, "the device is not active")
        user_data = data if isinstance(data, dict) else None
        return Outcome(then=lambda: self.dial(agent, number, user_data=user_data))

    def operate(self, agent: Agent, call_id: str, body: Data) -> Outcome:
        """POST on one call ("Call Control", "Call Recording API"). 0 means accepted, not done."""
        call = agent.calls.get(call_id)
        if call is None:
            raise Refusal(NOT_FOUND, f"call {call_id} was not found")
        name = body.get("operationName")
        if not isinstance(name, str) or name not in _OPERATIONS:
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        if name not in call_capabilities(agent, call):
            raise Refusal(INVALID, f"{name} is not possible while the call is {call.state}")
        action = _OPERATIONS[name](self, agent, call, body)

        def apply() -> None:
            if name in call_capabilities(agent, call):
                action()
            else:
                self.fail(agent, call, f"Requested operation {name} cannot be performed now")

        return Outcome(then=apply)

    def other_call(self, agent: Agent, call: Call, body: Data, key: str) -> Call:
        uri = body.get(key)
        if isinstance(uri, str):
            other = agent.calls.get(uri.rpartition("/")[2])
            if other is None or other is call:
                raise Refusal(NOT_FOUND, f"{key} names no other call")
            return other
        related = call.parent or call.consulted_by(agent.calls.values())
        if key != "consultCallUri" or related is None:
            raise Refusal(MISSING, f"{key} is missing")
        return related

    def destination(self, body: Data) -> str:
        return self._world.destination(body)

    def reach(self, agent: Agent, call: Call | None, number: str) -> bool:
        """Whether a number can be called; if not, that is told."""
        if number == agent.phone_number or number.startswith("99"):
            self.fail(agent, call, "Invalid Destination DN")
            return False
        return True

    def consult(self, agent: Agent, call: Call, number: str) -> None:
        self.set_state(agent, call, CallState.HELD)
        if self.dial(agent, number, parent=call, commanded=call.commanded) is None:
            self.set_state(agent, call, CallState.ESTABLISHED)

    def swap(self, agent: Agent, call: Call, other: Call) -> None:
        self.set_state(agent, call, CallState.HELD)
        self.set_state(agent, other, CallState.ESTABLISHED)

    def complete_transfer(self, agent: Agent, call: Call, other: Call) -> None:
        original, consult = (other, call) if call.parent is other else (call, other)
        self.set_state(agent, original, CallState.RELEASED)
        self.set_state(agent, consult, CallState.RELEASED)

    def join(self, agent: Agent, call: Call, other: Call) -> None:
        original, consult = (other, call) if call.parent is other else (call, other)
        self.set_state(agent, consult, CallState.RELEASED)
        if original.state is not CallState.ESTABLISHED:
            self.set_state(agent, original, CallState.ESTABLISHED)
        self.change_parties(agent, original, original.participants + consult.participants)


Operation = Callable[[Telephony, Agent, Call, Data], Action]


def _to(state: CallState) -> Operation:
    return lambda telephony, agent, call, _body: lambda: telephony.set_state(agent, call, state)


def _recording(state: Recording) -> Operation:
    return lambda telephony, agent, call, _body: lambda: telephony.record(agent, call, state)


def _mute(muted: bool) -> Operation:  # noqa: FBT001 - read where it is used: _mute(True)
    return lambda telephony, agent, call, _body: lambda: telephony.mute(agent, call, muted=muted)


def _consult(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    number = telephony.destination(body)
    return lambda: telephony.consult(agent, call, number)


def _single_step_transfer(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    number = telephony.destination(body)

    def apply() -> None:
        if telephony.reach(agent, call, number):
            telephony.set_state(agent, call, CallState.RELEASED)

    return apply


def _single_step_conference(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    number = telephony.destination(body)

    def apply() -> None:
        if telephony.reach(agent, call, number):
            telephony.change_parties(agent, call, [*call.participants, number])

    return apply


def _with_other(key: str, method: Callable[[Telephony, Agent, Call, Call], object]) -> Operation:
    def operation(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
        other = telephony.other_call(agent, call, body, key)
        return lambda: method(telephony, agent, call, other)

    return operation


def _send_dtmf(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    if not isinstance(body.get("digits"), str):
        raise Refusal(MISSING, "digits is missing")
    return lambda: telephony.send_dtmf(agent, call)


def _remove_party(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    party = body.get("participant")
    if party not in call.participants:
        raise Refusal(INVALID, "participant is not in the call")
    rest = [number for number in call.participants if number != party]
    return lambda: telephony.change_parties(agent, call, rest)


def _attach(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    data = body.get("userData")
    if not isinstance(data, dict):
        raise Refusal(MISSING, "userData is missing")
    return lambda: telephony.change_data(agent, call, data)


def _delete_all(telephony: Telephony, agent: Agent, call: Call, _body: Data) -> Action:
    return lambda: telephony.change_data(agent, call, {}, tuple(call.user_data))


def _delete_pair(telephony: Telephony, agent: Agent, call: Call, body: Data) -> Action:
    key = body.get("key")
    if not isinstance(key, str):
        raise Refusal(MISSING, "key is missing")
    return lambda: telephony.change_data(agent, call, {}, (key,))


_OPERATIONS: dict[str, Operation] = {
    "Answer": _to(CallState.ESTABLISHED),
    "Hangup": _to(CallState.RELEASED),
    "Hold": _to(CallState.HELD),
    "Retrieve": _to(CallState.ESTABLISHED),
    "StartCallRecording": _recording(Recording.RECORDING),
    "ResumeCallRecording": _recording(Recording.RECORDING),
    "PauseCallRecording": _recording(Recording.PAUSED),
    "StopCallRecording": _recording(Recording.STOPPED),
    "MuteCall": _mute(True),
    "UnmuteCall": _mute(False),
    "SendDtmf": _send_dtmf,
    "AttachUserData": _attach,
    "UpdateUserData": _attach,
    "DeleteUserData": _delete_all,
    "DeleteUserDataPair": _delete_pair,
    "SingleStepTransfer": _single_step_transfer,
    "SingleStepConference": _single_step_conference,
    "RemoveParticipantFromConference": _remove_party,
    "InitiateTransfer": _consult,
    "InitiateConference": _consult,
    "CompleteTransfer": _with_other("consultCallUri", Telephony.complete_transfer),
    "CompleteConference": _with_other("consultCallUri", Telephony.join),
    "SwapCalls": _with_other("otherCallUri", Telephony.swap),
    "MergeWithOtherCall": _with_other("otherCallUri", Telephony.join),
}
