"""A webhook receiver on a real socket that can be told how to behave, and verifies every signature."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Self

import msgspec
from aiohttp import web
from standardwebhooks import Webhook

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OLD_SECRET = "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"


class Receiver:
    """Takes events and answers 200, or whatever `answer` says for an event.

    Attributes:
        taken: the events that were answered with 2xx, in that order.
        attempts: ids of all events that were posted, in order of arrival.
        together: most requests that were open at the same time.
        released: while clear, requests get no answer.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answer: Callable[[dict[str, Any]], int | web.Response] = lambda _: 200
        self.taken: list[dict[str, Any]] = []
        self.attempts: list[str] = []
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.together = 0
        self.released = asyncio.Event()
        self.released.set()
        self.busy = asyncio.Event()
        self._arrived = asyncio.Condition()
        self.verifier: Webhook | None = Webhook(SECRET)
        self._open = 0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/{tail:.*}", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        port = self._runner.addresses[0][1]
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{port}/hook/token-in-path?key=token-in-query"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait, with a bound, until something holds; looked at when a request arrives."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(holds)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self._open += 1
        self.together = max(self.together, self._open)
        try:
            return await self._answer(request)
        finally:
            self._open -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(request)
        self.bodies.append(body)
        if self.verifier is not None:
            self.verifier.verify(body, dict(request.headers))
        decoded = msgspec.json.decode(body)
        events = decoded if isinstance(decoded, list) else [decoded]
        self.attempts += [event["id"] for event in events]
        self.busy.set()
        async with self._arrived:
            self._arrived.notify_all()
        await self.released.wait()
        answers = [self.answer(event) for event in events]
        worst = max(answers, key=lambda a: a if isinstance(a, int) else a.status)
        response = worst if isinstance(worst, web.StreamResponse) else web.Response(status=worst)
        if 200 <= response.status < 300:
            self.taken += events
        return response
