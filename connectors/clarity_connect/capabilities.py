"""The capability table: what can be asked of the platform, and what proves it."""

from __future__ import annotations

from connectors.clarity_connect.vendor import STATUS_IDS
from gateway.commands import Argument, Capability, Verb

STATE_CHANGED = "tieline.agent.state.changed.v1"
STATE_RESTATED = "tieline.agent.state.snapshot.v1"
SESSION_ENDED = "tieline.agent.session.ended.v1"
RECORDING_STARTED = "tieline.recording.started.v1"
RECORDING_STOPPED = "tieline.recording.stopped.v1"

STATES = {
    "ready": "available",
    "not_ready": "unavailable",
    "logged_off": "loggedOut",
}
"""Canonical states that can be asked for, and the status that stands for each."""

_DISPOSITION = (
    Argument(name="disposition", kind="integer", required=True, meaning="id of the disposition"),
    Argument(name="sub_disposition", kind="integer", meaning="id of the sub-disposition"),
)
_NOTE = (Argument(name="note", kind="string", required=True, meaning="replaces the note"),)
_DATA = (Argument(name="data", kind="object", required=True, meaning="extra items, name to value"),)
_READ_BACK = "the session is read afterwards, and what it shows is the proof"

CAPABILITIES = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=("agent",),
        arguments=(
            Argument(name="state", kind="string", choices=tuple(STATES), meaning="canonical state"),
            Argument(
                name="status",
                kind="string",
                choices=tuple(STATUS_IDS),
                meaning="the platform's status, instead of state",
            ),
            Argument(name="reason", kind="string", meaning="away reason, by name or id"),
        ),
        confirmed_by=(STATE_CHANGED, STATE_RESTATED),
        note="statuses that calls bring about are taken and have no effect",
    ),
    Capability(
        verb=Verb.AGENT_SET_SUSPENDED,
        target=("agent",),
        arguments=(
            Argument(name="suspended", kind="boolean", required=True, meaning="gets no sessions"),
        ),
        confirmed_by=(STATE_CHANGED, STATE_RESTATED),
    ),
    Capability(
        verb=Verb.AGENT_LOGOUT,
        target=("agent",),
        arguments=(
            Argument(name="sip", kind="string", meaning="SIP address, else it is searched"),
            Argument(name="gruu", kind="string", meaning="GRUU of the endpoint"),
        ),
        confirmed_by=(SESSION_ENDED,),
        note="ends the agent's sessions",
    ),
    Capability(
        verb=Verb.RECORDING_START,
        target=("agent",),
        confirmed_by=(RECORDING_STARTED,),
        note="all sessions of the agent; each has its own result",
    ),
    Capability(
        verb=Verb.RECORDING_STOP,
        target=("agent",),
        confirmed_by=(RECORDING_STOPPED,),
        note="all sessions of the agent; each has its own result",
    ),
    Capability(
        verb=Verb.CALL_SET_DISPOSITION, target=("call",), arguments=_DISPOSITION, note=_READ_BACK
    ),
    Capability(verb=Verb.CALL_ADD_NOTE, target=("call",), arguments=_NOTE, note=_READ_BACK),
    Capability(verb=Verb.CALL_ATTACH_DATA, target=("call",), arguments=_DATA, note=_READ_BACK),
    Capability(
        verb=Verb.INTERACTION_SET_DISPOSITION,
        target=("interaction",),
        arguments=_DISPOSITION,
        note=_READ_BACK,
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_NOTE, target=("interaction",), arguments=_NOTE, note=_READ_BACK
    ),
    Capability(
        verb=Verb.INTERACTION_ATTACH_DATA, target=("interaction",), arguments=_DATA, note=_READ_BACK
    ),
)
