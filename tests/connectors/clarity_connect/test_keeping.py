"""A large resume state is written now and then, and a kill between two writings costs nothing."""

from __future__ import annotations

import pytest

from connectors.clarity_connect import keeping
from connectors.clarity_connect.keeping import (
    BYTES_PER_SECOND,
    MAX_MESSAGES,
    MAX_SECONDS,
    SMALL_BYTES,
    Keeping,
)
from gateway.events import Event
from tests.connectors.clarity_connect.harness import connected_to, published, simulated
from tests.connectors.clarity_connect.supervised import WAIT_SECONDS, Record, lived, supervised
from tests.support.waiting import until

MEGABYTES = 3 * BYTES_PER_SECOND


def test_a_small_state_is_written_with_every_delivery() -> None:
    kept = Keeping()

    assert kept.is_due(1, 0.0)
    kept.written(SMALL_BYTES, 0.0)
    assert kept.is_due(1, 0.0)


def test_a_large_state_is_written_by_its_size_and_not_too_rarely() -> None:
    kept = Keeping()
    kept.written(MEGABYTES, 10.0)

    assert not kept.is_due(1, 10.0)
    assert not kept.is_due(1, 12.9)
    assert kept.is_due(1, 13.0)
    kept.written(100 * MEGABYTES, 20.0)
    assert not kept.is_due(1, 20.0 + MAX_SECONDS - 0.1)
    assert kept.is_due(1, 20.0 + MAX_SECONDS)


def test_it_never_lags_further_than_a_part_of_the_servers_buffer() -> None:
    kept = Keeping()
    kept.written(MEGABYTES, 0.0)

    assert not kept.is_due(MAX_MESSAGES - 1, 0.0)
    assert kept.is_due(1, 0.0)


def test_what_nothing_replays_is_written_at_once() -> None:
    kept = Keeping()
    kept.written(MEGABYTES, 0.0)
    kept.owe()

    assert kept.is_due(0, 0.0)


class Counting(Record):
    """Counts appends with and without a resume state."""

    def __init__(self) -> None:
        super().__init__()
        self.with_state = 0
        self.without = 0
        append = self.journal.append

        async def counted(feed: str, events: list[Event], resume: bytes | None) -> object:
            if resume is not None:
                self.with_state += 1
            elif events and not events[0].type.startswith("tieline.feed."):
                self.without += 1
            return await append(feed, events, resume)

        self.journal.append = counted  # type: ignore[method-assign, assignment]  # the spy passes on what it got


@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents", "longPolling"])
async def test_kills_between_two_writings_lose_and_double_nothing(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state counts as large, and the process is killed again and again, with the newest one unwritten."""
    monkeypatch.setattr(keeping, "SMALL_BYTES", 0)
    monkeypatch.setattr(keeping, "BYTES_PER_SECOND", 1 << 14)
    record = Counting()
    async with simulated(events_per_second=150) as simulator:
        for _ in range(4):
            async with (
                connected_to(simulator.url, transports=[transport]) as connector,
                supervised(connector, record),
            ):
                before = record.without
                await lived(simulator, 60)
                await until(lambda before=before: record.without > before, seconds=WAIT_SECONDS)
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 60)
            simulator.lives.stopped = True

            async def arrived() -> bool:
                return published(simulator) <= await record.references()

            await until(arrived, seconds=WAIT_SECONDS)
    assert await record.gaps() == []
    ids = [event.id for event in await record.events()]
    assert len(set(ids)) == len(ids)
    assert record.journal.statistics().duplicates > 0
    assert record.without > record.with_state
