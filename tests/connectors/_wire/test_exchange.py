"""One request over a real socket, and what becomes of its faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from connectors._wire.exchange import Reply, exchange
from gateway.errors import CommandUncertain, NotReady, Reason, TielineError
from tests.support.processes import free_port
from tests.support.waiting import until

ANSWER = b"HTTP/1.1 409 Session Ended\r\nX-Told: yes\r\nContent-Length: 4\r\n\r\nbody"


@asynccontextmanager
async def serving(answer: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """A server that reads one request and writes these bytes."""
    closed: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if hang:
                await reader.read()
        finally:
            writer.close()
            closed.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await until(lambda: closed)
        await closed[0].wait_closed()


async def ask(url: str, *, changes: bool, timeout_seconds: float = 10.0) -> Reply:
    async with aiohttp.ClientSession() as http:
        return await exchange(
            http,
            "POST",
            url,
            peer="the server",
            headers={"Accept": "application/json"},
            data=b"{}",
            timeout_seconds=timeout_seconds,
            max_bytes=100,
            changes=changes,
        )


async def test_the_whole_answer_comes_back_whatever_its_status() -> None:
    async with serving(ANSWER) as url:
        reply = await ask(url, changes=True)

    assert (reply.status, reply.reason, reply.body) == (409, "Session Ended", b"body")
    assert reply.headers["x-told"] == "yes"


@pytest.mark.parametrize(("changes", "kind"), [(True, CommandUncertain), (False, NotReady)])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, Reason.TOO_LARGE),
    ],
    ids=["none", "half", "endless"],
)
async def test_without_a_whole_answer_a_change_is_uncertain(
    answer: bytes, reason: Reason, kind: type[TielineError], *, changes: bool
) -> None:
    async with serving(answer) as url:
        with pytest.raises(kind) as caught:
            await ask(url, changes=changes)

    assert caught.value.reason is reason


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    async with serving(b"", hang=True) as url:
        with pytest.raises(CommandUncertain) as caught:
            await ask(url, changes=True, timeout_seconds=1.0)

    assert caught.value.reason is Reason.TIMEOUT


async def test_what_was_never_sent_is_no_uncertain_change() -> None:
    with pytest.raises(NotReady) as caught:
        await ask(f"http://127.0.0.1:{free_port()}/", changes=True)

    assert caught.value.reason is Reason.REFUSED
