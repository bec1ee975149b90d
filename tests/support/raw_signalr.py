"""A classic SignalR client that does nothing by itself: tests send every request and see every frame.

It exists to judge servers. What the protocol makes a client remember (token, cursor, groups token) are plain
attributes, so that tests can keep, change and lose them.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

Frame = dict[str, Any]
LIMIT_SECONDS = 10.0
HUB = "metricsHub"
TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")


class StreamClosed(Exception):
    """The server ended the stream. `code` is the WebSocket's."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class RawSignalR:
    """One client. `transport` is what it uses; `connected` opens a stream."""

    def __init__(
        self,
        url: str,
        transport: str = "webSockets",
        *,
        hubs: tuple[str, ...] = (HUB,),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self.transport = transport
        self.data = json.dumps([{"name": hub} for hub in hubs])
        self.token = ""
        self.connection_id = ""
        self.cursor = ""
        self.groups = ""
        self.keep_alives = 0
        self.http = aiohttp.ClientSession(
            headers=dict(headers or {}),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=LIMIT_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.http.close()

    def query(self, **more: str) -> dict[str, str]:
        """The query of a request, without what is empty."""
        query = {
            "clientProtocol": "1.5",
            "connectionData": self.data,
            "transport": self.transport,
            "connectionToken": self.token,
            **more,
        }
        return {name: value for name, value in query.items() if value}

    async def request(
        self, method: str, action: str, form: Mapping[str, str] | None = None, **query: str
    ) -> tuple[int, str]:
        """Any request: status and text."""
        async with self.http.request(
            method, f"{self.url}/{action}", params=self.query(**query), data=form
        ) as response:
            return response.status, await response.text()

    async def negotiate(self) -> Frame:
        """Get a connection id and token."""
        _, text = await self.request("GET", "negotiate")
        answer: Frame = json.loads(text)
        self.token, self.connection_id = answer["ConnectionToken"], answer["ConnectionId"]
        return answer

    async def start(self) -> Frame:
        """Say that the transport works."""
        answer: Frame = json.loads((await self.request("GET", "start"))[1])
        return answer

    async def call(self, method: str, *arguments: Any) -> Frame:
        """Call a hub's method by POST /send and return the result."""
        data = json.dumps({"H": HUB, "M": method, "A": list(arguments), "I": 7})
        _, text = await self.request("POST", "send", {"data": data})
        answer: Frame = json.loads(text)
        return answer

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Stream]:
        """Negotiate, connect and start; the first frame is read."""
        await self.negotiate()
        async with self.opened("connect") as stream:
            first = await stream.frame()
            assert first["S"] == 1
            assert await self.start() == {"Response": "started"}
            yield stream

    @asynccontextmanager
    async def opened(self, action: str, **query: str) -> AsyncIterator[Stream]:
        """A stream by /connect or /reconnect; a long-polling client goes on with polls."""
        resume = {} if action == "connect" else self.position()
        params = self.query(**resume, **query)
        if self.transport == "webSockets":
            async with self.http.ws_connect(f"{self.url}/{action}", params=params) as socket:
                yield SocketStream(self, socket)
        elif self.transport == "serverSentEvents":
            async with self.http.get(f"{self.url}/{action}", params=params) as response:
                assert response.status == 200, await response.text()
                assert response.headers["Content-Type"] == "text/event-stream"
                assert (await response.content.readline()).strip() == b"data: initialized"
                await response.content.readline()
                yield EventStream(self, response)
        else:
            stream = PollStream(self)
            if action == "connect":
                await stream.keep(await self.request("GET", "connect"))
            yield stream

    def position(self) -> dict[str, str]:
        """What a client says of where it is."""
        return {"messageId": self.cursor, "groupsToken": self.groups}

    def remember(self, frame: Frame) -> Frame:
        """Keep what a frame says of where the client is now."""
        self.cursor = frame.get("C", self.cursor)
        self.groups = frame.get("G", self.groups)
        return frame


class Stream(ABC):
    """Frames as they come; keep-alives are counted and skipped."""

    def __init__(self, client: RawSignalR) -> None:
        self.client = client

    @abstractmethod
    async def read(self) -> Frame:
        """The next thing on the wire, decoded. Raises StreamClosed."""

    async def frame(self) -> Frame:
        """The next frame with a cursor or a result."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not (frame := await self.read()):
                self.client.keep_alives += 1
        return self.client.remember(frame)

    async def arguments(self, count: int) -> list[Any]:
        """The first arguments of the next so many invocations, in the order of arrival."""
        found: list[Any] = []
        while len(found) < count:
            found += [each["A"][0] for each in (await self.frame()).get("M", ())]
        return found


class SocketStream(Stream):
    """A WebSocket."""

    def __init__(self, client: RawSignalR, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(client)
        self.socket = socket

    async def read(self) -> Frame:
        """One text frame."""
        message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise StreamClosed(self.socket.close_code)
        frame: Frame = json.loads(message.data)
        return frame


class EventStream(Stream):
    """Server-sent events."""

    def __init__(self, client: RawSignalR, response: aiohttp.ClientResponse) -> None:
        super().__init__(client)
        self._response = response

    async def read(self) -> Frame:
        """One event."""
        try:
            line = await self._response.content.readline()
        except aiohttp.ClientError as error:
            raise StreamClosed from error
        if not line:
            raise StreamClosed
        await self._response.content.readline()
        frame: Frame = json.loads(line.removeprefix(b"data: "))
        return frame


class PollStream(Stream):
    """One poll after the other."""

    def __init__(self, client: RawSignalR) -> None:
        super().__init__(client)
        self._kept: list[Frame] = []

    async def keep(self, answer: tuple[int, str]) -> None:
        """Hand the answer of /connect over as the first frame."""
        self._kept.append(json.loads(answer[1]))

    async def read(self) -> Frame:
        """The answer of one poll."""
        if self._kept:
            return self._kept.pop()
        client = self.client
        try:
            status, text = await client.request("POST", "poll", client.position())
        except aiohttp.ClientError as error:
            raise StreamClosed from error
        if status != 200:
            raise StreamClosed(status)
        client.keep_alives += len(text) - len(text.lstrip())
        frame: Frame = json.loads(text)
        return frame
