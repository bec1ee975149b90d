"""Requests about calls and their recordings.

Source: Genesys Web Services API reference, "Call Control" and "Call Recording API" (Agent
Operations). A destination is documented plain for single-step operations and as an object for
two-step ones; the other form follows if the platform refuses the documented one.
"""

from __future__ import annotations

import re
from typing import Any

from connectors._wire.arguments import (
    choice,
    data,
    flag,
    invalid,
    needed,
    segment,
    target,
    text,
)
from connectors.genesys_web_services.capabilities import proofs
from connectors.genesys_web_services.capabilities.calls import (
    ADD,
    BLIND,
    CONSULT,
    PLAIN_OPERATIONS,
    PROOFS,
    REPLACE,
)
from connectors.genesys_web_services.commands.request import (
    ME,
    Request,
    Situation,
    Spelling,
    device_paths,
    phone,
    spelled,
)
from connectors.genesys_web_services.mapping.values import difference
from gateway.commands import Command, Expectation, Verb

_DIGITS = re.compile(r"[0-9*#A-Da-d]{1,64}")
_DATA_OPERATIONS = {ADD: "AttachUserData", REPLACE: "UpdateUserData"}


def dial(command: Command, situation: Situation) -> Request:
    """A new call."""
    destination, device = needed(command, "destination"), phone(command, situation)
    extra = {"userData": data(command)} if "data" in command.arguments else {}
    return spelled(
        [
            Spelling(path, {"operationName": "Dial", "destination": number, **extra})
            for path in device_paths(device, "/calls")
            for number in ({"phoneNumber": destination}, destination)
        ],
        expectation=_initiated(situation, destination),
    )


def plain(command: Command, _situation: Situation) -> Request:
    """An operation that needs nothing beyond the call."""
    call, verb = target(command, "call"), command.verb
    if verb.family == "recording":
        subject, refused_by = f"recording/{call}", {proofs.RECORDING_FAILED}
    else:
        subject, refused_by = f"call/{call}", {proofs.CALL_FAILED}
        if verb is not Verb.CALL_HANG_UP:
            refused_by.add(proofs.CALL_ENDED)
    return Request(
        path=_path(call),
        body={"operationName": PLAIN_OPERATIONS[verb]},
        expectation=Expectation(
            confirmed_by=frozenset({PROOFS[verb]}),
            refused_by=frozenset(refused_by),
            subject=subject,
        ),
    )


def transfer(command: Command, situation: Situation) -> Request:
    """Pass the call on, at once or by way of a consultation."""
    call, destination = target(command, "call"), needed(command, "destination")
    if choice(command, "mode", (BLIND, CONSULT), default=BLIND) == CONSULT:
        return _consult(call, destination, "InitiateTransfer", situation)
    return spelled(
        _to_number(call, "SingleStepTransfer", destination, {"phoneNumber": destination}),
        expectation=Expectation(
            confirmed_by=frozenset({proofs.CALL_TRANSFERRED}),
            refused_by=frozenset({proofs.CALL_FAILED}),
            subject=f"call/{call}",
        ),
        transfers=(call, destination),
    )


def conference(command: Command, situation: Situation) -> Request:
    """Bring someone into the call, at once or by way of a consultation."""
    call, destination = target(command, "call"), needed(command, "destination")
    if choice(command, "mode", (BLIND, CONSULT), default=BLIND) == CONSULT:
        return _consult(call, destination, "InitiateConference", situation)
    return spelled(
        _to_number(call, "SingleStepConference", destination, {"phoneNumber": destination}),
        expectation=_conferenced(call, {"parties": {"number": destination}}),
    )


def complete_transfer(command: Command, situation: Situation) -> Request:
    """Connect the two others. The consultation's URI is optional to the platform."""
    call = target(command, "call")
    consult = text(command, "consult_call") or _consultation_of(call, situation)
    extra = {} if consult is None else {"consultCallUri": _uri(consult, situation)}
    return Request(
        path=_path(call),
        body={"operationName": "CompleteTransfer", **extra},
        expectation=Expectation(
            confirmed_by=frozenset({proofs.CALL_TRANSFERRED}),
            refused_by=frozenset({proofs.CALL_FAILED}),
            subject=f"call/{call}",
        ),
    )


def complete_conference(command: Command, situation: Situation) -> Request:
    """Bring the consulted party into the call."""
    call = target(command, "call")
    consult = text(command, "consult_call") or _consultation_of(call, situation)
    if consult is None:
        raise invalid(
            "consult_call", "no consultation from this call is known", hint="name its call"
        )
    return Request(
        path=_path(call),
        body={
            "operationName": "CompleteConference",
            "consultCallUri": _uri(consult, situation),
        },
        expectation=_conferenced(call, {}),
    )


def remove_party(command: Command, _situation: Situation) -> Request:
    """Let one party leave a conference."""
    call, number = target(command, "call"), needed(command, "party")
    return Request(
        path=_path(call),
        body={"operationName": "RemoveParticipantFromConference", "participant": number},
        expectation=_on_call(call, proofs.CALL_PARTY_LEFT, within={"party": {"number": number}}),
    )


def swap(command: Command, situation: Situation) -> Request:
    """Hold this call and talk on the other one."""
    call, other = target(command, "call"), needed(command, "other_call")
    return Request(
        path=_path(call),
        body={"operationName": "SwapCalls", "otherCallUri": _uri(other, situation)},
        expectation=_of_agent(situation, proofs.CALL_RETRIEVED, {"call": other}),
    )


