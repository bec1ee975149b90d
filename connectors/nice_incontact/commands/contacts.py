"""Requests about calls, their recordings, and other contacts.

What the platform would refuse for the state of things is refused here, naming it: a transfer names no
calls, so there must be exactly two; a call on hold cannot be ended; a call is answered at the phone.
Source: NICE inContact method reference, "Phone Calls", "Interactions", "Chat"; developer portal,
"Using Events".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors._wire.arguments import data, invalid, needed, text
from connectors.nice_incontact.capabilities import (
    CALL_ENDED,
    CALL_FAILED,
    CALL_INITIATED,
    DTMF_SENT,
    RECORDING_FAILED,
)
from connectors.nice_incontact.commands.agents import number_text
from connectors.nice_incontact.commands.request import (
    Already,
    Request,
    Situation,
    at_contact,
    call_of,
    integer,
    interaction_of,
    needs,
    number,
    refused,
)
from connectors.nice_incontact.mapping.picture import CALL, Contact
from connectors.nice_incontact.vendor import CONSULT as CONSULT_CALL
from gateway.commands import Command, Expectation, Verb
from gateway.errors import Reason
from gateway.states import ConnectionState

_C = ConnectionState
_TALKING = (_C.CONNECTED, _C.HELD)
_DIGITS = re.compile(r"[0-9*#A-Da-d]{1,64}")
_LOW_TONE, _HIGH_TONE, _USUAL_TONE = 61, 15_000, 100
MAX_PAIRS = 20
MAX_DATA = 32_000
_INDICATOR = "CustomData"
_MEDIA_PATH = {"chat": "chat", "email": "email", "voicemail": "voicemail"}
_CALLS_OF_A_TRANSFER = 2


def dial(command: Command, situation: Situation) -> Request:
    """A call to a number, an agent or a skill."""
    held = situation.picture.of_kind(CALL, _C.HELD)
    if text(command, "agent") is not None and len(held) != 1:
        raise refused(
            f"agent {situation.agent} has {len(held)} calls on hold; calling an agent needs exactly one",
            hint="hold one with call.hold",
        )
    return _dialled(command, situation, parent=held[0] if len(held) == 1 else None)


def consult(command: Command, situation: Situation) -> Request:
    """The second call of a transfer or conference, while the first is on hold."""
    name, contact = call_of(command, situation)
    needs(name, contact, _C.HELD, to="a second call", hint="hold it with call.hold first")
    return _dialled(command, situation, parent=name, consult=True)


def _dialled(
    command: Command, situation: Situation, *, parent: str | None, consult: bool = False
) -> Request:
    phone = text(command, "destination")
    agent, skill = number(command, "agent"), number(command, "skill")
    if (phone is None) + (agent is None) == 0:
        raise invalid("destination", "either a number or an agent")
    body: dict[str, Any] = {"parentContactId": parent} if parent is not None else {}
    if phone is not None:
        path = "dial-phone"
        skill_id = str(skill) if skill is not None else _skill_of(parent, situation)
        body |= {"phoneNumber": phone} | ({} if skill_id is None else {"skillId": skill_id})
    elif agent is not None:
        path = "consult-agent" if consult else "dial-agent"
        body["targetAgentId"] = str(agent)
    elif skill is not None:
        path, body["skillId"] = "dial-skill", str(skill)
    else:
        raise invalid("destination", "missing: a number, an agent or a skill")
    return Request(
        path=f"{situation.session}/{path}",
        body=body,
        expectation=Expectation(
            confirmed_by=frozenset({CALL_INITIATED}),
            refused_by=frozenset({CALL_FAILED}),
            where={"agent": situation.agent},
        ),
    )


def answer(command: Command, situation: Situation) -> Request:
    """Accept a consultation, or a call that is accepted by request."""
    name, contact = call_of(command, situation)
    needs(name, contact, _C.ALERTING, to="answering")
    if contact.call_type == CONSULT_CALL:
        operation = "accept-consult"
    elif contact.manual:
        operation = "accept"
    else:
        raise refused(
            f"call {name} is answered at the phone: the platform has no request for it",
            reason=Reason.UNSUPPORTED,
            hint="answer it at the phone; with the leg connected it comes by itself",
        )
    return _on_call(situation, name, operation, "connected")


def hang_up(command: Command, situation: Situation) -> Request:
    """End a call that is not on hold."""
    name, contact = call_of(command, situation)
    needs(
        name, contact, _C.CONNECTED, _C.INITIATED, _C.ALERTING,
        to="ending", hint="retrieve it with call.retrieve first" if contact.state is _C.HELD else "",
    )  # fmt: skip
    return Request(
        path=at_contact(situation, name, "end"),
        expectation=Expectation(
            confirmed_by=frozenset({CALL_ENDED}),
            refused_by=frozenset({CALL_FAILED}),
            subject=f"call/{name}",
        ),
    )


def hold(command: Command, situation: Situation) -> Request:
    """Put a call on hold."""
    name, contact = call_of(command, situation)
    needs(name, contact, _C.CONNECTED, to="holding")
    return _on_call(situation, name, "hold", "held")


def retrieve(command: Command, situation: Situation) -> Request:
    """Take a call off hold."""
    name, contact = call_of(command, situation)
    needs(name, contact, _C.HELD, to="retrieving")
    return _on_call(situation, name, "resume", "retrieved")


def complete(command: Command, situation: Situation) -> Request:
    """Connect the two calls with each other, or join them all."""
    transfer = command.verb is Verb.CALL_COMPLETE_TRANSFER
    calls = situation.picture.of_kind(CALL, *_TALKING)
    if len(calls) != _CALLS_OF_A_TRANSFER:
        told = f" ({', '.join(calls)})" if calls else ""
        raise refused(
            f"agent {situation.agent} has {len(calls)} calls connected or held{told}; "
            f"a {'transfer' if transfer else 'conference'} needs exactly two",
            hint="make the second one with call.transfer or call.conference",
        )
    proof = "tieline.call.transferred.v1" if transfer else "tieline.call.conferenced.v1"
    operation = "transfer-calls" if transfer else "conference-calls"
    return Request(
        path=f"{situation.session}/interactions/{operation}",
        expectation=Expectation(
            confirmed_by=frozenset({proof}),
            refused_by=frozenset({CALL_FAILED}),
            where={"agent": situation.agent},
        ),
    )


def send_dtmf(command: Command, situation: Situation) -> Request:
    """Send tones on the call that is spoken on."""
    digits = needed(command, "digits")
    if not _DIGITS.fullmatch(digits):
        raise invalid("digits", "expected up to 64 of 0 to 9, *, #, A to D")
    connected = situation.picture.of_kind(CALL, _C.CONNECTED)
    if not connected:
        raise refused(f"agent {situation.agent} has no connected call to send tones on")
    return Request(
        path=f"{situation.session}/send-dtmf",
        body={
            "dtmfSequence": digits,
            "toneDurationMS": _tone(command, "tone_milliseconds"),
            "toneSpacingMS": _tone(command, "spacing_milliseconds"),
        },
        expectation=Expectation(confirmed_by=frozenset({DTMF_SENT}), cause=command.id),
        tones_on=connected[0],
    )


def recording(command: Command, situation: Situation) -> Request | Already:
    """Record a call, mask it or unmask it."""
    name, contact = call_of(command, situation)
    needs(name, contact, *_TALKING, to="its recording")
    operation, proof, done = {
        Verb.RECORDING_START: ("record", "started", contact.logging),
        Verb.RECORDING_PAUSE: ("mask", "paused", contact.masked),
        Verb.RECORDING_RESUME: ("unmask", "resumed", not contact.masked),
    }[command.verb]
    if done and command.verb is not Verb.RECORDING_RESUME:
        return Already(message=f"the recording of call {name} is {proof} already")
    if done:
        raise refused(f"call {name} is not masked; resuming its recording needs that")
    return Request(
        path=at_contact(situation, name, operation),
        expectation=Expectation(
            confirmed_by=frozenset({f"tieline.recording.{proof}.v1"}),
            refused_by=frozenset({RECORDING_FAILED}),
            subject=f"recording/{name}",
        ),
    )


def disposition(command: Command, situation: Situation) -> Request:
    """Say what came of a contact that has ended; the answer is the proof."""
    of = call_of if command.verb is Verb.CALL_SET_DISPOSITION else interaction_of
    name, contact = of(command, situation)
    needs(name, contact, _C.CLEARED, _C.FAILED, to="a disposition", hint="end it first")
    amount = command.arguments.get("commitment_amount")
    body = {
        "primaryDispositionId": number_text(command, "disposition"),
        "secondaryDispositionId": _optional(number(command, "secondary_disposition")),
        "primaryDispositionNotes": text(command, "note"),
        "primaryCommitmentAmount": amount,
        "primaryCallbackTime": text(command, "callback_time"),
        "primaryCallbackNumber": text(command, "callback_number"),
    }
    return Request(
        path=at_contact(situation, name, "disposition"),
        body={key: value for key, value in body.items() if value is not None},
    )


def attach_data(command: Command, situation: Situation) -> Request:
    """Attach data to a call, as pairs in one text. Of other contacts no event would tell it."""
    name, _ = call_of(command, situation)
    pairs = data(command)
    if len(pairs) > MAX_PAIRS:
        raise invalid("data", f"at most {MAX_PAIRS} names")
    written = "|".join(f"{_part(key, '=|')}={_part(value, '|')}" for key, value in pairs.items())
    if len(written) > MAX_DATA:
        raise invalid("data", f"at most {MAX_DATA} characters in all")
    return Request(
        path=at_contact(situation, name, "custom-data"),
        body={"indicatorName": text(command, "indicator") or _INDICATOR, "data": written},
        expectation=Expectation(
            confirmed_by=frozenset({"tieline.call.data.changed.v1"}), subject=f"call/{name}"
        ),
    )


def interact(command: Command, situation: Situation) -> Request:
    """Accept, reject or end a contact that is no call."""
    name, contact = interaction_of(command, situation)
    operation, proofs, states = {
        Verb.INTERACTION_ACCEPT: ("accept", ("accepted",), (_C.ALERTING,)),
        Verb.INTERACTION_REJECT: ("reject", ("rejected", "revoked"), (_C.ALERTING,)),
        Verb.INTERACTION_COMPLETE: ("end", ("completed",), _TALKING),
    }[command.verb]
    needs(name, contact, *states, to=operation)
    return Request(
        path=at_contact(situation, name, operation), expectation=_interaction(name, *proofs)
    )


def transfer_interaction(command: Command, situation: Situation) -> Request:
    """Pass a chat, an e-mail or a voice mail on to an agent or a skill."""
    name, contact = interaction_of(command, situation)
    word = _medium(name, contact, "transferring")
    agent, skill = number(command, "agent"), number(command, "skill")
    if (agent is None) == (skill is None):
        raise invalid("agent", "either an agent or a skill")
    operation = f"transfer-{word}-to-{'agent' if agent is not None else 'skill'}"
    body = {"targetAgentId": str(agent)} if agent is not None else {"targetSkillId": str(skill)}
    return Request(
        path=at_contact(situation, name, operation),
        body=body,
        expectation=_interaction(name, "transferred", "completed"),
    )


def send_message(command: Command, situation: Situation) -> Request:
    """Say something in a chat."""
    name, contact = interaction_of(command, situation)
    if contact.media != "chat":
        raise refused(
            f"interaction {name} is {contact.media}, not a chat", reason=Reason.UNSUPPORTED
        )
    needs(name, contact, *_TALKING, to="a message")
    return Request(
        path=at_contact(situation, name, "send-chat-text"),
        body={"chatText": needed(command, "text")},
        expectation=_interaction(name, "message.added"),
    )


BUILDERS: dict[Verb, Callable[[Command, Situation], Request | Already]] = {
    Verb.CALL_DIAL: dial,
    Verb.CALL_ANSWER: answer,
    Verb.CALL_HANG_UP: hang_up,
    Verb.CALL_HOLD: hold,
    Verb.CALL_RETRIEVE: retrieve,
    Verb.CALL_TRANSFER: consult,
    Verb.CALL_CONFERENCE: consult,
    Verb.CALL_COMPLETE_TRANSFER: complete,
    Verb.CALL_COMPLETE_CONFERENCE: complete,
    Verb.CALL_SEND_DTMF: send_dtmf,
    Verb.CALL_SET_DISPOSITION: disposition,
    Verb.CALL_ATTACH_DATA: attach_data,
    Verb.RECORDING_START: recording,
    Verb.RECORDING_PAUSE: recording,
    Verb.RECORDING_RESUME: recording,
    Verb.INTERACTION_ACCEPT: interact,
    Verb.INTERACTION_REJECT: interact,
    Verb.INTERACTION_COMPLETE: interact,
    Verb.INTERACTION_TRANSFER: transfer_interaction,
    Verb.INTERACTION_SEND_MESSAGE: send_message,
    Verb.INTERACTION_SET_DISPOSITION: disposition,
}


def _skill_of(parent: str | None, situation: Situation) -> str | None:
    """The first call's skill, if it was told by id: a second call belongs to the same business."""
    contact = situation.picture.contacts.get(parent or "")
    skill = contact.skill if contact is not None else None
    return skill if skill is not None and skill.isdecimal() else None


