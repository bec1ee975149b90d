"""Commands: canonical command to vendor request, vendor reply to outcome. Pure.

A result of 0 means that the platform took the operation; whether it worked comes on the feed. So
success is `accepted` with an expectation, never `done`. Errors come as an HTTP status, as
`statusCode` with `statusMessage`, or as `status` with `errorDescription` or `description`: all of
these are read.
Sources: Genesys Web Services API reference, "Return Values" and "Asynchronous Operations"; its
samples for the variants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from connectors.genesys_web_services.capabilities import (
    CALL_ENDED,
    CALL_FAILED,
    CALL_INITIATED,
    CALL_OPERATIONS,
    CHANNEL_CHANGED,
    PROOFS,
    RECORDING_FAILED,
    SESSION_ENDED,
    SESSION_STARTED,
    STATE_CHANGED,
    STATE_OPERATIONS,
    STATE_RESTATED,
)
from connectors.genesys_web_services.vendor import StatusCode
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

ME = "/api/v2/me"
_VOICE = "voice"
_OK_WORDS = frozenset({"ok", "0"})
_REASONS = {
    StatusCode.PARAMETER_MISSING: Reason.INVALID,
    StatusCode.INVALID_FOR_STATE: Reason.CONFLICT,
    StatusCode.FORBIDDEN: Reason.FORBIDDEN,
    StatusCode.INTERNAL_ERROR: Reason.SERVER_ERROR,
    StatusCode.NO_PERMISSION: Reason.FORBIDDEN,
    StatusCode.NOT_FOUND: Reason.NOT_FOUND,
    StatusCode.PASSWORD_EXPIRED: Reason.AUTH,
    StatusCode.NOT_AUTHENTICATED: Reason.AUTH,
}
_MAX_MESSAGE = 500
_MAX_PARTS = 100


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a contact-centre session is started unless the command says otherwise."""

    channels: tuple[str, ...] = (_VOICE,)
    place: str | None = None
    login_code: str | None = None
    queue: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor request: always a POST. `expectation` is what decides it once it is accepted."""

    path: str
    body: dict[str, Any]
    expectation: Expectation


def build(command: Command, *, agent: str, login: Login, devices: Sequence[str]) -> Request:
    """The request for a command.

    `agent` is the name that the agent's events carry, `devices` the ids of the phones that are
    known of the agent. Raises CommandRefused: an argument cannot be used; the message names it.
    """
    verb = command.verb
    if verb is Verb.AGENT_SET_STATE:
        return _set_state(command, agent, devices)
    if verb is Verb.AGENT_LOGIN:
        return start_session(agent, _login_of(command, login))
    if verb is Verb.AGENT_LOGOUT:
        return Request(
            path=ME,
            body={"operationName": "EndContactCenterSession"},
            expectation=Expectation(
                confirmed_by=frozenset({SESSION_ENDED}), subject=f"agent/{agent}"
            ),
        )
    if verb is Verb.CALL_DIAL:
        return _dial(command, agent, devices)
    if verb in CALL_OPERATIONS:
        return _on_call(command)
    raise CommandRefused(
        f"verb: {verb.value} is not supported by this platform", reason=Reason.UNSUPPORTED
    )


def start_session(agent: str, login: Login) -> Request:
    """The request that starts a contact-centre session."""
    optional = {"place": login.place, "loginCode": login.login_code, "queue": login.queue}
    body: dict[str, Any] = {
        "operationName": "StartContactCenterSession",
        "channels": list(login.channels),
        **{name: value for name, value in optional.items() if value is not None},
    }
    return Request(
        path=ME,
        body=body,
        expectation=Expectation(
            confirmed_by=frozenset({SESSION_STARTED}), subject=f"agent/{agent}"
        ),
    )


def outcome_of(request: Request, status: int, body: bytes) -> Outcome:
    """What the platform's answer means for the command.

    Raises CommandUncertain: the server failed in a way that leaves open whether it acted.
    """
    reply = _decoded(body)
    envelope = reply if isinstance(reply, dict) else {}
    code = _code(envelope)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code is None:
        raise CommandUncertain(f"the platform answered HTTP {status}", reason=Reason.SERVER_ERROR)
    if code == StatusCode.PARTIAL:
        return _partial(envelope)
    good = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if good and code is None and _is_page(body, reply):
        raise CommandUncertain(
            "the platform answered with something that is no result", reason=Reason.PROTOCOL
        )
    if good and not code:
        return Outcome(status=Status.ACCEPTED, native_reply=reply, expectation=request.expectation)
    return _refused(status, code, envelope, reply)


def is_access_denied(status: int, body: bytes) -> bool:
    """Whether an answer says that the HTTP session is not signed in: 403, not 401, and code 20 in the body."""
    if status != HTTPStatus.FORBIDDEN:
        return False
    reply = _decoded(body)
    return isinstance(reply, dict) and _code(reply) == StatusCode.NOT_AUTHENTICATED


def is_csrf_refusal(status: int, body: bytes) -> bool:
    """Whether an answer says that the CSRF token is missing or wrong: 403 with a text about it."""
    return status == HTTPStatus.FORBIDDEN and b"csrf" in body.lower()


def _set_state(command: Command, agent: str, devices: Sequence[str]) -> Request:
    state = _text(command, "state") or ""
    operation = STATE_OPERATIONS.get(state)
    if operation is None:
        raise CommandRefused(
            f"arguments.state: {state!r} is not one of {', '.join(STATE_OPERATIONS)}",
            reason=Reason.INVALID,
        )
    reason, media = _text(command, "reason"), _text(command, "media")
    body = {"operationName": reason or operation}
    path = ME if media is None else f"{ME}/channels/{_segment(media, 'arguments.media')}"
    if media not in {None, _VOICE}:
        return Request(
            path=path,
            body=body,
            expectation=Expectation(
                confirmed_by=frozenset({CHANNEL_CHANGED}),
                subject=f"agent/{agent}",
                where={"media": media, "state": state},
            ),
        )
    # During a call the agent stays busy; the medium's own readiness is what was asked for. An agent
    # without a phone that is known is judged by whichever medium has it.
    on_voice = media is not None or bool(devices)
    readiness = {"media": _VOICE, "state": state} if on_voice else {"state": state}
    return Request(
        path=path,
        body=body,
        expectation=Expectation(
            confirmed_by=frozenset({STATE_CHANGED, STATE_RESTATED}),
            subject=f"agent/{agent}",
            within={"media": readiness},
        ),
    )


def _login_of(command: Command, login: Login) -> Login:
    channels = command.arguments.get("channels")
    if channels is not None and not (
        isinstance(channels, list) and channels and all(isinstance(c, str) for c in channels)
    ):
        raise CommandRefused(
            "arguments.channels: expected a list of names, such as [voice, chat]",
            reason=Reason.INVALID,
        )
    return Login(
        channels=login.channels if channels is None else tuple(channels),
        place=_text(command, "place") or login.place,
        login_code=_text(command, "login_code") or login.login_code,
        queue=_text(command, "queue") or login.queue,
    )


def _dial(command: Command, agent: str, devices: Sequence[str]) -> Request:
    destination = _text(command, "destination")
    if destination is None:
        raise CommandRefused("arguments.destination: missing", reason=Reason.INVALID)
    device = _text(command, "device") or command.target.device or next(iter(devices), None)
    if device is None:
        raise CommandRefused(
            "arguments.device: the agent has no phone that is known",
            reason=Reason.INVALID,
            hint="log the agent in, or name the device",
        )
    return Request(
        path=f"{ME}/devices/{_segment(device, 'arguments.device')}/calls",
        body={"operationName": "Dial", "destination": {"phoneNumber": destination}},
        expectation=Expectation(
            confirmed_by=frozenset({CALL_INITIATED}),
            refused_by=frozenset({CALL_FAILED}),
            where={"agent": agent},
            within={"parties": {"number": destination}},
        ),
    )


def _on_call(command: Command) -> Request:
    call = command.target.call
    if not call:
        raise CommandRefused(
            f"target.call: missing; {command.verb.value} needs it", reason=Reason.INVALID
        )
    verb = command.verb
    if verb.family == "recording":
        subject, refused_by = f"recording/{call}", {RECORDING_FAILED}
    else:
        subject, refused_by = f"call/{call}", {CALL_FAILED}
        if verb is not Verb.CALL_HANG_UP:
            refused_by.add(CALL_ENDED)
    return Request(
        path=f"{ME}/calls/{_segment(call, 'target.call')}",
        body={"operationName": CALL_OPERATIONS[verb]},
        expectation=Expectation(
            confirmed_by=frozenset({PROOFS[verb]}),
            refused_by=frozenset(refused_by),
            subject=subject,
        ),
    )


def _text(command: Command, name: str) -> str | None:
    value = command.arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise CommandRefused(f"arguments.{name}: expected a text", reason=Reason.INVALID)
    return value


def _segment(name: str, field: str) -> str:
    """A name as one segment of a path; what would walk elsewhere in the path is refused."""
    if name in {".", ".."}:
        raise CommandRefused(f"{field}: {name!r} is no name", reason=Reason.INVALID)
    return quote(name, safe="")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_page(body: bytes, reply: Any) -> bool:
    """An empty body is success by the reference; any other body that is no object is no result."""
    return bool(body.strip()) and not isinstance(reply, dict)


def _code(envelope: Mapping[str, Any]) -> int | None:
    """The result code in whichever field and type it comes; none if there is none. An error word is 4."""
    for name in ("statusCode", "status"):
        value = envelope.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            return value
        if isinstance(value, str):
            word = value.strip().lower()
            if word in _OK_WORDS:
                return 0
            return int(word) if word.isdecimal() and len(word) < 6 else StatusCode.INTERNAL_ERROR  # noqa: PLR2004 - longer than any code
    return None


def _message(envelope: Mapping[str, Any], fallback: str) -> str:
    for name in ("statusMessage", "errorDescription", "description", "errorMessage", "message"):
        value = envelope.get(name)
        if isinstance(value, str) and value:
            return value[:_MAX_MESSAGE]
    return fallback


def _refused(status: int, code: int | None, envelope: dict[str, Any], reply: Any) -> Outcome:
    reason = Reason.REFUSED
    if code is not None and code in set(StatusCode):
        reason = _REASONS.get(StatusCode(code), Reason.REFUSED)
    elif status == HTTPStatus.NOT_FOUND:
        reason = Reason.NOT_FOUND
    elif status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        reason = Reason.FORBIDDEN
    said = f"the platform answered HTTP {status}" + ("" if code is None else f", code {code}")
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=_message(envelope, said),
        native_reply=reply,
    )


def _partial(envelope: dict[str, Any]) -> Outcome:
    """Some parts of a bulk operation succeeded. They are keyed by channel, id, URI or user name."""
    parts: dict[str, Outcome] = {}
    for name, status in (("succeeded", Status.ACCEPTED), ("failed", Status.REFUSED)):
        items = envelope.get(name)
        for index, item in enumerate(items[:_MAX_PARTS] if isinstance(items, list) else []):
            fields = item if isinstance(item, dict) else {}
            keys = (fields.get(key) for key in ("channel", "id", "uri", "userName"))
            key = next((key for key in keys if isinstance(key, str)), f"{name}[{index}]")
            if status is Status.ACCEPTED:
                parts[key] = Outcome(status=Status.ACCEPTED)
            else:
                parts[key] = _refused(HTTPStatus.OK, _code(fields), fields, None)
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: "
        + ", ".join(key for key, part in parts.items() if part.status is Status.REFUSED),
        native_reply=envelope,
        parts=parts,
    )
