"""The capability table: what can be asked of the platform, and which event proves it."""

from __future__ import annotations

from gateway.commands import Argument, Capability, Verb

STATE_CHANGED = "tieline.agent.state.changed.v1"
SESSION_STARTED = "tieline.agent.session.started.v1"
SESSION_ENDED = "tieline.agent.session.ended.v1"
LEG_CHANGED = "tieline.agent.leg.changed.v1"
CALL_FAILED = "tieline.call.failed.v1"
CALL_ENDED = "tieline.call.ended.v1"
CALL_INITIATED = "tieline.call.initiated.v1"
DTMF_SENT = "tieline.call.dtmf.sent.v1"
MUTE_CHANGED = "tieline.call.mute.changed.v1"
RECORDING_FAILED = "tieline.recording.failed.v1"

STATES = {"ready": "Available", "not_ready": "Unavailable"}
"""Canonical states that can be asked for, and the platform's words."""
CONSULT = "consult"

_A = Argument
_DESTINATION = (
    _A(name="destination", kind="string", meaning="number to dial"),
    _A(name="agent", kind="string", meaning="id of an agent to call instead"),
    _A(
        name="skill", kind="string", meaning="id of the skill: dialled by itself, or for the number"
    ),
)
_MODE = _A(name="mode", kind="string", choices=(CONSULT,), meaning="always consult")
_DISPOSITION = (
    _A(name="disposition", kind="string", required=True, meaning="id of the primary disposition"),
    _A(name="secondary_disposition", kind="string", meaning="id of the secondary disposition"),
    _A(name="note", kind="string", meaning="notes of the primary disposition"),
    _A(name="commitment_amount", kind="number", meaning="amount the customer commits to"),
    _A(name="callback_time", kind="string", meaning="time of a callback, ISO 8601"),
    _A(name="callback_number", kind="string", meaning="number of a callback"),
)
_DATA = (
    _A(name="data", kind="object", required=True, meaning="at most 20 names to values"),
    _A(name="indicator", kind="string", meaning="indicator that the data belongs to"),
)
_NO_STOP = "on request; the platform offers no way to stop it"


def _call(
    verb: Verb, *proofs: str, note: str = "", arguments: tuple[Argument, ...] = ()
) -> Capability:
    return Capability(
        verb=verb,
        target=("agent", "call"),
        arguments=arguments,
        confirmed_by=tuple(f"tieline.{proof}.v1" for proof in proofs),
        note=note,
    )


def _agent(
    verb: Verb, *proofs: str, note: str = "", arguments: tuple[Argument, ...] = ()
) -> Capability:
    return Capability(
        verb=verb,
        target=("agent",),
        arguments=arguments,
        confirmed_by=tuple(f"tieline.{proof}.v1" for proof in proofs),
        note=note,
    )


def _interaction(
    verb: Verb, *proofs: str, note: str = "", arguments: tuple[Argument, ...] = ()
) -> Capability:
    return Capability(
        verb=verb,
        target=("agent", "interaction"),
        arguments=arguments,
        confirmed_by=tuple(f"tieline.{proof}.v1" for proof in proofs),
        note=note,
    )


