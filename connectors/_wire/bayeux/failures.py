"""What can go wrong under Bayeux: errors of aiohttp and HTTP statuses, classified once.

Anything but a 200 that holds Bayeux is a failure of the transport (CometD documentation, "HTTP
transports"). The session on the server outlives most of them, so these are judged by whether
events may have been written to the failed request.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from connectors._wire import http_errors
from connectors._wire.bayeux.steps import Failure
from connectors._wire.http_errors import ClassifyHttp
from gateway.errors import NotReady, Reason

STALE_SECONDS = 0.25
DUPLICATE_CONNECT = 500
TAKEN = frozenset({200, 408})


def of_transport(error: Exception, peer: str, elapsed_seconds: float) -> Failure:
    """The failure that an exception of aiohttp stands for."""
    failed = http_errors.of_exception(error, peer)
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Failure(failed, maybe_taken=False)
        case TimeoutError():
            return Failure(failed)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            # aiohttp does not repeat a POST on a kept-alive connection that the server had just closed.
            stale = elapsed_seconds < STALE_SECONDS
            return Failure(failed, maybe_taken=not stale, stale=stale)
        case _:
            return Failure(failed)


def of_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    peer: str,
    classify: ClassifyHttp | None,
) -> Failure:
    """The failure that an answer which is no Bayeux stands for."""
    special = classify(status, headers, body) if classify else None
    error = special or http_errors.of_status(status, headers, peer, protocol="Bayeux")
    return Failure(error, maybe_taken=status in TAKEN or status >= http_errors.SERVER_ERRORS)


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
