"""What goes wrong under every protocol on HTTP: errors of aiohttp and HTTP statuses, classified once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)

ClassifyHttp = Callable[[int, Mapping[str, str], bytes], ConnectionFailed | None]
"""A platform's view of an answer that is not of the protocol: status, headers, the start of the body."""

SERVER_ERRORS = 500
MAX_RETRY_AFTER_DIGITS = 5


def of_exception(error: Exception, peer: str) -> NotReady:
    """The error that an exception of aiohttp stands for."""
    match error:
        case aiohttp.ClientSSLError():
            return NotReady(f"no TLS connection to {peer}", reason=Reason.TLS)
        case aiohttp.ClientConnectorDNSError():
            return NotReady(f"the name of {peer} cannot be resolved", reason=Reason.DNS)
        case aiohttp.ClientConnectorError():
            return NotReady(f"{peer} refuses connections", reason=Reason.REFUSED)
        case aiohttp.ConnectionTimeoutError():
            return NotReady(f"{peer} does not take connections", reason=Reason.TIMEOUT)
        case TimeoutError():
            return NotReady(f"{peer} does not answer", reason=Reason.TIMEOUT)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return NotReady(f"{peer} closed the connection", reason=Reason.RESET)
        case aiohttp.ClientPayloadError():
            return NotReady(f"the answer of {peer} broke off", reason=Reason.RESET)
        case _:
            name = type(error).__name__
            return NotReady(f"{peer} cannot be used: {name}", reason=Reason.OTHER)


def of_status(
    status: int, headers: Mapping[str, str], peer: str, *, protocol: str
) -> ConnectionFailed:
    """The error that an answer stands for which is not of `protocol`."""
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        host = urlsplit(headers.get("Location", "")).hostname or "itself"
        return NotReady(
            f"{peer} redirects to {host}; redirects are not followed",
            reason=Reason.REDIRECT,
            hint="set the URL it redirects to, or log in first",
        )
    message = f"{peer} answers HTTP {status}"
    wait = _retry_after(headers)
    match status:
        case 200:
            return NotReady(f"{peer} answers with a page, not {protocol}", reason=Reason.PROTOCOL)
        case 401:
            return AuthRejected(message, reason=Reason.AUTH)
        case 403:
            return AuthRejected(message, reason=Reason.FORBIDDEN)
        case 404:
            return NotReady(message, reason=Reason.NOT_FOUND, hint="check the URL")
        case 408:
            return NotReady(message, reason=Reason.TIMEOUT)
        case 410:
            return NotReady(message, reason=Reason.GONE)
        case 429:
            return NotReady(message, reason=Reason.RATE_LIMITED, retry_after_seconds=wait)
        case _ if status >= SERVER_ERRORS:
            return NotReady(message, reason=Reason.SERVER_ERROR, retry_after_seconds=wait)
        case _:
            return NotReady(message, reason=Reason.CLIENT_ERROR)


def is_final(error: ConnectionFailed) -> bool:
    """Whether a repetition of the same request is pointless."""
    return isinstance(error, AuthRejected | ProtocolViolation) or error.reason is Reason.REDIRECT


def as_lost(error: ConnectionFailed) -> ConnectionFailed:
    """The error for one who was connected: not-ready becomes not-connected."""
    if not isinstance(error, NotReady):
        return error
    return NotConnected(
        error.message,
        reason=error.reason,
        hint=error.hint,
        retry_after_seconds=error.retry_after_seconds,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) <= MAX_RETRY_AFTER_DIGITS else None
