"""A webhook receiver that verifies every signature and remembers what came."""

from __future__ import annotations

from collections import Counter

import msgspec
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


class _Native(msgspec.Struct):
    reference: str | None = None


class _Data(msgspec.Struct):
    native: _Native | None = None


class Received(msgspec.Struct):
    """What the account needs of a delivered event."""

    id: str
    data: _Data

    @property
    def reference(self) -> str | None:
        """The platform message that the event came from."""
        return self.data.native.reference if self.data.native else None


class WebhookReceiver:
    """Listens on a free port of loopback."""

    def __init__(self, secret: str) -> None:
        self._verifier = Webhook(secret)
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.ids: Counter[str] = Counter()
        self.references: set[str] = set()
        self.forged = 0

    async def start(self) -> None:
        """Begin to listen; `url` tells where."""
        app = web.Application(client_max_size=4 << 20)
        app.add_routes([web.post("/hook", self._receive)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/hook"

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._verifier.verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.forged += 1
            return web.Response(status=401)
        event = msgspec.json.decode(body, type=Received)
        self.ids[event.id] += 1
        if event.reference is not None:
            self.references.add(event.reference)
        return web.Response(status=204)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
