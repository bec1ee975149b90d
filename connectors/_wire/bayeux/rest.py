"""REST requests beside a CometD session: their faults, classified as those of the session are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from connectors._wire.bayeux import failures
from gateway.clock import Clock
from gateway.errors import CommandUncertain, NotConnected, Reason

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class TooLarge(Exception):
    """A reply is longer than we read."""


async def read_whole(reply: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body. Raises TooLarge: it is longer than the limit, and was not read further."""
    chunks, size = [], 0
    async for chunk in reply.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            reply.close()
            raise TooLarge
    return b"".join(chunks)


@contextmanager
def asking(peer: str, clock: Clock, limit: int) -> Iterator[None]:
    """A request that changes nothing: without an answer it raises NotReady."""
    started = clock.monotonic()
    try:
        yield
    except TooLarge:
        raise failures.too_large(peer, limit).error from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        elapsed = clock.monotonic() - started
        raise failures.of_transport(error, peer, elapsed).error from error


@contextmanager
def commanding(peer: str) -> Iterator[None]:
    """A request that may change something: it raises NotConnected (not sent) or CommandUncertain (answer lost)."""
    try:
        yield
    except _NOT_SENT as error:
        failure = failures.of_transport(error, peer, 0.0).error
        raise NotConnected(failure.message, reason=failure.reason) from error
    except TooLarge:
        raise CommandUncertain(
            f"the answer of {peer} is too long to be read", reason=Reason.TOO_LARGE
        ) from None
    except TimeoutError as error:
        raise CommandUncertain(f"{peer} does not answer", reason=Reason.TIMEOUT) from error
    except (aiohttp.ClientError, OSError) as error:
        raise CommandUncertain(
            f"the connection to {peer} broke before the answer", reason=Reason.RESET
        ) from error
