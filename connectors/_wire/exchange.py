"""One HTTP request and its whole answer: bounded, under a deadline, and every fault classified.

What a status means is the platform's; here only what lies under it. A request that may change
something and whose answer is lost is uncertain: it may have been carried out. One that certainly
never left, or that changes nothing, is not.
"""

from __future__ import annotations

import ssl as tls
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

from connectors._wire import http_errors
from gateway.errors import CommandUncertain, NotReady, Reason


class Reply(NamedTuple):
    """An answer. `reason` is the phrase after the status, in which some servers say what is wrong."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reason: str = ""


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    peer: str,
    headers: Mapping[str, str],
    timeout_seconds: float,
    max_bytes: int,
    data: bytes | None = None,
    ssl: tls.SSLContext | bool = True,
    changes: bool,
) -> Reply:
    """Send one request and read its answer to the end, whatever its status. Redirects are not followed.

    `changes` says that the request may change something on the platform.
    Raises NotReady when it was not sent, or changes nothing and was not answered, or its answer is
    longer than `max_bytes` (TOO_LARGE); CommandUncertain when it changes something and was sent,
    and no whole answer came.
    """
    try:
        async with http.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            ssl=ssl,
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        ) as answer:
            body = await _read(answer, max_bytes)
            if body is None:
                raise _too_large(peer, max_bytes, changes=changes)
            return Reply(answer.status, answer.headers, body, answer.reason or "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        failure = http_errors.of_exception(error, peer)
        unsent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        if unsent or not changes:
            raise failure from error
        raise CommandUncertain(failure.message, reason=failure.reason) from error


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, none if it is longer than the limit."""
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            answer.close()
            return None
    return b"".join(chunks)


def _too_large(peer: str, limit: int, *, changes: bool) -> NotReady | CommandUncertain:
    message, hint = f"{peer} answers with more than {limit} bytes", "raise max_reply_bytes"
    if changes:
        return CommandUncertain(message, reason=Reason.TOO_LARGE, hint=hint)
    return NotReady(message, reason=Reason.TOO_LARGE, hint=hint)
