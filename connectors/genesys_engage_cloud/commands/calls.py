"""Requests about calls and their recording. Pure.

The consultation is the call in the path of `complete-transfer` and `complete-conference`, and the
original call is `parentConnId`; our target is the original. Source: workspace-client-js, `voice-api`.
"""

from __future__ import annotations

import re
from typing import Any

from connectors._wire.arguments import (
    data,
    listed_keys,
    needed,
    optional_data,
    segment,
    target,
    text,
)
from connectors._wire.table import proof
from connectors.genesys_engage_cloud.capabilities.calls import (
    CONSULT,
    PLAIN_CALL_OPERATIONS,
    REPLACE,
)
from connectors.genesys_engage_cloud.commands.request import Builder, Request, Situation, request
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from gateway.commands import Command, Verb
from gateway.errors import CommandRefused, Reason
from gateway.states import ConnectionState

_DIGITS = re.compile(r"[0-9A-D*#]+")
_ENDED = frozenset({proof("call.ended")})
_RECORDING_FAILED = frozenset({proof("recording.failed")})


def _path(call: str, operation: str, field: str = "target.call") -> str:
    return f"voice/calls/{segment(call, field)}/{operation}"


def _plain(command: Command, _situation: Situation) -> Request:
    call = target(command, "call")
    operation, proven_by = PLAIN_CALL_OPERATIONS[command.verb]
    name = proven_by.removeprefix("tieline.").removesuffix(".v1")
    if command.verb.family == "recording":
        return request(
            command,
            _path(call, operation),
            {},
            name,
            subject=f"recording/{call}",
            refused_by=_RECORDING_FAILED,
        )
    return _on(command, operation, {}, name, refused_by=_ENDED)


def _on(
    command: Command,
    operation: str,
    parameters: dict[str, Any],
    *confirmed_by: str,
    refused_by: frozenset[str] = frozenset(),
    **decided: Any,
) -> Request:
    call = target(command, "call")
    return request(
        command,
        _path(call, operation),
        parameters,
        *confirmed_by,
        subject=f"call/{call}",
        refused_by=refused_by,
        **decided,
    )


def _dial(command: Command, situation: Situation) -> Request:
    number = needed(command, "destination")
    return request(
        command,
        "voice/make-call",
        {
            "destination": number,
            "location": text(command, "location"),
            "userData": _data(command),
            "outboundCallerId": text(command, "caller_id"),
        },
        "call.initiated",
        where={"agent": situation.agent},
        within={"parties": {"number": number}},
    )


def _hang_up(command: Command, _situation: Situation) -> Request:
    everyone = command.arguments.get("everyone") is True
    return _on(command, "clear" if everyone else "release", {}, "call.ended")


def _complete_call(command: Command, _situation: Situation) -> Request:
    """Be done with a call that was released: the platform says so in its state."""
    return _on(
        command,
        "complete",
        {"userData": _data(command)},
        "call.changed",
        "call.ended",
        within={"native": {"state": "Completed"}},
    )


def _retrieve(command: Command, situation: Situation) -> Request:
    active = text(command, "release_call")
    if active is None:
        return _on(command, "retrieve", {}, "call.retrieved", refused_by=_ENDED)
    call = target(command, "call")
    return request(
        command,
        _path(active, "reconnect", "arguments.release_call"),
        {"heldConnId": _connection(situation.picture, call)},
        "call.retrieved",
        subject=f"call/{call}",
    )


def _transfer(command: Command, situation: Situation) -> Request:
    if command.arguments.get("mode") == CONSULT:
        return _consult(command, situation, "initiate-transfer")
    leg = situation.picture.calls.get(command.target.call or "")
    ringing = leg is not None and leg.state is ConnectionState.ALERTING
    operation = "redirect" if ringing else "single-step-transfer"
    return _on(command, operation, _other_party(command), "call.transferred", "call.ended")


def _conference(command: Command, situation: Situation) -> Request:
    if command.arguments.get("mode") == CONSULT:
        return _consult(command, situation, "initiate-conference")
    return _on(
        command,
        "single-step-conference",
        _other_party(command),
        "call.conferenced",
        refused_by=_ENDED,
    )


def _consult(command: Command, situation: Situation, operation: str) -> Request:
    """The consultation is a new call, whose id nobody knows before."""
    number = needed(command, "destination")
    call = target(command, "call")
    return request(
        command,
        _path(call, operation),
        _other_party(command),
        "call.initiated",
        where={"agent": situation.agent},
        within={"parties": {"number": number}},
    )


def _other_party(command: Command) -> dict[str, Any]:
    return {
        "destination": needed(command, "destination"),
        "location": text(command, "location"),
        "userData": _data(command),
    }


