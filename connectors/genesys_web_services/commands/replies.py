"""What the platform's answers mean.

A result of 0 means that the platform took the operation; whether it worked comes on the feed. So
success is `accepted` with an expectation, and `done` only where the answer itself is the proof.
Errors come as an HTTP status, as `statusCode` with `statusMessage`, or as `status` with
`errorDescription` or `description`: all of these are read.
Sources: Genesys Web Services API reference, "Return Values", "Asynchronous Operations" and "Partial
Success"; its samples for the variants; newer servers for the codes above 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from connectors.genesys_web_services.commands.request import Request
from connectors.genesys_web_services.vendor import StatusCode
from gateway.commands import Expectation, Outcome, Status
from gateway.errors import CommandUncertain, Reason

_OK_WORDS = frozenset({"ok", "0"})
_CODES: dict[int, tuple[Reason, str]] = {
    StatusCode.PARAMETER_MISSING: (Reason.INVALID, "a parameter is missing"),
    StatusCode.INVALID_FOR_STATE: (Reason.CONFLICT, "not possible in the present state"),
    StatusCode.FORBIDDEN: (Reason.FORBIDDEN, "the operation is forbidden"),
    StatusCode.INTERNAL_ERROR: (Reason.SERVER_ERROR, "the server or one behind it failed"),
    StatusCode.NO_PERMISSION: (Reason.FORBIDDEN, "the agent's account lacks the permission"),
    StatusCode.NOT_FOUND: (Reason.NOT_FOUND, "there is no such call, interaction or device"),
    StatusCode.PASSWORD_EXPIRED: (Reason.AUTH, "the account needs a new password"),
    StatusCode.VALIDATION_FAILED: (Reason.INVALID, "a parameter is not valid"),
    StatusCode.READ_ONLY: (Reason.FORBIDDEN, "the server is read-only at present"),
    StatusCode.CANNOT_RETRIEVE: (Reason.SERVER_ERROR, "the server cannot retrieve the object"),
    StatusCode.CANNOT_CREATE: (Reason.SERVER_ERROR, "the server cannot create the object"),
    StatusCode.CANNOT_DELETE: (Reason.SERVER_ERROR, "the server cannot delete the object"),
    StatusCode.CANNOT_UPDATE: (Reason.SERVER_ERROR, "the server cannot update the object"),
    StatusCode.CANNOT_ASSIGN: (Reason.SERVER_ERROR, "the server cannot assign the object"),
    StatusCode.CANNOT_UNASSIGN: (Reason.SERVER_ERROR, "the server cannot unassign the object"),
    StatusCode.EXISTS: (Reason.CONFLICT, "it exists already"),
    StatusCode.IN_USE: (Reason.CONFLICT, "it is in use, for instance by another agent"),
    StatusCode.NOT_AUTHENTICATED: (Reason.AUTH, "the session is not signed in"),
}
_UNKNOWN_TO_THE_PLATFORM = frozenset(
    {
        StatusCode.PARAMETER_MISSING,
        StatusCode.INVALID_FOR_STATE,
        StatusCode.NOT_FOUND,
        StatusCode.VALIDATION_FAILED,
    }
)
_NO_SUCH_PATH = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_MADE = ("replyInteractionId", "interactionId")
_MAX_MESSAGE = 500
_MAX_PARTS = 100


def outcome_of(request: Request, status: int, body: bytes) -> Outcome:
    """What the platform's answer means for the command.

    Raises CommandUncertain: the server failed in a way that leaves open whether it acted.
    """
    reply = decoded(body)
    envelope = reply if isinstance(reply, dict) else {}
    code = code_of(envelope)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code is None:
        raise CommandUncertain(f"the platform answered HTTP {status}", reason=Reason.SERVER_ERROR)
    if code == StatusCode.INCOMPLETE:
        said = _message(envelope, "the platform calls the operation incomplete")
        raise CommandUncertain(f"{said} (code {code})", reason=Reason.SERVER_ERROR)
    if code == StatusCode.PARTIAL:
        return _partial(envelope)
    good = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if good and code is None and _is_page(body, reply):
        raise CommandUncertain(
            "the platform answered with something that is no result", reason=Reason.PROTOCOL
        )
    if good and not code:
        if request.expectation is None:
            return Outcome(status=Status.DONE, native_reply=reply)
        return Outcome(
            status=Status.ACCEPTED,
            native_reply=reply,
            expectation=_about_what_was_made(request.expectation, envelope),
        )
    return _refused(status, code, envelope, reply)


def is_unknown(status: int, body: bytes) -> bool:
    """Whether a refusal may mean that the platform knows the request under another spelling only.

    A refusal without a code, `status: error`, does not say.
    """
    reply = decoded(body)
    envelope = reply if isinstance(reply, dict) else {}
    code = code_of(envelope)
    if code is None:
        return status in _NO_SUCH_PATH
    said = envelope.get("statusCode", envelope.get("status"))
    return code in _UNKNOWN_TO_THE_PLATFORM or said == "error"


def is_access_denied(status: int, body: bytes) -> bool:
    """Whether an answer says that the HTTP session is not signed in: 403, not 401, and code 20 in the body."""
    if status != HTTPStatus.FORBIDDEN:
        return False
    reply = decoded(body)
    return isinstance(reply, dict) and code_of(reply) == StatusCode.NOT_AUTHENTICATED


def is_csrf_refusal(status: int, body: bytes) -> bool:
    """Whether an answer says that the CSRF token is missing or wrong: 403 with a text about it."""
    return status == HTTPStatus.FORBIDDEN and b"csrf" in body.lower()


def decoded(body: bytes) -> Any:
    """The JSON of an answer; None if it is empty or none."""
    try:
        return msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def code_of(envelope: Mapping[str, Any]) -> int | None:
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


def _about_what_was_made(expectation: Expectation, envelope: Mapping[str, Any]) -> Expectation:
    """The answer to Reply and ReplyAll names the new interaction: then the proof must be about it."""
    if expectation.subject is not None:
        return expectation
    made = next((envelope[name] for name in _MADE if isinstance(envelope.get(name), str)), None)
    if not made:
        return expectation
    return msgspec.structs.replace(expectation, subject=f"interaction/{made}")


def _is_page(body: bytes, reply: Any) -> bool:
    """An empty body is success by the reference; any other body that is no object is no result."""
    return bool(body.strip()) and not isinstance(reply, dict)


def _message(envelope: Mapping[str, Any], fallback: str) -> str:
    for name in ("statusMessage", "errorDescription", "description", "errorMessage", "message"):
        value = envelope.get(name)
        if isinstance(value, str) and value:
            return value[:_MAX_MESSAGE]
    return fallback


def _refused(status: int, code: int | None, envelope: dict[str, Any], reply: Any) -> Outcome:
    reason, meaning = Reason.REFUSED, f"the platform answered HTTP {status}"
    if code in _CODES:
        reason, meaning = _CODES[code]
    elif status == HTTPStatus.NOT_FOUND:
        reason = Reason.NOT_FOUND
    elif status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        reason = Reason.FORBIDDEN
    said = _message(envelope, meaning)
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=said if code is None else f"{said} (code {code})",
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
                parts[key] = _refused(HTTPStatus.OK, code_of(fields), fields, None)
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: "
        + ", ".join(key for key, part in parts.items() if part.status is Status.REFUSED),
        native_reply=envelope,
        parts=parts,
    )
