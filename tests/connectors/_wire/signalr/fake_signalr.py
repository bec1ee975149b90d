"""A small classic SignalR server for tests of the client, with switches for what real ones do wrong.

It keeps one buffer per topic (`A` is for everybody, `B` stands for the connection's own) and knows
what the client must be told apart by: the mark of its process, cursors, tokens and close codes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
Write = Callable[[str], Awaitable[None]]


class Topic:
    """A ring buffer; `None` is a command, which no client sees."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.first = 0
        self.items: list[Any] = []

    @property
    def next(self) -> int:
        """The index that the next item gets."""
        return self.first + len(self.items)

    def add(self, item: Any) -> None:
        """Add an item, dropping the oldest if the buffer is full."""
        self.items.append(item)
        if len(self.items) > self.size:
            self.items.pop(0)
            self.first += 1

    def after(self, index: int, limit: int) -> tuple[list[Any], int]:
        """Items from `index` on as far as they are kept, and the index after them."""
        start = max(index, self.first)
        items = self.items[start - self.first :][:limit]
        return items, start + len(items)


class Connection:
    """One connection of a client."""

    def __init__(self, number: int) -> None:
        self.id = f"id-{number}"
        self.token = f"token+{number}/="
        self.started = False
        self.aborted = False
        self.transport = ""
        self.holder: asyncio.Event | None = None
        self.line: asyncio.BaseTransport | None = None

    def held_by(self, request: web.Request) -> asyncio.Event:
        """The request holds the connection from now on."""
        self.line = request.transport
        self.holder = asyncio.Event()
        return self.holder

    def let_go(self, holder: asyncio.Event) -> None:
        """That request is over."""
        if self.holder is holder:
            self.holder = self.line = None


