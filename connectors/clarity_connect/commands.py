"""Commands: canonical command to vendor requests, vendor replies to outcome. Pure.

Source: Clarity Connect Web API Version 2, "Update Agent Status", "Unregister", "Start Recording Sessions by
Agent", "Update Session Extra Items", "Save Call Notes", "Save Dispositions".
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.clarity_connect.capabilities import (
    RECORDING_STARTED,
    RECORDING_STOPPED,
    SESSION_ENDED,
    STATE_CHANGED,
    STATE_RESTATED,
    STATES,
)
from connectors.clarity_connect.mapping.state import State
from connectors.clarity_connect.mapping.values import fields, flag, identifier, objects, text
from connectors.clarity_connect.vendor import STATUS_IDS, UNAVAILABLE, word
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

MAX_ITEMS = 50
MAX_TEXT = 10_000
SESSION_VERBS = frozenset(
    {
        Verb.CALL_SET_DISPOSITION,
        Verb.CALL_ADD_NOTE,
        Verb.CALL_ATTACH_DATA,
        Verb.INTERACTION_SET_DISPOSITION,
        Verb.INTERACTION_ADD_NOTE,
        Verb.INTERACTION_ATTACH_DATA,
    }
)
_RECORDING = frozenset({Verb.RECORDING_START, Verb.RECORDING_STOP})
_ATTACHING = frozenset({Verb.CALL_ATTACH_DATA, Verb.INTERACTION_ATTACH_DATA})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a command.

    Attributes:
        part: names it among several of one command.
        already: what is asked for is so already, so no event will come.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    expectation: Expectation | None = None
    part: str = ""
    already: bool = False


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a command needs to know besides itself.

    Attributes:
        statuses: the agent's List Agent Statuses, for reasons by name.
        sip: the agent's SIP address, if it was searched.
    """

    state: State
    change_method: str = "GET"
    statuses: Any = None
    sip: str | None = None


def needs_statuses(command: Command) -> bool:
    """Whether the agent's statuses must be read first."""
    return command.verb is Verb.AGENT_SET_STATE and "reason" in command.arguments


def needs_sip(command: Command) -> bool:
    """Whether the agent's address must be searched first."""
    return command.verb is Verb.AGENT_LOGOUT and "sip" not in command.arguments


def build(command: Command, situation: Situation) -> list[Request]:
    """The requests of a command, most often one.

    Raises CommandRefused: an argument cannot be used; the message names it.
    """
    builder = _BUILDERS.get(command.verb)
    if builder is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    return builder(command, situation)


