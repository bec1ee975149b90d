"""`/v1/events` on real sockets: what comes, from where, for how long, and what a reader is told."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.api.event_stream import _Connection
from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from gateway.api.streaming.places import short_name
from gateway.api.streaming.tail import StreamPolicy
from gateway.clock import Clock, SystemClock
from gateway.errors import JournalCorrupt
from gateway.events.agents import AgentSession
from gateway.events.calls import Call
from gateway.events.interactions import InteractionMessage
from gateway.journal import MemoryJournal
from gateway.masking import MASK
from gateway.telemetry_figures import ApiFigures
from tests.support.clock import LeapingClock
from tests.support.event_stream import open_stream
from tests.support.events import new_event
from tests.support.fake_runtime import FakeRuntime
from tests.support.journals import memory_journal
from tests.support.waiting import until

QUICK = StreamPolicy(gather_seconds=0.01, tick_seconds=0.05)
Start = Callable[..., Awaitable[aiohttp.ClientSession]]


async def append(journal: MemoryJournal, *calls: str, connector: str = "gws", **data: Any) -> None:
    """One call.connected for each name."""
    last = journal.statistics().last_position
    events = [
        new_event(
            last + number,
            "call.connected",
            Call(call=name, **data),
            subject=f"call/{name}",
            connector=connector,
        )
        for number, name in enumerate(calls, 1)
    ]
    await journal.append("feed", events, None)


def calls(events: list[Any]) -> list[str]:
    return [event["data"]["call"] for event in events]


@asynccontextmanager
async def serving(
    runtime: FakeRuntime, policy: StreamPolicy, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[tuple[aiohttp.ClientSession, ApiFigures]]:
    """The API with a policy of streams: a client, and what the API counts."""
    server = ApiServer(runtime, ApiSettings(port=0, **settings), stream_policy=policy, clock=clock)
    url = await server.start()
    try:
        async with aiohttp.ClientSession(base_url=url) as client:
            yield client, server.figures
    finally:
        await server.close()


@pytest.fixture
async def start(runtime: FakeRuntime) -> AsyncIterator[Start]:
    """Start the API with a policy of streams; returns a client."""
    async with AsyncExitStack() as stack:

        async def begin(policy: StreamPolicy = QUICK, **settings: Any) -> aiohttp.ClientSession:
            client, _ = await stack.enter_async_context(serving(runtime, policy, **settings))
            return client

        yield begin


async def test_events_come_as_they_are_appended(start: Start, runtime: FakeRuntime) -> None:
    """As CloudEvents JSON in one line, with their place as id; earlier events do not come."""
    await append(runtime.journal, "old")
    async with open_stream(await start()) as stream:
        assert stream.response.content_type == "text/event-stream"
        assert stream.retry_milliseconds == 3000
        await append(runtime.journal, "c1", "c2")
        first = await stream.told()
        assert first.id == f"{short_name(runtime.journal.id)}-2"
        assert first.data["type"] == "tieline.call.connected.v1"
        assert first.data["specversion"] == "1.0"
        assert first.data["sequence"].endswith("2")
        assert calls([first.data, *await stream.events(1)]) == ["c1", "c2"]


async def test_a_reader_goes_on_where_it_was(start: Start, runtime: FakeRuntime) -> None:
    """Last-Event-ID counts more than `after`, for a browser repeats the whole query."""
    client = await start()
    await append(runtime.journal, "c1", "c2", "c3")
    async with open_stream(client, "?after=start") as stream:
        assert calls(await stream.events(2)) == ["c1", "c2"]
    async with open_stream(client, "?after=start", Last_Event_ID=stream.last_id) as stream:
        assert calls(await stream.events(1)) == ["c3"]
        await append(runtime.journal, "c4")
        assert calls(await stream.events(1)) == ["c4"]


async def test_a_reader_that_got_nothing_knows_its_place(
    start: Start, runtime: FakeRuntime
) -> None:
    """The stream begins with an id, and tells it again in silence: what the reader does not want is behind it."""
    client = await start(replace(QUICK, silence_seconds=0.05))
    await append(runtime.journal, "c1")
    async with open_stream(client, "?type=tieline.agent.*") as stream:
        assert stream.last_id.endswith("-1")
        await append(runtime.journal, "c2", "c3")
        while not stream.last_id.endswith("-3"):
            block = await stream.block()
            assert block is not None
            assert block.data is None


@pytest.mark.parametrize(
    ("after", "found"), [("start", ["c1", "c2"]), ("1", ["c2"]), ("0", ["c1", "c2"]), ("2", [])]
)
async def test_what_the_journal_holds_can_be_read(
    start: Start, runtime: FakeRuntime, after: str, found: list[str]
) -> None:
    """From the oldest event, or behind a position; without following, the stream ends and says so."""
    await append(runtime.journal, "c1", "c2")
    async with open_stream(await start(), f"?after={after}&follow=false") as stream:
        *events, closed = await stream.rest()
    assert calls([block.data for block in events]) == found
    assert (closed.event, closed.data["reason"]) == ("closed", "complete")


async def test_events_are_chosen_by_type_subject_and_connector(
    start: Start, runtime: FakeRuntime
) -> None:
    """Globs; all that is asked for must hold."""
    await append(runtime.journal, "c1", "d1")
    await append(runtime.journal, "c2", connector="other")
    session = new_event(9, "agent.session.started", AgentSession(agent="a"), subject="agent/a")
    await runtime.journal.append("feed", [session], None)
    client = await start()
    for query, subjects in {
        "type=tieline.agent.*": ["agent/a"],
        "type=tieline.agent.*&type=tieline.call.*": ["call/c1", "call/d1", "call/c2", "agent/a"],
        "subject=call/c*": ["call/c1", "call/c2"],
        "subject=call/c*&connector=other": ["call/c2"],
        "subject=call/c1&subject=agent/?": ["call/c1", "agent/a"],
        "connector=nowhere": [],
    }.items():
        async with open_stream(client, f"?after=start&follow=false&{query}") as stream:
            found = [block.data["subject"] for block in await stream.rest() if not block.event]
        assert found == subjects, query


@pytest.mark.parametrize(
    ("settings", "text"), [({}, MASK), ({"mask": []}, "hello"), ({"mask": ["names"]}, "hello")]
)
async def test_texts_are_masked_unless_the_settings_allow_them(
    start: Start, runtime: FakeRuntime, settings: dict[str, Any], text: str
) -> None:
    """For those who share and for those who read the journal themselves."""
    message = InteractionMessage(interaction="i1", media="chat", message="m1", text="hello")
    event = new_event(1, "interaction.message.added", message, subject="interaction/i1")
    client = await start(**settings)
    async with open_stream(client) as live:
        await runtime.journal.append("feed", [event], None)
        async with open_stream(client, "?after=start") as late:
            for stream in (live, late):
                assert (await stream.events(1))[0]["data"]["text"] == text


async def test_a_limited_token_gets_only_its_own(start: Start, runtime: FakeRuntime) -> None:
    """Whatever it asks for; an event belongs to the agent that it is about or that it names."""
    await append(runtime.journal, "c1", agent="ben")
    await append(runtime.journal, "c2", agent="ben", connector="other")
    await append(runtime.journal, "c3")
    session = new_event(9, "agent.session.started", AgentSession(agent="ben"), subject="agent/ben")
    await runtime.journal.append("feed", [session], None)
    token = "b" * 40
    named = {
        "name": "limited",
        "hash": f"sha256:{hashlib.sha256(token.encode()).hexdigest()}",
        "scopes": ["read"],
        "connectors": ["gws"],
        "agents": ["ben"],
    }
    client = await start(tokens=[named])
    for query, subjects in {
        "": ["call/c1", "agent/ben"],
        "&connector=gws": ["call/c1", "agent/ben"],
        "&connector=other": [],
    }.items():
        async with open_stream(
            client, f"?after=start&follow=false{query}", Authorization=f"Bearer {token}"
        ) as stream:
            found = [block.data["subject"] for block in await stream.rest() if not block.event]
        assert found == subjects, query


async def test_a_reader_is_told_that_events_it_lacks_are_gone(
    start: Start, runtime: FakeRuntime
) -> None:
    """The first thing it hears is from where to where; then the stream goes on."""
    clock = LeapingClock()
    runtime.journal = memory_journal(clock=clock, max_age_seconds=60)
    client = await start()
    await append(runtime.journal, "c1", "c2", "c3")
    clock.advance(61)
    assert await runtime.journal.trim() == 3
    await append(runtime.journal, "c4")
    async with open_stream(client, "?after=1") as stream:
        gap = await stream.told()
        assert (gap.event, gap.data) == (
            "gap",
            {"reason": "trimmed", "after": 1, "goes_on_after": 3},
        )
        assert calls(await stream.events(1)) == ["c4"]
    async with open_stream(client, "?after=start") as stream:
        assert calls(await stream.events(1)) == ["c4"]


@pytest.mark.parametrize(
    ("journal", "position", "reason"),
    [("0123abcd", 1, "other_journal"), (None, 7, "not_yet_written")],
)
async def test_a_reader_with_a_place_that_this_journal_never_had_gets_everything(
    start: Start, runtime: FakeRuntime, journal: str | None, position: int, reason: str
) -> None:
    """After a restore from a copy nothing is skipped, and the reader is told why it gets so much."""
    await append(runtime.journal, "c1", "c2")
    place = f"{journal or short_name(runtime.journal.id)}-{position}"
    async with open_stream(await start(), Last_Event_ID=place) as stream:
        gap = await stream.told()
        assert gap.event == "gap"
        assert gap.data == {"reason": reason, "after": position, "goes_on_after": 0}
        assert calls(await stream.events(2)) == ["c1", "c2"]


@pytest.mark.parametrize(
    ("query", "headers", "kind", "field"),
    [
        ("?after=soon", {}, "invalid-query", "after"),
        ("?after=3", {}, "invalid-query", "after"),
        ("?after=0123abcd-1", {}, "invalid-query", "after"),
        ("?follow=perhaps", {}, "invalid-query", "follow"),
        ("?colour=red", {}, "invalid-query", "colour"),
        ("", {"Last-Event-ID": "yesterday"}, "invalid-header", "Last-Event-ID"),
    ],
)
async def test_what_cannot_be_read_is_refused_before_the_stream_begins(
    start: Start, query: str, headers: dict[str, str], kind: str, field: str
) -> None:
    """With a problem document that names the field."""
    async with (await start()).get(f"/v1/events{query}", headers=headers) as response:
        problem = await response.json(content_type=None)
    assert response.status == 400
    assert problem["type"] == f"urn:tieline:problem:{kind}"
    assert problem["detail"].startswith(f"{field}: ")


async def test_many_readers_cost_one_reading_of_the_journal(
    start: Start, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each gets everything."""
    reads = 0
    read = runtime.journal.read

    async def counted(after: int, limit: int) -> Any:
        nonlocal reads
        reads += 1
        return await read(after, limit)

    monkeypatch.setattr(runtime.journal, "read", counted)
    client = await start()
    names = [f"c{number}" for number in range(50)]
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(open_stream(client)) for _ in range(20)]
        await append(runtime.journal, *names)
        for stream in streams:
            assert calls(await stream.events(50)) == names
    assert reads <= 4


