"""How frames leave the simulated SignalR server: WebSocket, server-sent events, long polling.

The forms are those of Microsoft.AspNet.SignalR.Core 2.2 (Transports: WebSocketTransport, ServerSentEventsTransport,
LongPollingTransport). A closed socket is no end of the connection: only /abort or the disconnect timeout is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from connectors._simulation.signalr_protocol import SignalROptions, envelope
from connectors._simulation.signalr_session import End, Frame, Stream

LOOK_SECONDS = 0.25
"""How often an idle stream looks whether its socket is still there."""
JSON_TYPE = "application/json; charset=UTF-8"


class Source(Protocol):
    """Where streams get their frames."""

    options: SignalROptions

    def take(self, stream: Stream) -> Frame | None:
        """The next frame, if there is one; the stream's positions move on."""

    def sent(self, stream: Stream, frame: Frame) -> None:
        """The frame went out on an open socket."""

    def cursor(self, stream: Stream) -> str:
        """Where the stream is."""

    def is_silent(self, stream: Stream) -> bool:
        """Whether keep-alives are withheld."""

    def is_cut(self, stream: Stream) -> bool:
        """Whether the socket is to go instead of the next frame."""

    async def invoke(self, stream: Stream, data: str) -> bytes:
        """Carry out a client's call and return the result."""


def is_gone(request: web.Request) -> bool:
    """Whether the client's side of the connection is closed."""
    return request.transport is None or request.transport.is_closing()


def cut(request: web.Request) -> None:
    """Close the socket without a word."""
    if request.transport is not None:
        request.transport.abort()


async def pump(
    request: web.Request,
    source: Source,
    stream: Stream,
    write: Callable[[bytes], Awaitable[None]],
    keep_alive: bytes,
) -> None:
    """Write frames, and keep-alives between them, until the stream ends or the client is gone."""
    last = time.monotonic()
    while stream.ended is None and not is_gone(request):
        frame = source.take(stream)
        if frame is not None:
            if source.is_cut(stream):
                cut(request)
                return
            await write(frame.body)
            if is_gone(request):
                return
            source.sent(stream, frame)
            last = time.monotonic()
            continue
        pause = source.options.keep_alive_seconds - (time.monotonic() - last)
        if pause > 0:
            await stream.wait(min(pause, LOOK_SECONDS))
            continue
        last = time.monotonic()
        if not source.is_silent(stream):
            await write(keep_alive)
    if stream.ended is End.CUT:
        cut(request)


async def web_socket(request: web.Request, source: Source, stream: Stream) -> web.StreamResponse:
    """Both ways on one socket; the server closes it with 1000, whatever the reason."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)

    async def send() -> None:
        try:
            await pump(
                request,
                source,
                stream,
                lambda body: socket.send_str(body.decode(errors="replace")),
                b"{}",
            )
        except ConnectionError:
            return
        await socket.close(code=WSCloseCode.OK)

    writer = asyncio.create_task(send(), name=f"signalr socket {stream.connection.id}")
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            result = await source.invoke(stream, message.data)
            await socket.send_str(result.decode())
    except ConnectionError:
        pass
    finally:
        stream.finish(End.CUT if is_gone(request) else End.REPLACED)
        await asyncio.wait([writer])
    writer.result()
    return socket


async def server_sent_events(
    request: web.Request, source: Source, stream: Stream
) -> web.StreamResponse:
    """An event stream, every frame on one line; the first event says that the stream is open."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(request)

    async def write(body: bytes) -> None:
        await response.write(b"data: " + body + b"\n\n")

    try:
        await write(b"initialized")
        await pump(request, source, stream, write, b"{}")
        if not is_gone(request):
            await response.write_eof()
    except ConnectionError:
        cut(request)
    return response


async def long_poll(request: web.Request, source: Source, stream: Stream) -> web.StreamResponse:
    """One frame, or an empty one when the time is up; headers at once, spaces for keep-alives."""
    response = web.StreamResponse(headers={"Content-Type": JSON_TYPE, "Cache-Control": "no-cache"})
    options = source.options
    try:
        await response.prepare(request)
        begun = last = time.monotonic()
        frame: Frame | None = None
        while stream.ended is None and not is_gone(request):
            frame = source.take(stream)
            now = time.monotonic()
            left = options.connection_timeout_seconds - (now - begun)
            if frame is not None or left <= 0:
                break
            pause = options.keep_alive_seconds - (now - last)
            if pause <= 0:
                last = now
                if not source.is_silent(stream):
                    await response.write(b" ")
                continue
            await stream.wait(min(pause, left, LOOK_SECONDS))
        if stream.ended is End.CUT or is_gone(request) or (frame and source.is_cut(stream)):
            cut(request)
            return response
        if frame is None:
            terminal = stream.ended is End.SHUTDOWN
            frame = Frame(envelope(source.cursor(stream), terminal=terminal))
        await response.write_eof(frame.body)
        if not is_gone(request):
            source.sent(stream, frame)
    except ConnectionError:
        cut(request)
    return response
