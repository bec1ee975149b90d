"""One HTTP exchange of the Bayeux client: cookies, deadline, size, and whether what came back is Bayeux at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
import msgspec

from connectors._wire.bayeux import failures
from connectors._wire.bayeux.messages import Message, UnreadableReply, read_reply
from connectors._wire.bayeux.steps import Failure, Send
from connectors._wire.cookies import CookieStore
from connectors._wire.http_errors import ClassifyHttp
from gateway.clock import Clock

MAX_ERROR_BODY_BYTES = 65_536


@lru_cache(maxsize=256)
def _timeout(total_seconds: float, connect_seconds: float) -> aiohttp.ClientTimeout:
    """Of a few kinds for all requests there are."""
    return aiohttp.ClientTimeout(total=total_seconds, sock_connect=connect_seconds)


class Answer(msgspec.Struct, frozen=True):
    """The messages of a reply and the size of its body in bytes."""

    messages: list[Message]
    size: int


class Exchange:
    """Posts the requests of one client over a shared HTTP session."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        *,
        cookies: CookieStore,
        headers: Callable[[], Mapping[str, str]] | None,
        classify_http: ClassifyHttp | None,
        append_type: bool,
        max_reply_bytes: int,
        network_delay_seconds: float,
        clock: Clock,
    ) -> None:
        self._http = http
        self._url = url
        self.peer = urlsplit(url).netloc.rpartition("@")[2]
        self._cookies = cookies
        self._headers = headers
        self._classify = classify_http
        self._append_type = append_type
        self._max_reply_bytes = max_reply_bytes
        self._network_delay_seconds = network_delay_seconds
        self._clock = clock

    async def post(self, send: Send) -> Answer | Failure:
        """Post one request. Nothing but Bayeux comes back as an answer; no exception but cancellation escapes."""
        url = f"{self._url.rstrip('/')}/{send.kind}" if self._append_type else self._url
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        if self._headers is not None:
            headers.update(self._headers())
        cookie = self._cookies.header_for(url)
        if cookie:
            headers["Cookie"] = cookie
        started = self._clock.monotonic()
        timeout = _timeout(send.deadline_seconds, self._network_delay_seconds)
        try:
            async with self._http.post(
                url, data=send.payload, headers=headers, allow_redirects=False, timeout=timeout
            ) as reply:
                self._cookies.update(url, reply.headers.getall("Set-Cookie", ()))
                return await self._read(reply)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return failures.of_transport(error, self.peer, self._clock.monotonic() - started)

    async def _read(self, reply: aiohttp.ClientResponse) -> Answer | Failure:
        sound = reply.status == HTTPStatus.OK and reply.content_type != "text/html"
        limit = self._max_reply_bytes if sound else MAX_ERROR_BODY_BYTES
        chunks, size = [], 0
        content = reply.content
        # Nearly always one piece, so nothing is asked for once more only to hear that there is no more.
        while not content.at_eof():
            chunk = await content.readany()
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                reply.close()
                break
        if sound and size > limit:
            return failures.too_large(self.peer, limit)
        body = b"".join(chunks)
        if sound:
            try:
                return Answer(read_reply(body), size)
            except UnreadableReply:
                if reply.content_type.endswith("json"):
                    return failures.unreadable(self.peer)
        failure = failures.of_answer(
            reply.status, reply.headers, body[:limit], self.peer, self._classify
        )
        return failure._replace(status=reply.status)