def _complete(operation: str, proven_by: str) -> Builder:
    def build(command: Command, situation: Situation) -> Request:
        call = target(command, "call")
        consult = text(command, "consult_call") or _consultation(situation.picture, call)
        if consult is None:
            raise CommandRefused(
                "arguments.consult_call: the call has no consultation that is known",
                reason=Reason.INVALID,
            )
        return request(
            command,
            _path(consult, operation, "arguments.consult_call"),
            {"parentConnId": _connection(situation.picture, call)},
            proven_by,
            subject=f"call/{call}",
        )

    return build


def _consultation(picture: AgentPicture, call: str) -> str | None:
    """The agent's call that was made from this one; where nothing says so, the only consultation."""
    connection = _connection(picture, call)
    found = [name for name, leg in picture.calls.items() if leg.parent in {connection, call}]
    found = found or [name for name, leg in picture.calls.items() if leg.direction == "consult"]
    return found[0] if len(found) == 1 else None


def _connection(picture: AgentPicture, call: str) -> str:
    leg = picture.calls.get(call)
    return leg.connection if leg is not None and leg.connection else call


def _remove_party(command: Command, _situation: Situation) -> Request:
    number = needed(command, "party")
    return _on(
        command,
        "delete-from-conference",
        {"dnToDrop": number},
        "call.party.left",
        within={"party": {"number": number}},
    )


def _swap(command: Command, situation: Situation) -> Request:
    call, other = target(command, "call"), needed(command, "other_call")
    return request(
        command,
        _path(call, "alternate"),
        {"heldConnId": _connection(situation.picture, other)},
        "call.retrieved",
        subject=f"call/{other}",
        refused_by=_ENDED,
    )


def _merge(command: Command, situation: Situation) -> Request:
    other = needed(command, "other_call")
    return _on(
        command,
        "merge",
        {"otherConnId": _connection(situation.picture, other)},
        "call.conferenced",
    )


def _send_dtmf(command: Command, _situation: Situation) -> Request:
    digits = needed(command, "digits").upper()
    if not _DIGITS.fullmatch(digits):
        raise CommandRefused("arguments.digits: only 0 to 9, *, #, A to D", reason=Reason.INVALID)
    return _on(command, "send-dtmf", {"dtmfDigits": digits}, "call.dtmf.sent", refused_by=_ENDED)


def _attach(command: Command, _situation: Situation) -> Request:
    replace = command.arguments.get("mode") == REPLACE
    return _on(
        command,
        "update-user-data" if replace else "attach-user-data",
        {"userData": to_pairs(data(command))},
        "call.data.changed",
        "call.changed",
        refused_by=_ENDED,
    )


def _delete(command: Command, _situation: Situation) -> Request:
    keys = listed_keys(command)
    built = [
        request(
            command,
            _path(target(command, "call"), "delete-user-data-pair"),
            {"key": key},
            "call.data.changed",
            "call.changed",
            subject=f"call/{command.target.call}",
            refused_by=_ENDED,
        )
        for key in keys
    ]
    named = [_named(each, key) for each, key in zip(built, keys, strict=True)]
    return _with_further(named[0], tuple(named[1:]))


def _named(built: Request, part: str) -> Request:
    return Request(path=built.path, body=built.body, expectation=built.expectation, part=part)


def _with_further(first: Request, further: tuple[Request, ...]) -> Request:
    return Request(
        path=first.path,
        body=first.body,
        expectation=first.expectation,
        part=first.part,
        further=further,
    )


def _data(command: Command) -> list[dict[str, Any]] | None:
    attached = optional_data(command)
    return None if attached is None else to_pairs(attached)


BUILDERS: dict[Verb, Builder] = {
    **dict.fromkeys(PLAIN_CALL_OPERATIONS, _plain),
    Verb.CALL_DIAL: _dial,
    Verb.CALL_COMPLETE: _complete_call,
    Verb.CALL_HANG_UP: _hang_up,
    Verb.CALL_RETRIEVE: _retrieve,
    Verb.CALL_TRANSFER: _transfer,
    Verb.CALL_COMPLETE_TRANSFER: _complete("complete-transfer", "call.transferred"),
    Verb.CALL_CONFERENCE: _conference,
    Verb.CALL_COMPLETE_CONFERENCE: _complete("complete-conference", "call.conferenced"),
    Verb.CALL_REMOVE_PARTY: _remove_party,
    Verb.CALL_SWAP: _swap,
    Verb.CALL_MERGE: _merge,
    Verb.CALL_SEND_DTMF: _send_dtmf,
    Verb.CALL_ATTACH_DATA: _attach,
    Verb.CALL_DELETE_DATA: _delete,
}