class FakeSignalR:
    """The server. `on[path]` holds faults, each used up by one request."""

    def __init__(self, **options: Any) -> None:
        self.ring = options.pop("ring", 1000)
        self.keep_alive_seconds = options.pop("keep_alive_seconds", 0.1)
        self.poll_seconds = options.pop("poll_seconds", 5.0)
        self.negotiation: dict[str, Any] = {
            "KeepAliveTimeout": 20.0,
            "DisconnectTimeout": 30.0,
            "ConnectionTimeout": 110.0,
            "TransportConnectTimeout": 5.0,
            "TryWebSockets": True,
            "ProtocolVersion": "1.5",
            "Url": "/signalr",
        } | options
        self.padding = True
        self.silent = False
        self.poll_delay_ms: int | None = None
        self.processes = 0
        self.connections: dict[str, Connection] = {}
        self.issued = 0
        self.on: dict[str, list[Fault]] = {}
        self.unanswered: list[tuple[web.WebSocketResponse, dict[str, Any]]] = []
        self.seen: list[str] = []
        self.requests: list[web.Request] = []
        self.forms: list[dict[str, str]] = []
        self.changed = asyncio.Event()
        self.groups_token: str | None = None
        self.url = ""
        self.restart()

    def restart(self) -> None:
        """Another process: new mark, empty buffers, all streams cut; tokens still hold."""
        self.processes += 1
        self.prefix = f"d-{self.processes:08X}-"
        self.topics = {name: Topic(self.ring) for name in "AB"}
        self.cut()

    def cut(self) -> None:
        """Break every open stream and poll."""
        for connection in self.connections.values():
            if connection.line is not None:
                connection.line.abort()
            self.release(connection)

    def release(self, connection: Connection) -> None:
        """End the stream that holds a connection."""
        if connection.holder is not None:
            connection.holder.set()
            connection.let_go(connection.holder)
        self.wake()

    def publish(self, *values: Any, topic: str = "A") -> None:
        """To everybody who is or comes back, one message each."""
        for value in values:
            self.topics[topic].add({"H": "hub", "M": "onEvent", "A": [value]})
        self.wake()

    def command(self, topic: str = "B") -> None:
        """Move a topic on without a message."""
        self.topics[topic].add(None)
        self.wake()

    def wake(self) -> None:
        """Look again."""
        self.changed.set()
        self.changed = asyncio.Event()

    def count(self, path: str) -> int:
        """How many requests of that path came."""
        return self.seen.count(path)

    @property
    def held(self) -> int:
        """How many streams and polls are open."""
        return sum(c.holder is not None for c in self.connections.values())

    def cursor(self, position: dict[str, int]) -> str:
        """A position as the client gets it."""
        return self.prefix + "|".join(f"{key},{index:X}" for key, index in position.items())

    def position(self, text: str | None) -> dict[str, int]:
        """The position of a cursor; the present one if it is of another process."""
        if not text or not text.startswith(self.prefix):
            return {name: topic.next for name, topic in self.topics.items()}
        pairs = (part.split(",") for part in text.removeprefix(self.prefix).split("|"))
        return {key: int(index, 16) for key, index in pairs}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        path = request.match_info["path"]
        self.seen.append(path)
        self.requests.append(request)
        form = {k: str(v) for k, v in (await request.post()).items()}
        self.forms.append(form)
        if self.on.get(path):
            return await self.on[path].pop(0)(request)
        if path == "negotiate":
            return web.json_response(self.negotiate())
        if path == "ping":
            return web.json_response({"Response": "pong"})
        connection = self.connections.get(request.query.get("connectionToken", ""))
        if connection is None:
            return web.Response(status=400, text="The ConnectionId is in the incorrect format.")
        return await self._handle_known(request, connection, form)

    async def _handle_known(
        self, request: web.Request, connection: Connection, form: dict[str, str]
    ) -> web.StreamResponse:
        path = request.match_info["path"]
        if path == "start":
            connection.started = True
            return web.Response(text='{ "Response": "started" }')
        if path == "abort":
            connection.aborted = True
            self.release(connection)
            return web.Response()
        if path == "send":
            return web.Response(text=self.answer(json.loads(form["data"])))
        transport = request.query["transport"]
        position = self.position(request.query.get("messageId") or form.get("messageId"))
        begins = path == "connect"
        if begins:
            connection.transport = transport
        if transport == "webSockets":
            return await self._web_socket(request, connection, position)
        if transport == "serverSentEvents":
            return await self._event_stream(request, connection, position)
        return await self._poll(request, connection, position, begins=begins)

    def negotiate(self) -> dict[str, Any]:
        """A new connection."""
        self.issued += 1
        connection = Connection(self.issued)
        self.connections[connection.token] = connection
        return {
            **self.negotiation,
            "ConnectionId": connection.id,
            "ConnectionToken": connection.token,
        }

    def answer(self, call: dict[str, Any]) -> str:
        """What a method returns: its arguments."""
        if call["M"] == "fail":
            return json.dumps({"I": str(call["I"]), "E": "it failed"})
        return json.dumps({"R": call["A"], "I": str(call["I"])})

    def frame(self, position: dict[str, int], limit: int, **more: Any) -> str | None:
        """The next frame, moving `position`; none if there is nothing to tell."""
        entries: list[Any] = []
        moved = False
        for key, topic in self.topics.items():
            if key not in position:
                continue
            items, index = topic.after(position[key], limit)
            moved = moved or index != position[key]
            position[key] = index
            entries += [item for item in items if item is not None]
        if not moved and not more:
            return None
        if self.groups_token is not None:
            more["G"], self.groups_token = self.groups_token, None
        return json.dumps({"C": self.cursor(position), **more, "M": entries})

    @contextmanager
    def _hold(self, request: web.Request, connection: Connection) -> Iterator[asyncio.Event]:
        self.release(connection)
        mine = connection.held_by(request)
        try:
            yield mine
        finally:
            connection.let_go(mine)

    async def _stream(
        self,
        request: web.Request,
        connection: Connection,
        position: dict[str, int],
        write: Write,
    ) -> None:
        with self._hold(request, connection) as mine:
            if request.match_info["path"] == "connect":
                await write(self.frame(position, 0, S=1) or "")
            while not mine.is_set():
                changed = self.changed
                frame = None if self.silent else self.frame(position, 10)
                if frame is not None:
                    await write(frame)
                    await asyncio.sleep(0)
                    continue
                try:
                    async with asyncio.timeout(self.keep_alive_seconds):
                        await changed.wait()
                except TimeoutError:
                    if not self.silent:
                        await write("{}")

    async def _web_socket(
        self,
        request: web.Request,
        connection: Connection,
        position: dict[str, int],
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if connection.aborted:
            await socket.close()
            return socket
        sending = asyncio.create_task(self._stream(request, connection, position, socket.send_str))
        receiving = asyncio.create_task(self._calls(socket))
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
        await socket.close()
        return socket

    async def _calls(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                call = json.loads(message.data)
                if call["M"] == "hold":
                    self.unanswered.append((socket, call))
                else:
                    await socket.send_str(self.answer(call))

    async def let_go(self) -> None:
        """Answer the calls of `hold`, which on a WebSocket have no answer until now."""
        held, self.unanswered = self.unanswered, []
        for socket, call in held:
            await socket.send_str(self.answer(call))

    async def _event_stream(
        self,
        request: web.Request,
        connection: Connection,
        position: dict[str, int],
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def write(text: str) -> None:
            await response.write(f"data: {text}\r\n\r\n".encode())

        await write("initialized")
        if not connection.aborted:
            await self._stream(request, connection, position, write)
        return response

    async def _poll(
        self,
        request: web.Request,
        connection: Connection,
        position: dict[str, int],
        *,
        begins: bool,
    ) -> web.StreamResponse:
        if begins:
            return web.Response(text=self.frame(position, 0, S=1) or "")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if self.padding:
            await response.prepare(request)
        with self._hold(request, connection) as mine:
            frame = await self._next(response, position, mine)
        return await self._finish(request, response, frame)

    async def _next(
        self, response: web.StreamResponse, position: dict[str, int], mine: asyncio.Event
    ) -> str:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.poll_seconds
        while not mine.is_set() and loop.time() < until:
            changed = self.changed
            frame = None if self.silent else self.frame(position, 5000)
            if frame is not None:
                return frame
            try:
                async with asyncio.timeout(self.keep_alive_seconds):
                    await changed.wait()
            except TimeoutError:
                if self.padding and not self.silent:
                    await response.write(b" ")
        more = {} if self.poll_delay_ms is None else {"L": self.poll_delay_ms}
        return self.frame(position, 0, **more, W=1) or ""

    async def _finish(
        self, request: web.Request, response: web.StreamResponse, frame: str
    ) -> web.StreamResponse:
        if not response.prepared:
            await response.prepare(request)
        await response.write(frame.encode())
        await response.write_eof()
        return response


def status(code: int, text: str = "", headers: dict[str, str] | None = None) -> Fault:
    """Answer with that status."""

    async def fault(_: web.Request) -> web.Response:
        return web.Response(status=code, text=text, headers=headers)

    return fault


def reply(text: str, content_type: str = "application/json") -> Fault:
    """Answer with that body."""

    async def fault(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return fault


async def drop(request: web.Request) -> web.Response:
    """Cut the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def fake_signalr(**options: Any) -> AsyncIterator[FakeSignalR]:
    """A running server."""
    fake = FakeSignalR(**options)
    application = web.Application()
    application.router.add_route("*", "/signalr/{path}", fake.handle)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    fake.url = str(server.make_url("/signalr"))
    try:
        yield fake
    finally:
        fake.cut()
        await server.close()
