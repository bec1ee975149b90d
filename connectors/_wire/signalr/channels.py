"""The three ways frames travel, behind one face: `receive` gives the next payload.

An empty payload is a sign of life. Nothing of SignalR is understood here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import aiohttp

from connectors._wire.signalr.event_stream import EventStream, StreamTooLong
from connectors._wire.signalr.exchange import Exchange
from connectors._wire.signalr.requests import Request
from connectors._wire.signalr.values import Transport
from gateway.clock import Clock
from gateway.errors import ConnectionFailed, NotReady, Reason

Payload = bytes | str
STANDING_SECONDS = 2.0
# A server that answers every poll at once with nothing must not be polled in a loop.
SPIN_SECONDS = 0.2
MAX_SPINS = 3


class ChannelClosed(NotReady):
    """The server ended the transport in order: a shutdown, an abort, or another client with the same token."""


class Channel(Protocol):
    """One transport that is up."""

    @property
    def kind(self) -> Transport:
        """Which of the three it is."""
        ...

    @property
    def watched(self) -> bool:
        """Whether silence means that it is lost."""
        ...

    async def receive(self) -> Payload:
        """The next payload, empty for a sign of life. After an error or a cancellation only `close` may follow.

        Raises:
            ChannelClosed: the server ended it in order.
            ConnectionFailed: it broke.
        """
        ...

    async def close(self) -> None:
        """Let go of it. The server keeps the connection."""
        ...


class WebSocketChannel:
    """Text frames both ways."""

    kind = Transport.WEB_SOCKETS
    watched = True

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, exchange: Exchange) -> None:
        self._socket = socket
        self._exchange = exchange

    async def receive(self) -> Payload:
        """The next text frame."""
        try:
            message = await self._socket.receive()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._exchange.lost(error) from None
        match message.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                return message.data or b""
            case aiohttp.WSMsgType.CLOSE if message.data == aiohttp.WSCloseCode.OK:
                raise ChannelClosed(
                    f"{self._exchange.peer} closed the WebSocket", reason=Reason.SERVER_CLOSED
                )
            case aiohttp.WSMsgType.ERROR if (
                self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
            ):
                raise self._exchange.too_large()
            case _:
                raise NotReady(f"the WebSocket to {self._exchange.peer} broke", reason=Reason.RESET)

    async def send(self, text: str) -> None:
        """Send one text frame."""
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError) as error:
            raise self._exchange.lost(error) from None

    async def close(self) -> None:
        """Close in order, and wait for the server's answer a moment."""
        await self._socket.close()


class EventStreamChannel:
    """Server-sent events; calls of ours go by POST."""

    kind = Transport.SERVER_SENT_EVENTS
    watched = True

    def __init__(
        self, response: aiohttp.ClientResponse, exchange: Exchange, *, max_bytes: int
    ) -> None:
        self._response = response
        self._exchange = exchange
        self._events = EventStream(max_bytes)
        self._ready: deque[bytes] = deque()

    async def receive(self) -> Payload:
        """The data of the next event."""
        if not self._ready:
            try:
                chunk = await self._response.content.readany()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._exchange.lost(error) from None
            if not chunk:
                raise ChannelClosed(
                    f"{self._exchange.peer} ended the stream", reason=Reason.SERVER_CLOSED
                )
            try:
                self._ready.extend(self._events.feed(chunk))
            except StreamTooLong:
                raise self._exchange.too_large() from None
        data = self._ready.popleft() if self._ready else b""
        return b"" if data == b"initialized" else data

    async def close(self) -> None:
        """Close the stream."""
        self._response.close()


class PollingChannel:
    """Long polls, one after the other, each asked for only when the one before was taken.

    A server that pads an open poll with spaces is watched for silence; with another, a poll that
    stands counts as a sign of life.
    """

    kind = Transport.LONG_POLLING

    def __init__(
        self,
        exchange: Exchange,
        first: Request | None,
        following: Callable[[], Request],
        *,
        poll_seconds: float,
        standing_seconds: float = STANDING_SECONDS,
        spin_pause_seconds: float,
        max_bytes: int,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._first = first
        self._following = following
        self._poll_seconds = poll_seconds
        self._standing_seconds = standing_seconds
        self._spin_pause_seconds = spin_pause_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._asking: asyncio.Task[bytes] | None = None
        self._heard = False
        self._padded = False
        self._asked_at = 0.0
        self._spins = 0
        self.delay_seconds = 0.0

    @property
    def watched(self) -> bool:
        """Whether the server pads polls."""
        return self._padded

    async def receive(self) -> Payload:
        """The body of the next poll, or nothing when the poll still stands."""
        if self._asking is None:
            pause = max(self.delay_seconds, self._spin_pause_seconds * (self._spins > MAX_SPINS))
            self.delay_seconds = 0.0
            if pause:
                await self._clock.sleep(pause)
            request, self._first = self._first or self._following(), None
            self._asked_at = self._clock.monotonic()
            self._asking = asyncio.create_task(
                self._ask(request), name=f"{self._exchange.peer} poll"
            )
        while not await self._is_answered(self._asking):
            if self._heard or not self._padded:
                self._heard = False
                return b""
        asking, self._asking = self._asking, None
        body = asking.result()
        at_once = self._clock.monotonic() - self._asked_at < SPIN_SECONDS
        empty = not body or b'"M":[]' in body.replace(b" ", b"")
        self._spins = self._spins + 1 if at_once and empty else 0
        return body

    async def close(self) -> None:
        """Break the poll off. What was written to it comes again, for the cursor stays."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
            await asyncio.wait({asking})
            if not asking.cancelled():
                asking.exception()

    async def _is_answered(self, asking: asyncio.Task[bytes]) -> bool:
        await asyncio.wait({asking}, timeout=self._standing_seconds)
        return asking.done()

    async def _ask(self, request: Request) -> bytes:
        async with await self._exchange.poll(request, seconds=self._poll_seconds) as response:
            chunks: list[bytes] = []
            size = 0
            try:
                async for chunk in response.content.iter_any():
                    if not size and not chunk.strip():
                        self._padded = True
                        self._heard = True
                        continue
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > self._max_bytes:
                        response.close()
                        raise self._exchange.too_large()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._exchange.lost(error) from None
            return b"".join(chunks).strip()


def is_refusal(error: ConnectionFailed) -> bool:
    """Whether the server understood the token and will not have it (HTTP 400 and 403)."""
    return error.reason in {Reason.CLIENT_ERROR, Reason.FORBIDDEN}