async def test_a_late_reader_reads_the_journal_itself_and_then_shares(
    start: Start, runtime: FakeRuntime
) -> None:
    """Without a hole or a repetition where the one becomes the other, while more comes."""
    policy = replace(QUICK, round_events=3, held_events=6)
    client = await start(policy)
    names = [f"c{number}" for number in range(40)]
    async with open_stream(client) as live:
        for name in names[:20]:
            await append(runtime.journal, name)
        async with open_stream(client, "?after=start") as late:
            for name in names[20:]:
                await append(runtime.journal, name)
            assert calls(await late.events(40)) == names
        assert calls(await live.events(40)) == names


async def unread(client: aiohttp.ClientSession, query: str = "") -> socket.socket:
    """A reader that asks and then does not read; its socket takes hardly anything for it."""
    url = client._base_url
    assert url is not None
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (url.host, url.port))
    request = f"GET /v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    await loop.sock_sendall(connection, request.encode())
    return connection


async def received(connection: socket.socket) -> bytes:
    """Everything until the server closes or cuts the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    found = b""
    async with asyncio.timeout(40):
        try:
            while data := await asyncio.get_running_loop().sock_recv(connection, 1 << 16):
                found += data
        except ConnectionResetError:
            pass
    return found


FILLER = "x" * 50_000


async def flood(journal: MemoryJournal, number: int) -> None:
    """More than sockets hold."""
    for one in range(number):
        await append(journal, f"flood-{one}", queue=FILLER)


class Leap(SystemClock):
    """The time of the machine, and what a test adds to it."""

    def __init__(self) -> None:
        self.added_seconds = 0.0

    def monotonic(self) -> float:
        """As of the machine, and more."""
        return super().monotonic() + self.added_seconds


PATIENT = replace(QUICK, stalled_seconds=3600, silence_seconds=7200)


async def test_a_stalled_reader_is_closed_and_others_do_not_notice(runtime: FakeRuntime) -> None:
    """It is cut off; the events go on to those who take them."""
    clock = Leap()
    policy = replace(PATIENT, farewell_seconds=0.2)
    async with (
        serving(runtime, policy, clock) as (client, figures),
        open_stream(client) as stream,
    ):
        with await unread(client) as stalled:
            await until(lambda: figures.streams_open == 2)
            await flood(runtime.journal, 200)
            assert len(await stream.events(200)) == 200
            # What the sockets themselves hold comes later than what the test can see.
            while not figures.streams_ended["stalled"]:
                clock.added_seconds += 3600
                await append(runtime.journal, f"more-{clock.added_seconds}", queue=FILLER)
                await stream.events(1)
            await until(lambda: figures.streams_open == 1)
            found = await received(stalled)
        assert b"flood-0" in found
        assert b"more-" not in found
        await append(runtime.journal, "after")
        assert calls(await stream.events(1)) == ["after"]


async def test_little_waits_in_memory_for_a_stalled_reader(
    runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write, whatever comes and however far it is behind."""
    policy = replace(PATIENT, farewell_seconds=0.2)
    seen = [0]
    pending = _Connection.pending

    def watched(connection: _Connection) -> int:
        seen.append(pending(connection))
        return seen[-1]

    monkeypatch.setattr(_Connection, "pending", watched)
    async with serving(runtime, policy) as (client, figures):
        with await unread(client), await unread(client, "?after=start"):
            await until(lambda: figures.streams_open == 2)
            await flood(runtime.journal, 400)
            await until(lambda: seen[-1] > policy.pending_bytes)
            looks = len(seen)
            await flood(runtime.journal, 100)
            await until(lambda: len(seen) > looks + 10)
    assert policy.pending_bytes < max(seen) <= policy.pending_bytes + policy.round_bytes + 100


