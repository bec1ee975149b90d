"""What can be asked of a call and its recording."""

from __future__ import annotations

from connectors.genesys_web_services.capabilities import proofs
from gateway.commands import Argument, Capability, Verb

PLAIN_OPERATIONS = {
    Verb.CALL_ANSWER: "Answer",
    Verb.CALL_HANG_UP: "Hangup",
    Verb.CALL_HOLD: "Hold",
    Verb.CALL_RETRIEVE: "Retrieve",
    Verb.RECORDING_START: "StartCallRecording",
    Verb.RECORDING_STOP: "StopCallRecording",
    Verb.RECORDING_PAUSE: "PauseCallRecording",
    Verb.RECORDING_RESUME: "ResumeCallRecording",
}
"""Operations that need nothing beyond the call."""
PROOFS = {
    Verb.CALL_ANSWER: proofs.CALL_CONNECTED,
    Verb.CALL_HANG_UP: proofs.CALL_ENDED,
    Verb.CALL_HOLD: proofs.CALL_HELD,
    Verb.CALL_RETRIEVE: proofs.CALL_RETRIEVED,
    Verb.RECORDING_START: proofs.RECORDING_STARTED,
    Verb.RECORDING_STOP: proofs.RECORDING_STOPPED,
    Verb.RECORDING_PAUSE: proofs.RECORDING_PAUSED,
    Verb.RECORDING_RESUME: proofs.RECORDING_RESUMED,
}
BLIND, CONSULT = "blind", "consult"
ADD, REPLACE = "add", "replace"

_CALL = ("agent", "call")
_DESTINATION = Argument(
    name="destination", kind="string", required=True, meaning="number of the other party"
)
_MODE = Argument(
    name="mode", kind="string", choices=(BLIND, CONSULT),
    meaning="at once (blind, without it) or after talking to the other party (consult)",
)  # fmt: skip
_CONSULT_CALL = Argument(
    name="consult_call", kind="string",
    meaning="id of the consultation; else the one that was made from the call",
)  # fmt: skip
_OTHER_CALL = Argument(
    name="other_call", kind="string", required=True, meaning="id of the agent's other call"
)
DATA = Argument(name="data", kind="object", required=True, meaning="what to attach, by key")
DATA_MODE = Argument(
    name="mode", kind="string", choices=(ADD, REPLACE),
    meaning="add (without it), or replace the values of keys that are there",
)  # fmt: skip
ALL = Argument(name="all", kind="boolean", meaning="take all of it away instead")

CALLS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.CALL_DIAL,
        target=("agent",),
        arguments=(
            Argument(name="destination", kind="string", required=True, meaning="number to dial"),
            Argument(
                name="device", kind="string", meaning="device id; else the agent's first phone"
            ),
            Argument(name="data", kind="object", meaning="data to attach to the call"),
        ),
        confirmed_by=(proofs.CALL_INITIATED,),
    ),
    *(
        Capability(verb=verb, target=_CALL, confirmed_by=(PROOFS[verb],))
        for verb in PLAIN_OPERATIONS
    ),
    Capability(
        verb=Verb.CALL_TRANSFER,
        target=_CALL,
        arguments=(_DESTINATION, _MODE),
        confirmed_by=(proofs.CALL_TRANSFERRED, proofs.CALL_INITIATED),
        note="Consult: the call is held, call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_TRANSFER,
        target=_CALL,
        arguments=(_CONSULT_CALL,),
        confirmed_by=(proofs.CALL_TRANSFERRED,),
        note="The target is the call that is passed on, not the consultation.",
    ),
    Capability(
        verb=Verb.CALL_CONFERENCE,
        target=_CALL,
        arguments=(_DESTINATION, _MODE),
        confirmed_by=(proofs.CALL_CONFERENCED, proofs.CALL_INITIATED),
        note="Consult: the call is held, call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_CONFERENCE,
        target=_CALL,
        arguments=(_CONSULT_CALL,),
        confirmed_by=(proofs.CALL_CONFERENCED,),
    ),
    Capability(
        verb=Verb.CALL_REMOVE_PARTY,
        target=_CALL,
        arguments=(
            Argument(
                name="party", kind="string", required=True, meaning="number of who shall leave"
            ),
        ),
        confirmed_by=(proofs.CALL_PARTY_LEFT,),
    ),
    Capability(
        verb=Verb.CALL_SWAP,
        target=_CALL,
        arguments=(_OTHER_CALL,),
        confirmed_by=(proofs.CALL_RETRIEVED,),
        note="The call is held, the other one retrieved.",
    ),
    Capability(
        verb=Verb.CALL_MERGE,
        target=_CALL,
        arguments=(_OTHER_CALL,),
        confirmed_by=(proofs.CALL_CONFERENCED,),
    ),
    Capability(
        verb=Verb.CALL_SEND_DTMF,
        target=_CALL,
        arguments=(
            Argument(name="digits", kind="string", required=True, meaning="0 to 9, *, #, A to D"),
        ),
        confirmed_by=(proofs.CALL_DTMF,),
    ),
    Capability(verb=Verb.CALL_MUTE, target=_CALL, confirmed_by=(proofs.CALL_MUTE,)),
    Capability(verb=Verb.CALL_UNMUTE, target=_CALL, confirmed_by=(proofs.CALL_MUTE,)),
    Capability(
        verb=Verb.CALL_ATTACH_DATA,
        target=_CALL,
        arguments=(DATA, DATA_MODE),
        confirmed_by=(proofs.CALL_DATA, proofs.CALL_CHANGED),
        note="Confirmed by call.changed if the call has this data already.",
    ),
    Capability(
        verb=Verb.CALL_DELETE_DATA,
        target=_CALL,
        arguments=(Argument(name="key", kind="string", meaning="key to take away"), ALL),
        confirmed_by=(proofs.CALL_DATA, proofs.CALL_CHANGED),
        note="Confirmed by call.changed if there is no such data.",
    ),
)
