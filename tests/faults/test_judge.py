"""The judge of runs with faults can say no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.faults.gaps import account
from tests.faults.judge import judge
from tests.faults.proxy import FaultProxy
from tests.support.oracle import Published, SeenEvent
from tests.support.waiting import until

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def event(kind: str, seconds: float, **data: object) -> SeenEvent:
    return msgspec.convert(
        {
            "id": f"{kind}-{seconds}",
            "type": f"tieline.{kind}.v1",
            "subject": "x",
            "partitionkey": "x",
            "recordedtime": at(seconds),
            "data": data,
        },
        SeenEvent,
    )


def published(number: int, seconds: float, fate: str = "acknowledged") -> Published:
    moment = START + timedelta(seconds=seconds)
    resumable = fate == "acknowledged"
    return Published(f"sim-{number}", "a1", fate, resumable, round(moment.timestamp() * 1000))


CONNECTED = event("feed.connected", 0.0, feed="gws/a1")
SEEN = event("call.held", 50.0, native={"reference": "sim-1"})
GAP = {"feed": "gws/a1", "reason": "session_lost", "from": at(100), "to": at(110)}
COUNTS = {"recovered": 3, "unrecovered": None}
OPENED = event("feed.gap.opened", 110, **GAP)
CLOSED = event("feed.gap.closed", 111, **GAP, **COUNTS)


def test_what_could_be_had_and_is_not_there_is_lost() -> None:
    verdict = judge([CONNECTED, SEEN], [published(1, 50), published(2, 51)], polled=False)
    assert verdict.lost == ["sim-2 of a1, acknowledged"]
    assert verdict.seen == 1


def test_a_loss_inside_a_stated_gap_is_explained_and_one_outside_is_not() -> None:
    told = [published(1, 105, "lost"), published(2, 200, "lost"), published(3, 5, "lost")]
    verdict = judge([CONNECTED, OPENED, CLOSED], told, polled=False)
    assert [loss.split()[0] for loss in verdict.unexplained] == ["sim-2"]
    assert verdict.lost == []
    assert verdict.gaps.opened == {"session_lost": 1}


def test_a_gap_that_is_never_closed_is_told() -> None:
    assert judge([CONNECTED, OPENED], [], polled=False).gaps.still_open == ["gws/a1"]
    assert judge([CONNECTED, OPENED, CLOSED], [], polled=False).gaps.still_open == []


def test_a_gap_is_accounted_for_by_bounds_reason_and_counts() -> None:
    known = {**GAP, "reason": "buffer_full", "recovered": 2, "unrecovered": 5}
    events = [OPENED, CLOSED, event("feed.gap.opened", 120, **known)]
    events.append(event("feed.gap.closed", 121, **known))
    made = judge([CONNECTED, *events], [], polled=False).gaps
    assert made.opened == {"session_lost": 1, "buffer_full": 1}
    assert (made.recovered, made.unrecovered, made.uncounted) == (5, 5, 1)
    assert (made.unsound, made.still_open, made.without_begin) == ([], [], {})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"reason": ""}, "lacks"),
        ({"to": None}, "lacks"),
        ({"from": at(4000)}, "ends before it begins"),
        ({"from": at(90)}, "closed and not opened"),
        ({"reason": "expired"}, "closed and not opened"),
        ({"recovered": None}, "does not say what was recovered"),
    ],
)
def test_a_bad_account_of_a_gap_is_told(changes: dict[str, object], complaint: str) -> None:
    closed = event("feed.gap.closed", 111, **(GAP | COUNTS | changes))
    assert complaint in str(account([CONNECTED, OPENED, closed]).unsound)


def test_a_gap_that_does_not_say_what_was_not_recovered_is_told() -> None:
    closed = event("feed.gap.closed", 111, **GAP, recovered=0)
    assert "not recovered" in str(account([OPENED, closed]).unsound)


def test_a_gap_without_begin_is_counted_but_for_those_whose_memory_is_lost() -> None:
    told = [
        event(f"feed.gap.{verb}", 110, **(GAP | COUNTS | {"from": None, "reason": reason}))
        for reason in ("quiet", "corrupt")
        for verb in ("opened", "closed")
    ]
    made = account(told)
    assert (made.without_begin, made.unsound) == ({"quiet": 1}, [])


def test_a_gap_whose_ends_were_told_by_different_clocks_is_the_time_between_them() -> None:
    """It began while the clock was 90 s ahead, which makes it end before it begins."""
    told = {**GAP, "from": at(100 + 90)}
    events = [
        CONNECTED, event("feed.gap.opened", 110, **told), event("feed.gap.closed", 111, **told, **COUNTS),
    ]  # fmt: skip
    losses = [published(1, 105, "lost"), published(2, 150, "lost")]
    verdict = judge(events, losses, polled=False, jumps=[-7200.0, 90.0, 86_400.0])
    assert [loss.split()[0] for loss in verdict.unexplained] == ["sim-2"]
    assert verdict.gaps.unsound == []


def test_what_a_poll_cannot_see_is_counted_but_no_failure() -> None:
    verdict = judge([CONNECTED], [published(1, 200)], polled=True)
    assert (verdict.lost, verdict.unexplained, verdict.between_polls) == ([], [], 1)


def test_a_gap_that_was_told_while_the_clock_was_wrong_counts_for_its_true_time() -> None:
    shifted = {**GAP, "from": at(100 + 7200), "to": at(110 + 7200)}
    events = [CONNECTED, event("feed.gap.closed", 7311, **shifted)]
    told = [published(1, 105, "lost")]
    assert judge(events, told, polled=False).unexplained
    assert not judge(events, told, polled=False, jumps=[7200.0]).unexplained


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that says back what it hears; its port."""
    open_now = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        with suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data)
        await dropped(writer)
        open_now -= 1

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await until(lambda: open_now == 0)


async def at_the_end(reader: asyncio.StreamReader) -> bool:
    """Wait for what comes next; whether it is the connection's end, however that is told."""
    try:
        return await reader.read(100) == b""
    except ConnectionError:
        return True


async def dropped(*writers: asyncio.StreamWriter) -> None:
    """Let go of connections at once."""
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_half_open_connection_carries_nothing_and_a_new_one_works(echo: int) -> None:
    async with FaultProxy() as proxy:
        proxy.target_port = echo
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        assert proxy.go_half_open() == 1
        writer.write(b"two")
        silence = asyncio.create_task(at_the_end(reader))
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        other_writer.write(b"three")
        assert await other_reader.read(100) == b"three"
        assert not silence.done()
        proxy.reset()
        assert await silence
        await dropped(writer, other_writer)


async def test_a_cut_link_resets_what_is_open_and_refuses_what_is_new(echo: int) -> None:
    async with FaultProxy() as proxy:
        proxy.target_port = echo
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        proxy.cut = True
        proxy.reset()
        assert await at_the_end(reader)
        late_reader, late_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await at_the_end(late_reader)
        await dropped(writer, late_writer)