async def test_a_stalled_reader_that_reads_again_is_told_why_it_was_closed(
    runtime: FakeRuntime,
) -> None:
    """The last that it gets is the reason, and the stream ends properly."""
    policy = replace(QUICK, stalled_seconds=0.2, farewell_seconds=40)
    await flood(runtime.journal, 200)
    async with serving(runtime, policy) as (client, figures):
        with await unread(client, "?after=start") as stalled:
            # What it takes from now on was written before, or is the reason.
            await until(lambda: figures.streams_ended["stalled"], seconds=30)
            found = await received(stalled)
    assert b'event: closed\ndata: {"reason":"stalled"' in found
    assert found.endswith(b"0\r\n\r\n")


async def test_readers_are_told_that_the_gateway_stops(runtime: FakeRuntime) -> None:
    """And do not hold the stop up."""
    server = ApiServer(runtime, ApiSettings(port=0), stream_policy=QUICK)
    url = await server.start()
    async with aiohttp.ClientSession(base_url=url) as client, open_stream(client) as stream:
        closing = asyncio.create_task(server.close(), name="closing")
        (closed,) = await stream.rest()
        assert (closed.event, closed.data["reason"]) == ("closed", "stopping")
        await closing


class Still(SystemClock):
    """The date stands still, so that no slow machine comes too late."""

    def now(self) -> datetime:
        """Always the same."""
        return datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_stream_ends_with_its_token(runtime: FakeRuntime) -> None:
    """Whoever was let in for a while is not let in for ever."""
    clock = Still()
    token = "t" * 40
    named = {
        "name": "guest",
        "hash": f"sha256:{hashlib.sha256(token.encode()).hexdigest()}",
        "scopes": ["read"],
        "expires": clock.now() + timedelta(seconds=0.3),
    }
    async with (
        serving(runtime, QUICK, clock, tokens=[named]) as (client, _),
        open_stream(client, Authorization=f"Bearer {token}") as stream,
    ):
        (closed,) = await stream.rest()
    assert (closed.event, closed.data["reason"]) == ("closed", "expired")


