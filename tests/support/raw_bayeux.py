"""A Bayeux client that does nothing by itself: tests send every message and see every reply.

It exists to judge servers. It keeps cookies, offers a time limit on everything, and hides nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any, Self

import aiohttp

Message = dict[str, Any]
LIMIT_SECONDS = 10.0


async def eventually(condition: Callable[[], bool], *, seconds: float = LIMIT_SECONDS) -> None:
    """Wait until the condition holds; raises TimeoutError after the limit."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.005)


class RawBayeux:
    """One client: cookies, a clientId, and the messages one sends with it."""

    def __init__(self, url: str, *, username: str | None = None, password: str = "secret") -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.client_id: str | None = None
        self.headers: dict[str, str] = {}
        if username is not None:
            self.headers["Authorization"] = aiohttp.encode_basic_auth(username, password)
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=LIMIT_SECONDS),
        )
        self._ids = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._http.close()

    async def request(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> tuple[int, bytes, dict[str, str]]:
        """Any HTTP request with this client's cookies: status, body, headers."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**self.headers, **(headers or {}), **({"Cookie": cookie} if cookie else {})}
        async with self._http.request(method, url, headers=sent, **options) as response:
            for line in response.headers.getall("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return response.status, await response.read(), dict(response.headers)

    async def json(self, method: str, url: str, body: object = None) -> Any:
        """The JSON of a REST call's reply."""
        options = {} if body is None else {"json": body}
        _, content, _ = await self.request(method, url, **options)
        return json.loads(content)

    async def send(self, *messages: Message, suffix: str = "") -> list[Message]:
        """POST Bayeux messages and return what came back; anything but 200 is an AssertionError."""
        status, body, _ = await self.request("POST", self.url + suffix, json=list(messages))
        assert status == 200, f"HTTP {status}: {body[:200]!r}"
        replies = json.loads(body)
        assert isinstance(replies, list)
        return replies

    def message(self, channel: str, **fields: Any) -> Message:
        """A message of this client with the next id."""
        self._ids += 1
        message: Message = {"channel": channel, "id": str(self._ids), **fields}
        if self.client_id is not None:
            message["clientId"] = self.client_id
        return message

    async def handshake(self, **fields: Any) -> Message:
        """Begin a session and return the reply."""
        self.client_id = None
        [reply] = await self.send(
            self.message(
                "/meta/handshake",
                version="1.0",
                supportedConnectionTypes=["long-polling"],
                **fields,
            )
        )
        self.client_id = reply.get("clientId")
        return reply

    async def subscribe(self, *channels: str) -> list[Message]:
        """Subscribe and return everything that came back."""
        return await self.send(self.message("/meta/subscribe", subscription=list(channels)))

    async def connect(
        self, *, timeout_ms: int | None = None, ack: int | None = None
    ) -> list[Message]:
        """One /meta/connect; the reply is the last of what is returned."""
        fields: Message = {"connectionType": "long-polling"}
        if timeout_ms is not None:
            fields["advice"] = {"timeout": timeout_ms}
        if ack is not None:
            fields["ext"] = {"ack": ack}
        return await self.send(self.message("/meta/connect", **fields))

    async def receive(self, count: int) -> list[Message]:
        """Poll until `count` events came, and return them (perhaps a few more)."""
        events: list[Message] = []
        async with asyncio.timeout(LIMIT_SECONDS):
            while len(events) < count:
                events += [one for one in await self.connect() if "successful" not in one]
        return events