def outcome_of(command: Command, request: Request, status: int, body: Any) -> Outcome:
    """What the answer to one request means.

    Raises CommandUncertain: the platform failed, and may have carried it out.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if command.verb in _RECORDING:
            return _recorded(command, request, body)
        if request.expectation is None or request.already:
            message = "it was so already" if request.already else None
            return Outcome(status=Status.DONE, native_reply=body, message=message)
        return Outcome(status=Status.ACCEPTED, native_reply=body, expectation=request.expectation)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandUncertain(f"the platform answers HTTP {status}", reason=Reason.SERVER_ERROR)
    reason, said = _REFUSALS.get(
        status, (Reason.CLIENT_ERROR, f"the platform answers HTTP {status}")
    )
    told = text(fields(body).get("message"))
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=f"{said}: {told}" if told else said,
        native_reply=body,
    )


def together(outcomes: dict[str, Outcome]) -> Outcome:
    """The outcome of a command that took several requests."""
    found = list(outcomes.values())
    if len(found) == 1:
        return found[0]
    if all(one.status is Status.DONE for one in found):
        return Outcome(status=Status.DONE, parts=outcomes)
    if all(one.status is Status.REFUSED for one in found):
        return Outcome(
            status=Status.REFUSED, reason=found[0].reason, message=found[0].message, parts=outcomes
        )
    return Outcome(
        status=Status.PARTIAL,
        reason=next((one.reason for one in found if one.reason is not None), Reason.OTHER),
        message="not all parts were carried out",
        parts=outcomes,
    )


def proof_path(command: Command) -> str | None:
    """What to read in order to see that a change of a session was made."""
    if command.verb not in SESSION_VERBS:
        return None
    more = "?includeExtraItems=true" if command.verb in _ATTACHING else ""
    return f"v2/sessions/{_session(command)}{more}"


def is_shown(request: Request, told: Any) -> bool:
    """Whether the session that was read shows what the request asked for."""
    shown, body = fields(told), request.body or {}
    if "note" in body:
        return bool(shown.get("callNote") == body["note"])
    if "dispositionId" in body:
        main = fields(shown.get("selectedCallDisposition")).get("callDispositionId")
        sub = fields(shown.get("selectedCallSubDisposition")).get("callSubDispositionId")
        return bool(main == body["dispositionId"] and sub == body.get("subDispositionId", sub))
    return any(
        item.get("key") == body.get("extraItemName")
        and item.get("value") == body.get("extraItemValue")
        for item in objects(shown.get("extraItems"))
    )


_REFUSALS = {
    400: (Reason.INVALID, "the platform does not take the request"),
    401: (Reason.FORBIDDEN, "the account has no rights over this agent or session"),
    403: (Reason.FORBIDDEN, "the account has no rights over this agent or session"),
    404: (Reason.NOT_FOUND, "the platform does not know it"),
    405: (Reason.UNSUPPORTED, "the platform does not offer this"),
}


def _set_state(command: Command, situation: Situation) -> list[Request]:
    arguments, agent = command.arguments, _agent(command)
    state, status, reason = (arguments.get(name) for name in ("state", "status", "reason"))
    if state is not None and status is not None:
        raise _invalid("status", "either state or status")
    if state is None and status is None and reason is None:
        raise _invalid("state", "missing; give state, status or reason")
    wanted = status or STATES.get(state or "not_ready")
    if wanted not in STATUS_IDS:
        raise _invalid("state", f"{state!r} is not one of {', '.join(STATES)}")
    body: dict[str, Any] = {"agentStatusId": STATUS_IDS[wanted]}
    where: dict[str, Any] = {"native_state": wanted}
    if reason is not None:
        if wanted != UNAVAILABLE:
            raise _invalid("reason", "only with not_ready (unavailable)")
        number, name = _reason(str(reason), situation.statuses)
        body["reasonCodeId"] = number
        where["reason"] = name
    known = situation.state.agents.get(agent)
    same = known is not None and known.status == wanted and known.reason == where.get("reason")
    return [_update(agent, body, where, already=same)]


def _set_suspended(command: Command, situation: Situation) -> list[Request]:
    suspended = command.arguments.get("suspended")
    if not isinstance(suspended, bool):
        raise _invalid("suspended", "true or false")
    agent = _agent(command)
    known = situation.state.agents.get(agent)
    same = known is not None and known.suspended is suspended
    return [_update(agent, {"isSuspended": suspended}, {"suspended": suspended}, already=same)]


def _update(agent: str, body: dict[str, Any], where: dict[str, Any], *, already: bool) -> Request:
    return Request(
        method="POST",
        path=f"v2/agentStatus/update/{agent}",
        body=body,
        already=already,
        expectation=Expectation(
            confirmed_by=frozenset({STATE_CHANGED, STATE_RESTATED}),
            subject=f"agent/{agent}",
            where=where,
        ),
    )


def _reason(wanted: str, statuses: Any) -> tuple[int, str]:
    """The number and name of a reason, from the list of the agent's statuses."""
    names = []
    for status in objects(statuses):
        name, number = text(status.get("reasonCodeName")), identifier(status.get("reasonCodeId"))
        if name is None or number is None or not number.lstrip("-").isdecimal():
            continue
        if wanted in {name, number} or word(wanted) == word(name):
            return int(number), name
        names.append(name)
    offered = f"the agent has {', '.join(names)}" if names else "the agent has none"
    raise CommandRefused(
        f"arguments.reason: {wanted!r} is no away reason; {offered}", reason=Reason.INVALID
    )


def _log_out(command: Command, situation: Situation) -> list[Request]:
    agent = _agent(command)
    sip = command.arguments.get("sip") or situation.sip
    if not isinstance(sip, str) or not sip:
        raise CommandRefused(
            f"target.agent: no address of agent {agent} is known",
            reason=Reason.NOT_FOUND,
            hint="give it as argument sip",
        )
    holder = f"agent/{agent}"
    ids = [s for s, known in situation.state.sessions.items() if holder in known.holders]
    query = {"sip": sip.removeprefix("sip:")}
    if gruu := command.arguments.get("gruu"):
        query["gruu"] = str(gruu)
    if ids:
        query["sids"] = ",".join(ids)
    known = situation.state.agents.get(agent)
    return [
        Request(
            method="POST",
            path=f"v2/profile/unregister?{urlencode(query, safe=',@')}",
            already=known is not None and known.status == "loggedOut",
            expectation=Expectation(
                confirmed_by=frozenset({SESSION_ENDED}), subject=f"agent/{agent}"
            ),
        )
    ]


def _record(command: Command, _situation: Situation) -> list[Request]:
    on = command.verb is Verb.RECORDING_START
    verb = "start" if on else "stop"
    agent = _agent(command)
    return [
        Request(
            method="POST",
            path=f"v2/sessions/callcontrol/{verb}RecordingSessions/{agent}",
            expectation=Expectation(
                confirmed_by=frozenset({RECORDING_STARTED if on else RECORDING_STOPPED}),
                where={"agent": agent},
            ),
        )
    ]


