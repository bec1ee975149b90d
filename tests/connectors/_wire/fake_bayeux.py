"""A small Bayeux server on a real socket that misbehaves on demand; one session at a time.

It is no model of a good server: the interoperation tests use real ones. It exists for what those never do.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Fault = Callable[["Seen"], Awaitable[web.StreamResponse | None]]


@dataclass
class Seen:
    """One request as the server saw it."""

    at: float
    path: str
    headers: dict[str, str]
    messages: list[dict[str, Any]]
    request: web.Request

    @property
    def channel(self) -> str:
        """The channel of its first message."""
        channel: str = self.messages[0]["channel"]
        return channel

    @property
    def first_connect(self) -> bool:
        """Whether it is a connect that is not to be held."""
        return self.channel == "/meta/connect" and "advice" in self.messages[0]


@dataclass
class FakeBayeux:
    """Faults in `on_connect` are used up one by one by held connects, those in `on_any` by any request."""

    ack: bool = False
    timeout_ms: int = 2_000
    interval_ms: int = 0
    max_interval_ms: int = 2_000
    single_object: bool = False
    advice: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    on_connect: deque[Fault] = field(default_factory=deque)
    on_any: deque[Fault] = field(default_factory=deque)
    client_id: str = ""
    sessions: int = 0
    queue: list[tuple[int, Any]] = field(default_factory=list)
    batch: int = 1
    idle_since: float | None = None
    url: str = ""
    _held: asyncio.Future[bool] | None = None

    def publish(self, *data: Any) -> None:
        """To the session, or to nobody if there is none."""
        self._expire()
        if self.client_id:
            self.queue.extend((self.batch, item) for item in data)
            if self._held is not None and not self._held.done():
                self._held.set_result(True)

    def forget(self) -> None:
        """The session is gone."""
        self.client_id = ""
        if self._held is not None and not self._held.done():
            self._held.set_result(True)

    def count(self, channel: str) -> int:
        """How many requests of that channel came."""
        return sum(seen.channel == channel for seen in self.seen)

    @property
    def holding(self) -> bool:
        """Whether a connect is held."""
        return self._held is not None and not self._held.done()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any POST."""
        messages = json.loads(await request.read())
        seen = Seen(time.monotonic(), request.path, dict(request.headers), messages, request)
        self.seen.append(seen)
        if self.on_any:
            reply = await self.on_any.popleft()(seen)
            if reply is not None:
                return reply
        match seen.channel:
            case "/meta/handshake":
                return self._handshake(messages[0])
            case "/meta/connect":
                return await self._connect(seen)
            case "/meta/disconnect":
                self.forget()
        return self._answer([self._reply(m, subscription=m.get("subscription")) for m in messages])

    def _handshake(self, message: dict[str, Any]) -> web.Response:
        self.sessions += 1
        self.client_id = f"client-{self.sessions}"
        self.queue, self.batch = [], 1
        self.idle_since = time.monotonic()
        extra = {"ext": {"ack": True}} if self.ack else {}
        reply = self._reply(message, clientId=self.client_id, **extra)
        response = self._answer([reply])
        response.set_cookie("BAYEUX_BROWSER", f"browser-{self.sessions}", path="/", httponly=True)
        return response

    async def _connect(self, seen: Seen) -> web.StreamResponse:
        message = seen.messages[0]
        self._expire()
        if not self.client_id or message["clientId"] != self.client_id:
            return self._answer(
                [self._reply(message, successful=False, error="402::session_unknown")]
            )
        self.idle_since = None
        if self._held is not None and not self._held.done():
            self._held.set_result(False)
        stored = message.get("ext", {}).get("ack", 0)
        if self.ack:
            self.queue = [(batch, item) for batch, item in self.queue if batch > stored]
        if not self.queue and not seen.first_connect and not await self._hold():
            return web.Response(status=500)
        if self.on_connect and not seen.first_connect:
            reply = await self.on_connect.popleft()(seen)
            if reply is not None:
                return reply
        if message["clientId"] != self.client_id:
            return self._answer(
                [self._reply(message, successful=False, error="402::session_unknown")]
            )
        self.idle_since = time.monotonic()
        events = [{"channel": "/events", "data": item} for _, item in self.queue]
        extra: dict[str, Any] = {"advice": self.advice} if self.advice else {}
        if self.ack:
            extra["ext"] = {"ack": self.batch}
            self.batch += 1
        else:
            self.queue = []
        return self._answer([*events, self._reply(message, **extra)])

    async def _hold(self) -> bool:
        """Wait for something to send; false if another connect took over."""
        held = self._held = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self.timeout_ms / 1000):
                return await held
        except TimeoutError:
            return True

    def _expire(self) -> None:
        if (
            self.idle_since is not None
            and time.monotonic() - self.idle_since > self.max_interval_ms / 1000
        ):
            self.client_id = ""

    def _reply(self, message: dict[str, Any], **fields: Any) -> dict[str, Any]:
        reply = {"channel": message["channel"], "id": message["id"], "successful": True, **fields}
        if message["channel"] == "/meta/handshake":
            reply["advice"] = {
                "reconnect": "retry",
                "timeout": self.timeout_ms,
                "interval": self.interval_ms,
                "maxInterval": self.max_interval_ms,
            }
        return reply

    def _answer(self, messages: list[dict[str, Any]]) -> web.Response:
        return web.json_response(
            messages[0] if self.single_object and len(messages) == 1 else messages
        )


@asynccontextmanager
async def fake_bayeux(**options: Any) -> AsyncIterator[FakeBayeux]:
    """A server on a free port of 127.0.0.1."""
    server = FakeBayeux(**options)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/cometd"
    try:
        yield server
    finally:
        server.forget()
        await runner.cleanup()


def status(code: int, **options: Any) -> Fault:
    """Answer with a status."""

    async def fault(_: Seen) -> web.StreamResponse:
        return web.Response(status=code, **options)

    return fault


def page(code: int = 200) -> Fault:
    """Answer with HTML."""
    return status(code, text="<html>busy</html>", content_type="text/html")


async def drop(seen: Seen) -> None:
    """Close the socket without a word."""
    assert seen.request.transport is not None
    seen.request.transport.abort()


async def never(_: Seen) -> None:
    """Take the request and do not answer."""
    await asyncio.sleep(3_600)
