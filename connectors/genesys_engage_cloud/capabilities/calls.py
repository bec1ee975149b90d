"""What can be asked of a call and its recording."""

from __future__ import annotations

from connectors._wire.table import array, boolean, mapping, proof, proofs, string
from gateway.commands import Capability, Verb

BLIND, CONSULT = "blind", "consult"
ADD, REPLACE = "add", "replace"
TARGET = ("agent", "call")
LOCATION = string("location", "name of the switch or region that the number belongs to")
DATA = mapping("data", "what to attach, by key", required=True)
DATA_MODE = string("mode", "add (without it), or replace the values of keys", ADD, REPLACE)
KEYS = array("keys", "keys to take away")
_DESTINATION = string("destination", "number of the other party", required=True)
_MODE = string("mode", "at once (blind, without it) or after talking (consult)", BLIND, CONSULT)
_CONSULT_CALL = string("consult_call", "id of the consultation; else the one made from the call")
_OTHER_CALL = string("other_call", "id of the agent's other call", required=True)
_OPTIONAL_DATA = mapping("data", "data to attach to the new call")

PLAIN_CALL_OPERATIONS = {
    Verb.CALL_ANSWER: ("answer", proof("call.connected")),
    Verb.CALL_HOLD: ("hold", proof("call.held")),
    Verb.RECORDING_START: ("start-recording", proof("recording.started")),
    Verb.RECORDING_STOP: ("stop-recording", proof("recording.stopped")),
    Verb.RECORDING_PAUSE: ("pause-recording", proof("recording.paused")),
    Verb.RECORDING_RESUME: ("resume-recording", proof("recording.resumed")),
}
"""Operations that need nothing beyond the call."""

CALLS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.CALL_DIAL,
        target=("agent",),
        arguments=(
            string("destination", "number to dial", required=True),
            LOCATION,
            _OPTIONAL_DATA,
            string("caller_id", "number to show to the other party"),
        ),
        confirmed_by=proofs("call.initiated"),
    ),
    *(
        Capability(verb=verb, target=TARGET, confirmed_by=(proven_by,))
        for verb, (_, proven_by) in PLAIN_CALL_OPERATIONS.items()
    ),
    Capability(
        verb=Verb.CALL_HANG_UP,
        target=TARGET,
        arguments=(boolean("everyone", "end the call for all of its parties"),),
        confirmed_by=proofs("call.ended"),
    ),
    Capability(
        verb=Verb.CALL_COMPLETE,
        target=TARGET,
        arguments=(mapping("data", "data to attach at the end"),),
        confirmed_by=proofs("call.changed", "call.ended"),
        note="Only where the platform does not complete released calls by itself.",
    ),
    Capability(
        verb=Verb.CALL_RETRIEVE,
        target=TARGET,
        arguments=(string("release_call", "id of the agent's active call, to be released for it"),),
        confirmed_by=proofs("call.retrieved"),
    ),
    Capability(
        verb=Verb.CALL_TRANSFER,
        target=TARGET,
        arguments=(_DESTINATION, _MODE, LOCATION, _OPTIONAL_DATA),
        confirmed_by=proofs("call.transferred", "call.ended", "call.initiated"),
        note="Blind, a ringing call is redirected. Consult: call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_TRANSFER,
        target=TARGET,
        arguments=(_CONSULT_CALL,),
        confirmed_by=proofs("call.transferred"),
        note="The target is the call that is passed on, not the consultation.",
    ),
    Capability(
        verb=Verb.CALL_CONFERENCE,
        target=TARGET,
        arguments=(_DESTINATION, _MODE, LOCATION, _OPTIONAL_DATA),
        confirmed_by=proofs("call.conferenced", "call.initiated"),
        note="Consult: the call is held, call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_CONFERENCE,
        target=TARGET,
        arguments=(_CONSULT_CALL,),
        confirmed_by=proofs("call.conferenced"),
    ),
    Capability(
        verb=Verb.CALL_REMOVE_PARTY,
        target=TARGET,
        arguments=(string("party", "number of who shall leave", required=True),),
        confirmed_by=proofs("call.party.left"),
    ),
    Capability(
        verb=Verb.CALL_SWAP,
        target=TARGET,
        arguments=(_OTHER_CALL,),
        confirmed_by=proofs("call.retrieved"),
        note="The call is held, the other one retrieved.",
    ),
    Capability(
        verb=Verb.CALL_MERGE,
        target=TARGET,
        arguments=(_OTHER_CALL,),
        confirmed_by=proofs("call.conferenced"),
    ),
    Capability(
        verb=Verb.CALL_SEND_DTMF,
        target=TARGET,
        arguments=(string("digits", "0 to 9, *, #, A to D", required=True),),
        confirmed_by=proofs("call.dtmf.sent"),
        note="Known by the echoed operation only: unknown at servers that do not echo.",
    ),
    Capability(
        verb=Verb.CALL_ATTACH_DATA,
        target=TARGET,
        arguments=(DATA, DATA_MODE),
        confirmed_by=proofs("call.data.changed", "call.changed"),
        note="Confirmed by call.changed if the call has this data already.",
    ),
    Capability(
        verb=Verb.CALL_DELETE_DATA,
        target=TARGET,
        arguments=(KEYS,),
        confirmed_by=proofs("call.data.changed", "call.changed"),
        note="One request for each key: some may fail while others succeed, partial.",
    ),
)
