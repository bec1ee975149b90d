"""Requests about calls, their recording, and supervision. Pure.

The consultation is the call in the path of `complete-transfer` and `complete-conference`, and the
original call is `parentConnId`; our target is the original. Source: workspace-client-js, `voice-api`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.genesys_engage_cloud.building import (
    CALL_ENDED,
    RECORDING_FAILED,
    Request,
    needed,
    request,
    segment,
    target,
    text,
    texts,
)
from connectors.genesys_engage_cloud.capabilities import (
    CONSULT,
    MONITOR_MODES,
    NEXT,
    PLAIN_CALL_OPERATIONS,
    REPLACE,
)
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from gateway.commands import Command, Verb
from gateway.errors import CommandRefused, Reason
from gateway.states import ConnectionState

_DIGITS = re.compile(r"[0-9A-D*#]+")
_ENDED = frozenset({CALL_ENDED})
_Builder = Callable[[Command, str, AgentPicture], Request]
_SWITCHES = {
    Verb.SUPERVISION_LISTEN: ("switch-to-listen-in", "listen"),
    Verb.SUPERVISION_COACH: ("switch-to-coaching", "coach"),
    Verb.SUPERVISION_BARGE: ("switch-to-barge-in", "barge"),
}


def build_call(command: Command, agent: str, picture: AgentPicture) -> Request | None:
    """The request for a command on calls; none if it is none."""
    verb = command.verb
    if verb is Verb.CALL_DIAL:
        return _dial(command, agent)
    if verb in MONITOR_MODES:
        return _monitor(command, agent)
    if verb is Verb.SUPERVISION_STOP:
        number = needed(command, "destination")
        return request(
            command,
            "voice/stop-monitoring",
            {"phoneNumber": number},
            "supervision.stopped",
            subject=f"agent/{agent}",
            where={"agent": number},
        )
    builder = _ON_A_CALL.get(verb)
    if builder is not None:
        return builder(command, agent, picture)
    if verb in PLAIN_CALL_OPERATIONS:
        return _plain(command)
    return None


def _path(call: str, operation: str, field: str = "target.call") -> str:
    return f"voice/calls/{segment(call, field)}/{operation}"


def _plain(command: Command) -> Request:
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
            refused_by=frozenset({RECORDING_FAILED}),
        )
    return _on(command, operation, {}, name, refused_by=_ENDED)


def _on(
    command: Command,
    operation: str,
    data: dict[str, Any],
    *confirmed_by: str,
    refused_by: frozenset[str] = frozenset(),
    **decided: Any,
) -> Request:
    call = target(command, "call")
    return request(
        command,
        _path(call, operation),
        data,
        *confirmed_by,
        subject=f"call/{call}",
        refused_by=refused_by,
        **decided,
    )


def _dial(command: Command, agent: str) -> Request:
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
        where={"agent": agent},
        within={"parties": {"number": number}},
    )


def _hang_up(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    everyone = command.arguments.get("everyone") is True
    return _on(command, "clear" if everyone else "release", {}, "call.ended")


def _retrieve(command: Command, _agent: str, picture: AgentPicture) -> Request:
    active = text(command, "release_call")
    if active is None:
        return _on(command, "retrieve", {}, "call.retrieved", refused_by=_ENDED)
    call = target(command, "call")
    return request(
        command,
        _path(active, "reconnect", "arguments.release_call"),
        {"heldConnId": _connection(picture, call)},
        "call.retrieved",
        subject=f"call/{call}",
    )


def _transfer(command: Command, agent: str, picture: AgentPicture) -> Request:
    if command.arguments.get("mode") == CONSULT:
        return _consult(command, agent, "initiate-transfer")
    leg = picture.calls.get(command.target.call or "")
    ringing = leg is not None and leg.state is ConnectionState.ALERTING
    operation = "redirect" if ringing else "single-step-transfer"
    return _on(command, operation, _other_party(command), "call.transferred", "call.ended")


def _conference(command: Command, agent: str, _picture: AgentPicture) -> Request:
    if command.arguments.get("mode") == CONSULT:
        return _consult(command, agent, "initiate-conference")
    return _on(
        command,
        "single-step-conference",
        _other_party(command),
        "call.conferenced",
        refused_by=_ENDED,
    )


def _consult(command: Command, agent: str, operation: str) -> Request:
    """The consultation is a new call, whose id nobody knows before."""
    number = needed(command, "destination")
    call = target(command, "call")
    return request(
        command,
        _path(call, operation),
        _other_party(command),
        "call.initiated",
        where={"agent": agent},
        within={"parties": {"number": number}},
    )


def _other_party(command: Command) -> dict[str, Any]:
    return {
        "destination": needed(command, "destination"),
        "location": text(command, "location"),
        "userData": _data(command),
    }


def _complete(operation: str, proven_by: str) -> _Builder:
    def build(command: Command, _agent: str, picture: AgentPicture) -> Request:
        call = target(command, "call")
        consult = text(command, "consult_call") or _consultation(picture, call)
        if consult is None:
            raise CommandRefused(
                "arguments.consult_call: the call has no consultation that is known",
                reason=Reason.INVALID,
            )
        return request(
            command,
            _path(consult, operation, "arguments.consult_call"),
            {"parentConnId": _connection(picture, call)},
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


def _remove_party(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    number = needed(command, "party")
    return _on(
        command,
        "delete-from-conference",
        {"dnToDrop": number},
        "call.party.left",
        within={"party": {"number": number}},
    )


def _swap(command: Command, _agent: str, picture: AgentPicture) -> Request:
    call, other = target(command, "call"), needed(command, "other_call")
    return request(
        command,
        _path(call, "alternate"),
        {"heldConnId": _connection(picture, other)},
        "call.retrieved",
        subject=f"call/{other}",
        refused_by=_ENDED,
    )


def _merge(command: Command, _agent: str, picture: AgentPicture) -> Request:
    other = needed(command, "other_call")
    return _on(
        command,
        "merge",
        {"otherConnId": _connection(picture, other)},
        "call.conferenced",
    )


def _send_dtmf(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    digits = needed(command, "digits").upper()
    if not _DIGITS.fullmatch(digits):
        raise CommandRefused("arguments.digits: only 0 to 9, *, #, A to D", reason=Reason.INVALID)
    return _on(command, "send-dtmf", {"dtmfDigits": digits}, "call.dtmf.sent", refused_by=_ENDED)


def _attach(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    replace = command.arguments.get("mode") == REPLACE
    return _on(
        command,
        "update-user-data" if replace else "attach-user-data",
        {"userData": _data(command)},
        "call.data.changed",
        "call.changed",
        refused_by=_ENDED,
    )


def _delete(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    keys = texts(command, "keys")
    if not keys:
        raise CommandRefused("arguments.keys: missing", reason=Reason.INVALID)
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


def _monitor(command: Command, agent: str) -> Request:
    if command.target.call:
        operation, mode = _SWITCHES[command.verb]
        return request(
            command,
            _path(command.target.call, operation),
            {"monitoringScope": (text(command, "scope") or "call").capitalize()},
            "supervision.changed",
            subject=f"agent/{agent}",
            where={"call": command.target.call, "mode": mode},
        )
    number = needed(command, "destination")
    return request(
        command,
        "voice/start-monitoring",
        {
            "phoneNumberToMonitor": number,
            "monitoringMode": MONITOR_MODES[command.verb],
            "monitoringNextCallType": NEXT[text(command, "next") or "one_call"],
            "monitoringScope": (text(command, "scope") or "call").capitalize(),
            "location": text(command, "location"),
        },
        "supervision.started",
        "supervision.changed",
        subject=f"agent/{agent}",
        where={"agent": number},
    )


def _data(command: Command) -> list[dict[str, Any]] | None:
    data = command.arguments.get("data")
    if data is None:
        return None
    if not isinstance(data, dict) or not data:
        raise CommandRefused("arguments.data: expected an object", reason=Reason.INVALID)
    return to_pairs(data)


_ON_A_CALL: dict[Verb, _Builder] = {
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