def merge(command: Command, situation: Situation) -> Request:
    """Join both calls; which of the two lives on is the platform's business."""
    call, other = target(command, "call"), needed(command, "other_call")
    return Request(
        path=_path(call),
        body={"operationName": "MergeWithOtherCall", "otherCallUri": _uri(other, situation)},
        expectation=_of_agent(situation, proofs.CALL_CONFERENCED, {}),
    )


def send_dtmf(command: Command, _situation: Situation) -> Request:
    """Tones into the call."""
    call, digits = target(command, "call"), needed(command, "digits")
    if not _DIGITS.fullmatch(digits):
        raise invalid("digits", "expected 1 to 64 of 0 to 9, *, #, A to D")
    return Request(
        path=_path(call),
        body={"operationName": "SendDtmf", "digits": digits},
        expectation=_on_call(call, proofs.CALL_DTMF),
    )


def mute(command: Command, _situation: Situation) -> Request:
    """Mute or unmute the agent's leg."""
    call, muted = target(command, "call"), command.verb is Verb.CALL_MUTE
    return Request(
        path=_path(call),
        body={"operationName": "MuteCall" if muted else "UnmuteCall"},
        expectation=_on_call(call, proofs.CALL_MUTE, where={"muted": muted}),
    )


def attach_data(command: Command, situation: Situation) -> Request:
    """Attach data. What differs from the data that is known must come back as changed."""
    call, attached = target(command, "call"), data(command)
    mode = choice(command, "mode", (ADD, REPLACE), default=ADD)
    leg = situation.picture.calls.get(call)
    changed, _ = difference(leg.data if leg else {}, attached)
    return Request(
        path=_path(call),
        body={"operationName": _DATA_OPERATIONS[mode], "userData": attached},
        expectation=_on_call(
            call,
            *((proofs.CALL_DATA,) if changed else (proofs.CALL_DATA, proofs.CALL_CHANGED)),
            within=texts(changed),
        ),
    )


def delete_data(command: Command, situation: Situation) -> Request:
    """Take attached data away: the platform takes one key at a time, or all."""
    call, key, every = target(command, "call"), text(command, "key"), flag(command, "all")
    if (key is None) is not bool(every):
        raise invalid("key", "expected a key, or all: true instead")
    leg = situation.picture.calls.get(call)
    known = leg.data if leg else {}
    gone = key in known if key is not None else bool(known)
    body = {"operationName": "DeleteUserData"}
    if key is not None:
        body = {"operationName": "DeleteUserDataPair", "key": key}
    return Request(
        path=_path(call),
        body=body,
        expectation=_on_call(
            call,
            *((proofs.CALL_DATA,) if gone else (proofs.CALL_DATA, proofs.CALL_CHANGED)),
            where={"removed": [key]} if gone and key is not None else {},
        ),
    )


def texts(changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What an event about changed data must hold: the texts only, for other values may come back in another type."""
    told = {key: value for key, value in changed.items() if isinstance(value, str)}
    return {"values": told} if told else {}


def _consult(call: str, destination: str, operation: str, situation: Situation) -> Request:
    return spelled(
        _to_number(call, operation, {"phoneNumber": destination}, destination),
        expectation=_initiated(situation, destination),
    )


def _to_number(call: str, operation: str, *numbers: Any) -> list[Spelling]:
    return [
        Spelling(_path(call), {"operationName": operation, "destination": number})
        for number in numbers
    ]


def _initiated(situation: Situation, destination: str) -> Expectation:
    return Expectation(
        confirmed_by=frozenset({proofs.CALL_INITIATED}),
        refused_by=frozenset({proofs.CALL_FAILED}),
        where={"agent": situation.agent},
        within={"parties": {"number": destination}},
    )


def _on_call(
    call: str,
    *types: str,
    where: dict[str, Any] | None = None,
    within: dict[str, dict[str, Any]] | None = None,
) -> Expectation:
    return Expectation(
        confirmed_by=frozenset(types),
        refused_by=frozenset({proofs.CALL_FAILED, proofs.CALL_ENDED}),
        subject=f"call/{call}",
        where=where or {},
        within=within or {},
    )


def _conferenced(call: str, within: dict[str, dict[str, Any]]) -> Expectation:
    """The end of a call refuses nothing here: the consultation ends on the way."""
    return Expectation(
        confirmed_by=frozenset({proofs.CALL_CONFERENCED}),
        refused_by=frozenset({proofs.CALL_FAILED}),
        subject=f"call/{call}",
        within=within,
    )


def _of_agent(situation: Situation, type_name: str, where: dict[str, Any]) -> Expectation:
    """The proof is about another call than the failure would be."""
    return Expectation(
        confirmed_by=frozenset({type_name}),
        refused_by=frozenset({proofs.CALL_FAILED}),
        where={"agent": situation.agent, **where},
    )


def _path(call: str) -> str:
    return f"{ME}/calls/{segment(call, 'target.call')}"


def _uri(call: str, situation: Situation) -> str:
    """The URI that the platform gave the call; after a restart it may not be known, and is made up of the id."""
    return situation.offers.of(call).uri or situation.base_url + _path(call)


def _consultation_of(call: str, situation: Situation) -> str | None:
    legs = situation.picture.calls
    return next((name for name, leg in legs.items() if leg.related == call), None)
