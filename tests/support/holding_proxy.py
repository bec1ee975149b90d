"""A proxy before a platform: it passes every request on, and keeps the replies to chosen ones until let go.

A WebSocket is no request to it. The platform sees the proxy's name as its own, and refers to itself by it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

_LEAST_LENGTH = 12
_TOKENS = re.compile(rb'"(?:access_|refresh_|id_|connection)?token"\s*:\s*"([^"]+)"', re.IGNORECASE)
_HOP_BY_HOP = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)


class HoldingProxy:
    """Serves at `url` what `target` serves.

    Attributes:
        secrets: credentials that went over the wire, either way: tokens, keys and cookies of some length.
        chosen: how many requests have been passed on that `chooses` is true of, judged by method, path and body.
        held: set when the platform has answered such a request and the reply is kept.
    """

    def __init__(
        self, target: str, chooses: Callable[[str, str, bytes], bool] = lambda *_: False
    ) -> None:
        self._target = target
        self.secrets: set[str] = set()
        self._chooses = chooses
        self.chosen = 0
        self.held = asyncio.Event()
        self._released = asyncio.Event()
        self.url = ""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Let everything go and stop."""
        self.release()
        await self._runner.cleanup()
        assert self._http is not None
        await self._http.close()

    def hold(self) -> None:
        """Keep replies from now on."""
        self.held.clear()
        self._released.clear()

    def release(self) -> None:
        """Let the replies go that are kept, and those to come."""
        self._released.set()

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._http is not None
        body = await request.read()
        chosen = self._chooses(request.method, request.path, body)
        self.chosen += chosen
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_BY_HOP
        ]
        url = f"{self._target}{request.path_qs}"
        try:
            async with self._http.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as reply:
                content = await reply.read()
        except aiohttp.ClientError as error:
            raise web.HTTPBadGateway from error
        self.secrets |= _secrets(request.headers, reply.headers, content)
        if chosen:
            self.held.set()
            await self._released.wait()
        answer = web.Response(status=reply.status, body=content)
        for name, value in reply.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                answer.headers.add(name, value)
        return answer


def _secrets(
    sent: CIMultiDictProxy[str], answered: CIMultiDictProxy[str], content: bytes
) -> set[str]:
    """Credentials in the headers of a request, and in the headers and the body of its reply."""

    def found() -> Iterator[str]:
        for name in ("Authorization", "X-Api-Key", "X-CSRF-TOKEN"):
            for value in sent.getall(name, []):
                yield value.rpartition(" ")[2]
        for text in (*sent.getall("Cookie", []), *answered.getall("Set-Cookie", [])):
            for morsel in SimpleCookie(text).values():
                yield morsel.value
        for token in _TOKENS.findall(content):
            yield token.decode()

    return {value for value in found() if len(value) >= _LEAST_LENGTH}