CAPABILITIES = (
    _agent(
        Verb.AGENT_LOGIN,
        "agent.session.started",
        arguments=(
            _A(name="station", kind="string", meaning="id of the station, else the configured one"),
            _A(name="phone_number", kind="string", meaning="phone instead of a station"),
        ),
        note="takes over the station or phone",
    ),
    _agent(
        Verb.AGENT_LOGOUT,
        "agent.session.ended",
        "agent.state.changed",
        arguments=(
            _A(name="end_contacts", kind="boolean", meaning="also end open contacts"),
            _A(name="force", kind="boolean", meaning="force the log-off"),
            _A(name="ignore_personal_queue", kind="boolean", meaning="leave waiting calls behind"),
        ),
        note="ends the session for all programs that follow it; the leg ends with it",
    ),
    _agent(
        Verb.AGENT_SET_STATE,
        "agent.state.changed",
        arguments=(
            _A(name="state", kind="string", required=True, choices=tuple(STATES), meaning="state"),
            _A(
                name="reason",
                kind="string",
                meaning="name of an unavailable code; its id for an agent without a feed",
            ),
        ),
        note="during a contact it sets the state that follows",
    ),
    _agent(
        Verb.AGENT_SEND_USER_EVENT,
        arguments=(
            _A(name="name", kind="string", required=True, meaning="name of the event"),
            _A(name="data", kind="object", required=True, meaning="what the event shall hold"),
            _A(name="persist", kind="boolean", meaning="keep it for programs that join later"),
        ),
        note="for the programs that follow the agent's session, as their CustomEvent",
    ),
    _agent(Verb.AGENT_CONNECT_LEG, "agent.leg.changed", note="dials the agent's phone"),
    _agent(
        Verb.AGENT_DISCONNECT_LEG,
        "agent.leg.changed",
        note="hangs up the agent's phone, and with it the calls on it",
    ),
    _agent(Verb.CALL_MUTE, "call.mute.changed", "agent.leg.changed", note="the agent's leg"),
    _agent(Verb.CALL_UNMUTE, "call.mute.changed", "agent.leg.changed", note="the agent's leg"),
    _agent(
        Verb.CALL_DIAL,
        "call.initiated",
        arguments=_DESTINATION,
        note="another agent is called with exactly one call on hold",
    ),
    _call(
        Verb.CALL_ANSWER,
        "call.connected",
        note="consultations, and calls to be accepted by request; others are answered at the phone",
    ),
    _call(Verb.CALL_HANG_UP, "call.ended", note="not while on hold: retrieve it first"),
    _call(Verb.CALL_HOLD, "call.held"),
    _call(Verb.CALL_RETRIEVE, "call.retrieved"),
    _call(
        Verb.CALL_TRANSFER,
        "call.initiated",
        arguments=(*_DESTINATION, _MODE),
        note="makes the second call; the first is on hold",
    ),
    _agent(Verb.CALL_COMPLETE_TRANSFER, "call.transferred", note="with exactly two calls"),
    _call(
        Verb.CALL_CONFERENCE,
        "call.initiated",
        arguments=(*_DESTINATION, _MODE),
        note="makes the second call; the first is on hold",
    ),
    _agent(Verb.CALL_COMPLETE_CONFERENCE, "call.conferenced", note="with exactly two calls"),
    _agent(
        Verb.CALL_SEND_DTMF,
        "call.dtmf.sent",
        arguments=(
            _A(name="digits", kind="string", required=True, meaning="0 to 9, *, #, A to D"),
            _A(name="tone_milliseconds", kind="integer", meaning="61 to 15000; 100 without it"),
            _A(name="spacing_milliseconds", kind="integer", meaning="61 to 15000; 100 without it"),
        ),
        note="the platform tells nothing of tones: that it took them is the proof, marked as inferred",
    ),
    _call(Verb.CALL_SET_DISPOSITION, arguments=_DISPOSITION, note="once the call has ended"),
    _call(Verb.CALL_ATTACH_DATA, "call.data.changed", arguments=_DATA),
    _call(Verb.RECORDING_START, "recording.started", note=_NO_STOP),
    _call(Verb.RECORDING_PAUSE, "recording.paused", note="masks, whether or not it is recorded"),
    _call(Verb.RECORDING_RESUME, "recording.resumed", note="unmasks"),
    _agent(
        Verb.SUPERVISION_LISTEN,
        "supervision.started",
        arguments=(_A(name="agent", kind="string", required=True, meaning="id of the agent"),),
        note="the target is the supervisor",
    ),
    _agent(Verb.SUPERVISION_COACH, "supervision.changed", note="while listening"),
    _agent(Verb.SUPERVISION_BARGE, "supervision.changed", note="while listening"),
    _agent(Verb.SUPERVISION_STOP, "supervision.stopped", note="hangs up the supervisor's phone"),
    _interaction(Verb.INTERACTION_ACCEPT, "interaction.accepted"),
    _interaction(Verb.INTERACTION_REJECT, "interaction.rejected", "interaction.revoked"),
    _interaction(Verb.INTERACTION_COMPLETE, "interaction.completed"),
    _interaction(
        Verb.INTERACTION_TRANSFER,
        "interaction.transferred",
        "interaction.completed",
        arguments=(
            _A(name="agent", kind="string", meaning="id of the agent"),
            _A(name="skill", kind="string", meaning="id of the skill, instead of an agent"),
        ),
        note="chats, e-mails and voice mails",
    ),
    _interaction(
        Verb.INTERACTION_SEND_MESSAGE,
        "interaction.message.added",
        arguments=(_A(name="text", kind="string", required=True, meaning="what to say"),),
        note="chats",
    ),
    _interaction(
        Verb.INTERACTION_SET_DISPOSITION, arguments=_DISPOSITION, note="once it has ended"
    ),
)
