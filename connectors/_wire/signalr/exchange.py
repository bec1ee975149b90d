"""HTTP under the SignalR client: cookies, headers, deadlines, bounds, and a renewal of credentials when they ran out.

A 401 asks the caller for new headers once and repeats the request with the same connection token;
a second 401 in a row means that no renewal helps. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from connectors._wire import http_errors
from connectors._wire.cookies import CookieStore
from connectors._wire.http_errors import ClassifyHttp
from connectors._wire.signalr.requests import Request
from gateway.errors import ConnectionFailed, NotReady, Reason

Headers = Callable[[bool], Awaitable[Mapping[str, str]]]
"""The headers for the next request; the argument says that the last ones were refused with 401."""

MAX_ERROR_BODY_BYTES = 65_536
CLOSING_SECONDS = 1.0

_T = TypeVar("_T")


class _Unauthorized(Exception):
    """HTTP 401, with what it would mean if nothing can be renewed."""

    def __init__(self, error: ConnectionFailed) -> None:
        super().__init__()
        self.error = error


class Exchange:
    """Sends the requests of one client over a shared HTTP session. Raises nothing but `ConnectionFailed`."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        *,
        cookies: CookieStore,
        headers: Headers | None,
        query: Callable[[], Mapping[str, str]] | None,
        classify_http: ClassifyHttp | None,
        max_bytes: int,
        request_seconds: float,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self.peer = urlsplit(base_url).netloc.rpartition("@")[2]
        self._cookies = cookies
        self._headers = headers
        self._query = query
        self._classify = classify_http
        self._max_bytes = max_bytes
        self._tls = tls
        self.request_seconds = request_seconds

    async def fetch(self, request: Request, *, seconds: float | None = None) -> bytes:
        """The body of the answer to one request."""
        timeout = aiohttp.ClientTimeout(total=self._within(seconds))

        async def once(headers: Mapping[str, str]) -> bytes:
            async with await self._send(request, headers, timeout) as answer:
                return await self._body(answer)

        return await self._authorised(once)

    async def stream(
        self, request: Request, *, seconds: float | None = None
    ) -> aiohttp.ClientResponse:
        """An answer whose body goes on; the caller reads and closes it. `seconds` may pass until it begins."""
        timeout = aiohttp.ClientTimeout(sock_connect=self.request_seconds)

        async def once(headers: Mapping[str, str]) -> aiohttp.ClientResponse:
            async with asyncio.timeout(self._within(seconds)):
                return await self._send(request, headers, timeout)

        return await self._authorised(once)

    async def poll(self, request: Request, *, seconds: float) -> aiohttp.ClientResponse:
        """An answer that may take its time, but has to be whole after `seconds`."""
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=self.request_seconds)
        return await self._authorised(lambda headers: self._send(request, headers, timeout))

    async def upgrade(
        self, request: Request, *, seconds: float | None = None
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket."""

        async def once(headers: Mapping[str, str]) -> aiohttp.ClientWebSocketResponse:
            url, sent = self._prepare(request, headers)
            try:
                async with asyncio.timeout(self._within(seconds)):
                    socket = await self._http.ws_connect(
                        url,
                        params=self._parameters(request),
                        headers=sent,
                        max_msg_size=self._max_bytes,
                        timeout=aiohttp.ClientWSTimeout(ws_close=CLOSING_SECONDS),
                        ssl=self._tls,
                    )
            except aiohttp.WSServerHandshakeError as error:
                first = error.history[0] if error.history else error
                raise self._refusal(first.status, first.headers or {}, b"") from None
            # aiohttp follows the redirects of an upgrade and tells of them only here.
            history = socket._response.history  # noqa: SLF001
            if history:
                await socket.close()
                raise self._refusal(history[0].status, history[0].headers, b"")
            return socket

        return await self._authorised(once)

    def lost(self, error: Exception) -> NotReady:
        """The error that an exception of aiohttp stands for."""
        return http_errors.of_exception(error, self.peer)

    def too_large(self) -> NotReady:
        """More came than we read."""
        return NotReady(
            f"{self.peer} sends more than {self._max_bytes} bytes in one frame",
            reason=Reason.TOO_LARGE,
            hint="raise max_frame_bytes",
        )

    def _within(self, seconds: float | None) -> float:
        return self.request_seconds if seconds is None else seconds

    async def _authorised(self, once: Callable[[Mapping[str, str]], Awaitable[_T]]) -> _T:
        try:
            try:
                return await once(await self._current_headers(refused=False))
            except _Unauthorized as refusal:
                if self._headers is None:
                    raise refusal.error from None
            try:
                return await once(await self._current_headers(refused=True))
            except _Unauthorized as refusal:
                raise refusal.error from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Not chained: what aiohttp says may hold the URL, and with it the connection token.
            raise self.lost(error) from None

    async def _current_headers(self, *, refused: bool) -> Mapping[str, str]:
        return {} if self._headers is None else await self._headers(refused)

    async def _send(
        self, request: Request, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        url, sent = self._prepare(request, headers)
        answer = await self._http.request(
            "GET" if request.form is None else "POST",
            url,
            params=self._parameters(request),
            data=request.form,
            headers=sent,
            allow_redirects=False,
            timeout=timeout,
            ssl=self._tls,
        )
        try:
            self._cookies.update(url, answer.headers.getall("Set-Cookie", ()))
            await self._check(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status != HTTPStatus.OK or answer.content_type == "text/html":
            body = await answer.content.read(MAX_ERROR_BODY_BYTES)
            raise self._refusal(answer.status, answer.headers, body)

    def _prepare(self, request: Request, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        url = f"{self._base_url}/{request.path}"
        sent = dict(headers)
        cookie = self._cookies.header_for(url)
        if cookie:
            sent["Cookie"] = cookie
        return url, sent

    def _parameters(self, request: Request) -> dict[str, str]:
        return {**request.query, **(self._query() if self._query else {})}

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
        special = self._classify(status, headers, body) if self._classify else None
        error = special or http_errors.of_status(status, headers, self.peer, protocol="SignalR")
        return _Unauthorized(error) if status == HTTPStatus.UNAUTHORIZED else error

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_bytes:
                answer.close()
                raise self.too_large()
        return b"".join(chunks)