def _recorded(command: Command, request: Request, body: Any) -> Outcome:
    """Each session has its own result; those that wait are decided by the feed."""
    on = command.verb is Verb.RECORDING_START
    parts: dict[str, Outcome] = {}
    for item in objects(body):
        session = identifier(item.get("sessionId"))
        if session is None:
            continue
        if flag(item.get("requestDenied")) or flag(item.get("canBeRecorded")) is False:
            parts[session] = Outcome(
                status=Status.REFUSED, reason=Reason.FORBIDDEN, message="may not be recorded"
            )
        elif flag(item.get("requestFailed")):
            parts[session] = Outcome(
                status=Status.REFUSED, reason=Reason.SERVER_ERROR, message="the request failed"
            )
        elif flag(item.get("isRecording")) is on:
            parts[session] = Outcome(status=Status.DONE)
        else:
            parts[session] = Outcome(status=Status.ACCEPTED)
    if not parts:
        return Outcome(
            status=Status.REFUSED,
            reason=Reason.NOT_FOUND,
            message="the agent has no session",
            native_reply=body,
        )
    waiting = [session for session, part in parts.items() if part.status is Status.ACCEPTED]
    refused = [part for part in parts.values() if part.status is Status.REFUSED]
    if not refused and waiting:
        expectation = request.expectation
        if expectation is not None and len(waiting) == 1:
            subject = f"recording/{waiting[0]}"
            expectation = msgspec.structs.replace(expectation, subject=subject, where={})
        return Outcome(status=Status.ACCEPTED, expectation=expectation, native_reply=body)
    # What waits beside what was refused cannot be decided by one event.
    unknown = Outcome(
        status=Status.UNKNOWN, reason=Reason.OTHER, message="the feed tells when it changed"
    )
    parts |= dict.fromkeys(waiting, unknown)
    whole = together(parts)
    return msgspec.structs.replace(whole, native_reply=body)


def _dispose(command: Command, situation: Situation) -> list[Request]:
    main, sub = (command.arguments.get(n) for n in ("disposition", "sub_disposition"))
    if not isinstance(main, int) or isinstance(main, bool):
        raise _invalid("disposition", "an id")
    body: dict[str, Any] = {"dispositionId": main}
    if sub is not None:
        body["subDispositionId"] = sub
    return [_change(command, situation, "setdispositions", body)]


def _note(command: Command, situation: Situation) -> list[Request]:
    return [_change(command, situation, "setcallnotes", {"note": _text(command, "note")})]


def _attach(command: Command, situation: Situation) -> list[Request]:
    data = command.arguments.get("data")
    if not isinstance(data, dict) or not data or len(data) > MAX_ITEMS:
        raise _invalid("data", f"an object of 1 to {MAX_ITEMS} items")
    requests = []
    for name, value in data.items():
        if not name or not isinstance(value, str | int | float):
            raise _invalid("data", f"{name!r} is no text or number")
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if len(shown) > MAX_TEXT:
            raise _invalid("data", f"{name!r} is longer than {MAX_TEXT} characters")
        body = {"extraItemName": name, "extraItemValue": shown}
        requests.append(_change(command, situation, "setextraitems", body, part=name))
    return requests


def _change(
    command: Command, situation: Situation, what: str, body: dict[str, Any], *, part: str = ""
) -> Request:
    path = f"v2/sessions/{_session(command)}/{what}"
    return Request(method=situation.change_method, path=path, body=body, part=part)


def _text(command: Command, name: str) -> str:
    value = command.arguments.get(name)
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
        raise _invalid(name, f"a text of 1 to {MAX_TEXT} characters")
    return value


def _agent(command: Command) -> str:
    return _number(command.target.agent, "agent")


def _session(command: Command) -> str:
    if command.target.interaction:
        return _number(command.target.interaction, "interaction")
    return _number(command.target.call, "call")


def _number(value: str | None, kind: str) -> str:
    if not value or not value.isdecimal() or not value.isascii():
        raise CommandRefused(
            f"target.{kind}: {value!r} is no id; the platform numbers them", reason=Reason.INVALID
        )
    return value


def _invalid(name: str, said: str) -> CommandRefused:
    return CommandRefused(f"arguments.{name}: {said}", reason=Reason.INVALID)


_BUILDERS: dict[Verb, Callable[[Command, Situation], list[Request]]] = {
    Verb.AGENT_SET_STATE: _set_state,
    Verb.AGENT_SET_SUSPENDED: _set_suspended,
    Verb.AGENT_LOGOUT: _log_out,
    Verb.RECORDING_START: _record,
    Verb.RECORDING_STOP: _record,
    Verb.CALL_SET_DISPOSITION: _dispose,
    Verb.CALL_ADD_NOTE: _note,
    Verb.CALL_ATTACH_DATA: _attach,
    Verb.INTERACTION_SET_DISPOSITION: _dispose,
    Verb.INTERACTION_ADD_NOTE: _note,
    Verb.INTERACTION_ATTACH_DATA: _attach,
}
