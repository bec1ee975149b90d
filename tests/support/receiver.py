"""A webhook receiver on one port that fails in the ways receivers do, and verifies what it takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from enum import Enum, auto
from typing import Self

import msgspec
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.oracle import SeenEvent
from tests.support.processes import free_port

SECRET = "whsec_ZXZlcnkgc2lnbmF0dXJlIGlzIHZlcmlmaWVkIQ=="


class Mode(Enum):
    """What the receiver does with a request."""

    WORKING = auto()
    UNAVAILABLE = auto()
    """It answers 503."""
    REFUSING = auto()
    """Nothing listens on its port."""
    HANGING = auto()
    """It takes the request and never answers."""


class FlakyReceiver:
    """Verifies the signature of every request by the `standardwebhooks` package.

    Attributes:
        taken: the events that were answered with 200, in that order.
        attempts: requests that came, by the mode they met.
        forged: requests whose signature the verifier refused.
        traceparents: the header of that name by the id of the event that was taken with it.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self._decode = msgspec.json.Decoder(SeenEvent | list[SeenEvent]).decode
        self._verifier = Webhook(SECRET)
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Event()
        self._mode = Mode.WORKING
        self.taken: list[SeenEvent] = []
        self.attempts: Counter[Mode] = Counter()
        self.forged = 0
        self.traceparents: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}/hook"

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    def trust(self, secret: str) -> None:
        """Verify with another secret from now on."""
        self._verifier = Webhook(secret)

    async def turn(self, mode: Mode) -> None:
        """From now on it behaves so; whoever hangs is let go without an answer."""
        if mode is self._mode:
            return
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.REFUSING:
            await self._close()
        elif self._runner is None:
            await self._listen()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/hook", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def _close(self) -> None:
        self._changed.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        mode, changed = self._mode, self._changed
        body = await request.read()
        self.attempts[mode] += 1
        try:
            self._verifier.verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.forged += 1
            return web.Response(status=401)
        if mode is Mode.HANGING:
            await changed.wait()
            # Whoever still waits loses the connection instead of getting an answer.
            if request.transport is not None:
                request.transport.abort()
        if mode is not Mode.WORKING:
            return web.Response(status=503)
        taken = self._decode(body)
        events = taken if isinstance(taken, list) else [taken]
        self.taken += events
        if (traceparent := request.headers.get("traceparent")) is not None:
            self.traceparents.update({event.id: traceparent for event in events})
        return web.Response()