def _on_call(situation: Situation, name: str, operation: str, proof: str) -> Request:
    return Request(
        path=at_contact(situation, name, operation),
        expectation=Expectation(
            confirmed_by=frozenset({f"tieline.call.{proof}.v1"}),
            refused_by=frozenset({CALL_FAILED, CALL_ENDED}),
            subject=f"call/{name}",
        ),
    )


def _interaction(name: str, *proofs: str) -> Expectation:
    return Expectation(
        confirmed_by=frozenset(f"tieline.interaction.{proof}.v1" for proof in proofs),
        subject=f"interaction/{name}",
    )


def _medium(name: str, contact: Contact, to: str) -> str:
    word = _MEDIA_PATH.get(contact.media)
    if word is None:
        raise refused(
            f"interaction {name} is {contact.media}; {to} takes {', '.join(_MEDIA_PATH)}",
            reason=Reason.UNSUPPORTED,
        )
    return word


def _tone(command: Command, name: str) -> int:
    return integer(command, name, _LOW_TONE, _HIGH_TONE, default=_USUAL_TONE)


def _part(value: Any, signs: str) -> str:
    """A name or value in the text of pairs, which has no way to write its own signs."""
    written = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    if not isinstance(written, str | int | float) or any(sign in str(written) for sign in signs):
        raise invalid(
            "data", f"names and values that are texts or numbers without {' and '.join(signs)}"
        )
    return str(written)


def _optional(value: int | None) -> str | None:
    return None if value is None else str(value)