async def test_readers_are_told_that_the_journal_cannot_be_read(
    start: Start, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who share and those who come later."""

    async def damaged(after: int, limit: int) -> Any:
        raise JournalCorrupt(f"damaged behind {after}, {limit}")

    client = await start()
    async with open_stream(client) as stream:
        monkeypatch.setattr(runtime.journal, "read", damaged)
        await append(runtime.journal, "c1")
        (closed,) = await stream.rest()
        assert (closed.event, closed.data["reason"]) == ("closed", "journal")
        async with open_stream(client, "?after=start") as late:
            (closed,) = await late.rest()
            assert closed.data["reason"] == "journal"


async def test_too_many_readers_are_asked_to_come_later(start: Start, runtime: FakeRuntime) -> None:
    """429 with Retry-After; when one leaves there is room again."""
    client = await start(replace(QUICK, readers=1))
    async with open_stream(client), client.get("/v1/events") as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0

    async def welcome() -> bool:
        async with client.get("/v1/events?follow=false") as response:
            return response.status == 200

    await append(runtime.journal, "c1")  # the write that shows that the first one has left
    await until(welcome)


async def test_head_tells_the_type_and_ends(start: Start) -> None:
    """Nobody follows a stream by HEAD."""
    async with (await start()).head("/v1/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
