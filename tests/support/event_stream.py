"""A reader of server-sent events that hides nothing: it gives every block of the stream as it came.

Source: WHATWG HTML Living Standard, section 9.2.6 (Interpreting an event stream).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

LIMIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `event` is empty for events of the journal, `data` None for one without data."""

    id: str
    event: str
    data: Any


class EventStream:
    """The blocks of one response, and what a reader remembers.

    Attributes:
        last_id: what a reader would send as Last-Event-ID.
        retry_milliseconds: what it was asked to wait.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""
        self.retry_milliseconds = 0

    async def block(self) -> Block | None:
        """The next block, None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(LIMIT_SECONDS):
            while (line := await self.response.content.readline()) not in {b"\n", b""}:
                name, _, value = line.decode().rstrip("\n").partition(":")
                fields[name] = value.removeprefix(" ")
        if not fields:
            return None
        self.last_id = fields.get("id", self.last_id)
        self.retry_milliseconds = int(fields.get("retry", self.retry_milliseconds))
        data = json.loads(fields["data"]) if "data" in fields else None
        return Block(fields.get("id", ""), fields.get("event", ""), data)

    async def told(self) -> Block:
        """The next block with data; the stream must have one."""
        while True:
            block = await self.block()
            assert block is not None, "the stream has ended"
            if block.data is not None:
                return block

    async def events(self, number: int) -> list[Any]:
        """The next events of the journal, as many as asked for; nothing else may come between."""
        found = []
        for _ in range(number):
            block = await self.told()
            assert not block.event, block
            found.append(block.data)
        return found

    async def rest(self) -> list[Block]:
        """All blocks with data until the end."""
        found = []
        while (block := await self.block()) is not None:
            if block.data is not None:
                found.append(block)
        return found


@asynccontextmanager
async def open_stream(
    client: aiohttp.ClientSession, query: str = "", **headers: str
) -> AsyncIterator[EventStream]:
    """Read `/v1/events`; returns when the stream's begin was read."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(f"/v1/events{query}", headers=given) as response:
        assert response.status == 200, await response.text()
        stream = EventStream(response)
        await stream.block()
        yield stream
