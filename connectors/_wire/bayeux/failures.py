"""What can go wrong under Bayeux: errors of aiohttp and HTTP statuses, classified once.

Anything but a 200 that holds Bayeux is a failure of the transport (CometD documentation, "HTTP
transports"). The session on the server outlives most of them, so these are judged by whether
events may have been written to the failed request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from connectors._wire.bayeux.steps import Failure
from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)

ClassifyHttp = Callable[[int, Mapping[str, str], bytes], ConnectionFailed | None]
"""A platform's view of an answer that is no Bayeux: status, headers, the start of the body."""

STALE_SECONDS = 0.25
DUPLICATE_CONNECT = 500
SERVER_ERRORS = 500
MAX_RETRY_AFTER_DIGITS = 5
TAKEN = frozenset({200, 408})


def of_transport(error: Exception, peer: str, elapsed_seconds: float) -> Failure:
    """The failure that an exception of aiohttp stands for."""
    match error:
        case aiohttp.ClientSSLError():
            return Failure(
                NotReady(f"no TLS connection to {peer}", reason=Reason.TLS), maybe_taken=False
            )
        case aiohttp.ClientConnectorDNSError():
            return Failure(
                NotReady(f"the name of {peer} cannot be resolved", reason=Reason.DNS),
                maybe_taken=False,
            )
        case aiohttp.ClientConnectorError():
            return Failure(
                NotReady(f"{peer} refuses connections", reason=Reason.REFUSED), maybe_taken=False
            )
        case aiohttp.ConnectionTimeoutError():
            return Failure(
                NotReady(f"{peer} does not take connections", reason=Reason.TIMEOUT),
                maybe_taken=False,
            )
        case TimeoutError():
            return Failure(NotReady(f"{peer} does not answer", reason=Reason.TIMEOUT))
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            # aiohttp does not repeat a POST on a kept-alive connection that the server had just closed.
            stale = elapsed_seconds < STALE_SECONDS
            return Failure(
                NotReady(f"{peer} closed the connection", reason=Reason.RESET),
                maybe_taken=not stale,
                stale=stale,
            )
        case aiohttp.ClientPayloadError():
            return Failure(NotReady(f"the answer of {peer} broke off", reason=Reason.RESET))
        case _:
            name = type(error).__name__
            return Failure(NotReady(f"{peer} cannot be used: {name}", reason=Reason.OTHER))


def of_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    peer: str,
    classify: ClassifyHttp | None,
) -> Failure:
    """The failure that an answer which is no Bayeux stands for."""
    special = classify(status, headers, body) if classify else None
    error = special or _by_status(status, headers, peer)
    return Failure(error, maybe_taken=status in TAKEN or status >= SERVER_ERRORS)


def too_large(peer: str, limit: int) -> Failure:
    """An answer longer than we read."""
    return Failure(
        NotReady(
            f"the answer of {peer} is longer than {limit} bytes",
            reason=Reason.TOO_LARGE,
            hint="raise max_reply_bytes",
        ),
        poisonous=True,
    )


def unreadable(peer: str) -> Failure:
    """An answer that claims to be Bayeux and is not."""
    return Failure(
        NotReady(f"the answer of {peer} is no Bayeux", reason=Reason.PROTOCOL), poisonous=True
    )


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


def _by_status(status: int, headers: Mapping[str, str], peer: str) -> ConnectionFailed:
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
            return NotReady(f"{peer} answers with a page, not Bayeux", reason=Reason.PROTOCOL)
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


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) <= MAX_RETRY_AFTER_DIGITS else None
