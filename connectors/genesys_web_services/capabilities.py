"""What can be asked of the platform, and which event proves that it was done: the capability table.

Source: Genesys Web Services API reference, "Presence", "Call Control", "Call Recording API" (Agent
Operations), "Set Agent States Across all Channels".
"""

from __future__ import annotations

from gateway.commands import Argument, Capability, Verb

STATE_OPERATIONS = {
    "ready": "Ready",
    "not_ready": "NotReady",
    "after_contact": "AfterCallWork",
    "logged_off": "Offline",
}
CALL_OPERATIONS = {
    Verb.CALL_ANSWER: "Answer",
    Verb.CALL_HANG_UP: "Hangup",
    Verb.CALL_HOLD: "Hold",
    Verb.CALL_RETRIEVE: "Retrieve",
    Verb.RECORDING_START: "StartCallRecording",
    Verb.RECORDING_STOP: "StopCallRecording",
    Verb.RECORDING_PAUSE: "PauseCallRecording",
    Verb.RECORDING_RESUME: "ResumeCallRecording",
}

STATE_CHANGED = "tieline.agent.state.changed.v1"
STATE_RESTATED = "tieline.agent.state.snapshot.v1"
CHANNEL_CHANGED = "tieline.agent.channel.changed.v1"
SESSION_STARTED = "tieline.agent.session.started.v1"
SESSION_ENDED = "tieline.agent.session.ended.v1"
CALL_INITIATED = "tieline.call.initiated.v1"
CALL_FAILED = "tieline.call.failed.v1"
CALL_ENDED = "tieline.call.ended.v1"
RECORDING_FAILED = "tieline.recording.failed.v1"
PROOFS = {
    Verb.CALL_ANSWER: "tieline.call.connected.v1",
    Verb.CALL_HANG_UP: CALL_ENDED,
    Verb.CALL_HOLD: "tieline.call.held.v1",
    Verb.CALL_RETRIEVE: "tieline.call.retrieved.v1",
    Verb.RECORDING_START: "tieline.recording.started.v1",
    Verb.RECORDING_STOP: "tieline.recording.stopped.v1",
    Verb.RECORDING_PAUSE: "tieline.recording.paused.v1",
    Verb.RECORDING_RESUME: "tieline.recording.resumed.v1",
}

_AGENT = ("agent",)
_CALL = ("agent", "call")
_PLACE = Argument(
    name="place", kind="string", meaning="place whose devices are assigned; else the settings' one"
)
_CODE = Argument(name="login_code", kind="string", meaning="agent login to use")
_QUEUE = Argument(name="queue", kind="string", meaning="queue number to log in to")

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=_AGENT,
        arguments=(
            Argument(
                name="state", kind="string", required=True, choices=tuple(STATE_OPERATIONS),
                meaning="what the agent shall be",
            ),
            Argument(
                name="reason", kind="string",
                meaning="operation name of a state that is provisioned on the platform, e.g. Lunch",
            ),
            Argument(
                name="media", kind="string", meaning="voice, chat, email …; without it all media"
            ),
        ),
        confirmed_by=(STATE_CHANGED, STATE_RESTATED, CHANNEL_CHANGED),
        note="During a call the agent stays busy; the confirming event has the state as pending.",
    ),
    Capability(
        verb=Verb.AGENT_LOGIN,
        target=_AGENT,
        arguments=(
            Argument(
                name="channels", kind="array", meaning="media to log in to; else the settings' ones"
            ),
            _PLACE,
            _CODE,
            _QUEUE,
        ),
        confirmed_by=(SESSION_STARTED,),
        note="Assigns the place's devices. Some media may fail while others succeed: partial.",
    ),
    Capability(
        verb=Verb.AGENT_LOGOUT,
        target=_AGENT,
        confirmed_by=(SESSION_ENDED,),
        note="Unassigns the devices and ends the HTTP session, so the feed reconnects with a gap.",
    ),
    Capability(
        verb=Verb.CALL_DIAL,
        target=_AGENT,
        arguments=(
            Argument(
                name="destination", kind="string", required=True, meaning="number to dial"
            ),
            Argument(
                name="device", kind="string", meaning="device id; else the agent's first phone"
            ),
        ),
        confirmed_by=(CALL_INITIATED,),
    ),
    *(
        Capability(verb=verb, target=_CALL, confirmed_by=(PROOFS[verb],))
        for verb in CALL_OPERATIONS
    ),
)  # fmt: skip
