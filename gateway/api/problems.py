"""Every error that the API answers with, in one table: problem documents with stable types.

Source: RFC 9457 (Problem Details for HTTP APIs), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from aiohttp import web

from gateway.errors import (
    AttachmentRefused,
    CommandRefused,
    ConnectionFailed,
    JournalError,
    JournalFull,
    Reason,
    TielineError,
)

CONTENT_TYPE = "application/problem+json"
PREFIX = "urn:tieline:problem:"
_RETRY_SOON_SECONDS = 1
_RETRY_LATER_SECONDS = 5


class Kind(Enum):
    """The types of problem: the end of the URN, the status, the title. A client may rely on all three."""

    MALFORMED_JSON = ("malformed-json", HTTPStatus.BAD_REQUEST, "The body is not JSON")
    INVALID_QUERY = ("invalid-query", HTTPStatus.BAD_REQUEST, "A query parameter is wrong")
    INVALID_HEADER = ("invalid-header", HTTPStatus.BAD_REQUEST, "A header is wrong")
    UNAUTHENTICATED = ("unauthenticated", HTTPStatus.UNAUTHORIZED, "A valid token is needed")
    FORBIDDEN = ("forbidden", HTTPStatus.FORBIDDEN, "The token does not allow this")
    NOT_FOUND = ("not-found", HTTPStatus.NOT_FOUND, "There is no such resource")
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The resource does not take this method",
    )
    BODY_TIMEOUT = ("body-timeout", HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly")
    TOO_LARGE = ("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported-media-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json",
    )
    UNKNOWN_HOST = (
        "unknown-host",
        HTTPStatus.MISDIRECTED_REQUEST,
        "The Host header names another server",
    )
    INVALID_REQUEST = (
        "invalid-request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A field of the body is wrong",
    )
    UNKNOWN_CONNECTOR = (
        "unknown-connector",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "There is no such connector",
    )
    UNSUPPORTED_COMMAND = (
        "unsupported-command",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The platform does not take this command",
    )
    INVALID_COMMAND = (
        "invalid-command",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The target or an argument of the command is wrong",
    )
    KEY_REUSED = (
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The idempotency key belongs to another request",
    )
    ALREADY_SENT = (
        "already-sent",
        HTTPStatus.CONFLICT,
        "The command cannot be cancelled any more",
    )
    ATTACHMENT_TOO_LARGE = (
        "attachment-too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The attachment is larger than is allowed",
    )
    INVALID_ATTACHMENT = (
        "invalid-attachment",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The name or the type of the attachment is wrong",
    )
    ATTACHMENTS_FULL = (
        "attachments-full",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "There is no room for another attachment",
    )
    INVALID_CONFIGURATION = (
        "invalid-configuration",
        HTTPStatus.CONFLICT,
        "The configuration file is wrong, and nothing was changed",
    )
    REPLAY_PENDING = (
        "replay-pending",
        HTTPStatus.CONFLICT,
        "Another replay is about to begin",
    )
    NOT_IN_JOURNAL = (
        "not-in-journal",
        HTTPStatus.CONFLICT,
        "The journal does not hold this place",
    )
    RATE_LIMITED = ("rate-limited", HTTPStatus.TOO_MANY_REQUESTS, "Too much at once")
    COMMAND_REFUSED = ("command-refused", HTTPStatus.CONFLICT, "The command was refused")
    JOURNAL_FULL = ("journal-full", HTTPStatus.SERVICE_UNAVAILABLE, "The journal has no room")
    UNAVAILABLE = ("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The gateway cannot do it now")
    BAD_REQUEST = ("bad-request", HTTPStatus.BAD_REQUEST, "The request is wrong")
    INTERNAL = ("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway failed")

    @property
    def urn(self) -> str:
        """The `type` of the problem document."""
        return PREFIX + self.value[0]

    @property
    def status(self) -> HTTPStatus:
        """The status of the response."""
        return self.value[1]

    @property
    def title(self) -> str:
        """The same for every problem of this type."""
        return self.value[2]


class Problem(Exception):
    """Ends a request with a problem document.

    Attributes:
        detail: what is wrong with this request, and what would help; never a secret.
        errors: fields that are wrong, each `{"field": ..., "detail": ...}`.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The response."""
        document: dict[str, Any] = {
            "type": self.kind.urn,
            "title": self.kind.title,
            "status": int(self.kind.status),
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return web.Response(
            status=self.kind.status,
            body=msgspec.json.encode(document),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def unauthenticated(detail: str, *, error: str | None = None) -> Problem:
    """The problem (401) with its challenge. Source: RFC 6750, section 3."""
    challenge = 'Bearer realm="tieline"'
    if error is not None:
        challenge += f', error="{error}"'
    return Problem(Kind.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})


_OF_REASON = {
    Reason.NOT_FOUND: Kind.UNKNOWN_CONNECTOR,
    Reason.UNSUPPORTED: Kind.UNSUPPORTED_COMMAND,
    Reason.INVALID: Kind.INVALID_COMMAND,
    Reason.RATE_LIMITED: Kind.RATE_LIMITED,
    Reason.STOPPED: Kind.UNAVAILABLE,
    Reason.CONFLICT: Kind.ALREADY_SENT,
}
_OF_ATTACHMENT = {
    Reason.TOO_LARGE: Kind.ATTACHMENT_TOO_LARGE,
    Reason.INVALID: Kind.INVALID_ATTACHMENT,
}
_RETRY_AFTER = {
    Kind.RATE_LIMITED: _RETRY_SOON_SECONDS,
    Kind.UNAVAILABLE: _RETRY_SOON_SECONDS,
    Kind.JOURNAL_FULL: _RETRY_LATER_SECONDS,
    Kind.ATTACHMENTS_FULL: _RETRY_LATER_SECONDS,
}


def of_error(error: TielineError) -> Problem:
    """The problem that tells of one of our own errors, by its class and reason."""
    kind = Kind.INTERNAL
    if isinstance(error, CommandRefused):
        kind = _OF_REASON.get(error.reason, Kind.COMMAND_REFUSED)
    elif isinstance(error, AttachmentRefused):
        kind = _OF_ATTACHMENT.get(error.reason, Kind.ATTACHMENTS_FULL)
    elif isinstance(error, JournalFull):
        kind = Kind.JOURNAL_FULL
    elif isinstance(error, (ConnectionFailed, JournalError)):
        kind = Kind.UNAVAILABLE
    elif error.reason is Reason.CONFLICT:
        kind = Kind.KEY_REUSED
    seconds = getattr(error, "retry_after_seconds", None) or _RETRY_AFTER.get(kind)
    headers = None if seconds is None else {"Retry-After": str(max(1, ceil(seconds)))}
    detail = kind.title if kind is Kind.INTERNAL else str(error)
    errors = ()
    field, colon, rest = error.message.partition(": ")
    if kind.status is HTTPStatus.UNPROCESSABLE_ENTITY and colon:
        return Problem(kind, detail, errors=[{"field": field, "detail": rest}], headers=headers)
    return Problem(kind, detail, errors=errors, headers=headers)


_OF_STATUS = {
    HTTPStatus.NOT_FOUND: Kind.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Kind.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Kind.TOO_LARGE,
}


def of_http(error: web.HTTPException, request: web.Request) -> Problem:
    """The problem for an answer that the web server itself would have given."""
    kind = _OF_STATUS.get(HTTPStatus(error.status), Kind.BAD_REQUEST)
    details = {
        Kind.NOT_FOUND: f"there is nothing at {request.path}",
        Kind.METHOD_NOT_ALLOWED: f"{request.path} does not take {request.method}",
    }
    kept = {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    return Problem(kind, details.get(kind, kind.title), headers=kept)
