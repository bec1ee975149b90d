from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.journal import JournalSettings, open_journal, store
from gateway.journal.pacing import (
    CHECKPOINT_SLICES,
    MAX_REST_SECONDS,
    REST_SHARE,
    SLICE_SECONDS,
    TRIM_EVENTS,
    VACUUM_PAGES,
    Pace,
)
from gateway.journal.trim import LOOSE_FRACTION
from tests.contract.journal_suite import events
from tests.support.clock import LeapingClock
from tests.support.waiting import until

WEEK_SECONDS = 7 * 24 * 3600.0


def test_slices_grow_while_they_are_quick_and_shrink_when_they_are_not() -> None:
    """Between the least and the most of their kind, each kind by itself."""
    pace = Pace()
    for _ in range(20):
        pace.done(TRIM_EVENTS, 0.0)
    assert pace.amount(TRIM_EVENTS) == TRIM_EVENTS.most
    assert pace.amount(VACUUM_PAGES) == VACUUM_PAGES.least
    for _ in range(20):
        pace.done(TRIM_EVENTS, 2 * SLICE_SECONDS)
    assert pace.amount(TRIM_EVENTS) == TRIM_EVENTS.least


def test_a_rest_is_in_proportion_to_the_slice_and_bounded() -> None:
    """A disk that is slow makes long rests, not endless ones; who is in a hurry has none."""
    pace = Pace()
    assert pace.done(TRIM_EVENTS, 0.002) == pytest.approx(REST_SHARE * 0.002)
    assert pace.done(TRIM_EVENTS, 60.0) == MAX_REST_SECONDS
    assert pace.done(TRIM_EVENTS, 60.0, hurry=True) == 0.0
    assert pace.checkpointed(60.0, hurry=True) == 0.0
    assert pace.amount(TRIM_EVENTS, hurry=True) == TRIM_EVENTS.most


def test_a_trim_that_falls_behind_the_appends_hurries() -> None:
    """It lags when less than twice of what came went, counted from its own beginning."""
    pace = Pace()
    pace.begin(removed=1_000, appended=5_000)
    assert not pace.lags(1_200, 5_100)
    assert pace.lags(1_199, 5_100)


def test_a_checkpoint_is_due_after_some_slices_of_any_kind() -> None:
    """So no append has the log of a whole trim to write into the file."""
    pace = Pace()
    for kind in (TRIM_EVENTS, VACUUM_PAGES, TRIM_EVENTS, VACUUM_PAGES)[:CHECKPOINT_SLICES]:
        assert not pace.checkpoint_due()
        pace.done(kind, 0.001)
    assert pace.checkpoint_due()
    pace.checkpointed(0.001)
    assert not pace.checkpoint_due(at_least=1)


async def test_trimming_goes_in_slices_with_checkpoints_and_gives_pages_back_in_bulk(
    tmp_path: Path,
) -> None:
    """No slice is larger than it may be, and free pages leave many at a time, not one by one."""
    clock = LeapingClock()
    path = tmp_path / "j.sqlite"
    journal = await open_journal(path, JournalSettings(), clock)
    for start in range(0, 4_000, 400):
        await journal.append("f", events(start, 400, padding=1_000), b"r")
    clock.advance(2 * WEEK_SECONDS)
    statements: list[str] = []
    await journal._call(lambda connection: connection.set_trace_callback(statements.append))
    assert await journal.trim() == 4_000
    space = journal._store.space
    await until(
        lambda: space.free_page_bytes <= LOOSE_FRACTION * (space.used_bytes + space.free_page_bytes)
    )
    await journal._call(lambda connection: connection.set_trace_callback(None))
    slices = sum(one.startswith("DELETE FROM events") for one in statements)
    checkpoints = sum(one.startswith("PRAGMA wal_checkpoint(PASSIVE)") for one in statements)
    vacuums = sum(one.startswith("PRAGMA incremental_vacuum") for one in statements)
    assert 4_000 // TRIM_EVENTS.most <= slices <= 4_000 // TRIM_EVENTS.least
    assert checkpoints >= (slices + vacuums) // CHECKPOINT_SLICES - 1
    assert 1 <= vacuums <= 50
    await journal.close()


async def test_an_append_passes_a_trim_that_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done while the trim is under way, and closing does not wait for the trim, which tells what it removed."""
    monkeypatch.setattr(store.Pace, "done", lambda *_, **__: 3_600.0)
    settings = JournalSettings(max_age_seconds=0.001)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock())
    await journal.append("f", events(0, 1_000), b"r")
    trim = asyncio.create_task(journal.trim(), name="trim")
    await until(lambda: journal.statistics().trimmed > 0)
    assert (await journal.append("f", events(1_000, 1), b"r")).stored == 1
    assert not trim.done()
    await asyncio.wait_for(journal.close(), 30)
    assert 0 < await trim < 1_000


async def test_a_large_append_at_the_bound_takes_the_place_of_many_small_events(
    tmp_path: Path,
) -> None:
    """What all sinks have gives way at once, however many events that is: nobody is told that the journal is full."""
    settings = JournalSettings(max_bytes=16 << 20)
    journal = await open_journal(tmp_path / "j", settings, SystemClock())
    number = 0
    while journal._store.space.used_bytes < 15 << 20:
        number += 1
        appended = await journal.append("f", events(1_000 * number, 1_000), None)
        await journal.commit("sink", appended.position)
    large = events(1_000 * number + 1_000, 75, padding=100_000)
    assert (await journal.append("f", large, None)).stored == 75
    assert not journal.statistics().full
    await journal.close()


async def test_a_trim_is_answered_though_the_upkeep_behind_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went is told; giving pages back or writing the log into the file can wait."""
    clock = LeapingClock()
    settings = JournalSettings(max_age_seconds=WEEK_SECONDS)
    journal = await open_journal(tmp_path / "j", settings, clock)
    await journal.append("f", events(0, 100), None)
    await journal.append("f", events(100, 1), None)
    clock.advance(2 * WEEK_SECONDS)

    def fail(_store: store.Store, _began: float) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store.Store, "_drop_or_vacuum", fail)
    assert await asyncio.wait_for(journal.trim(), 20) == 101
    await journal.close()
