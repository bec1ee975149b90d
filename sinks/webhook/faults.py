"""Turns the HTTP library's exceptions into judgements, in the one place where they are caught."""

from __future__ import annotations

import ssl

import aiohttp

from gateway.errors import Reason
from sinks.webhook.addresses import AddressForbidden
from sinks.webhook.answers import Judgement, Verdict


def judge_fault(error: Exception, peer: str, timeout_seconds: float) -> Judgement:
    """What a failed request means: never that the event is bad, always that the receiver cannot be reached now."""
    reason, what = _describe(error, timeout_seconds)
    return Judgement(Verdict.HOLD_ALL, reason, f"{peer}: {what}")


def _describe(error: Exception, timeout_seconds: float) -> tuple[Reason, str]:
    if forbidden := _forbidden(error):
        return (
            Reason.ADDRESS_FORBIDDEN,
            f"{forbidden} (public addresses only; see `allow_private` and `allow_networks`)",
        )
    match error:
        case TimeoutError():
            return Reason.TIMEOUT, f"no answer within {timeout_seconds:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return Reason.TLS, "the certificate is not trusted (see `ca_file`)"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Reason.TLS, "TLS could not be established"
        case aiohttp.ClientConnectorDNSError():
            return Reason.DNS, "the host's name has no address"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return Reason.REFUSED, "the connection was refused"
        case aiohttp.InvalidURL() | UnicodeError():
            return Reason.CONFIG, "the host in `url` is not valid"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return Reason.PROTOCOL, "the answer is not HTTP"
        case _:
            return Reason.RESET, "the connection was lost"


def _forbidden(error: BaseException | None) -> AddressForbidden | None:
    """An address that was refused, wherever the library wrapped it."""
    while error is not None:
        if isinstance(error, AddressForbidden):
            return error
        inner = getattr(error, "os_error", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return None
