"""What opening a journal finds and mends of what an earlier process left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import Clock, SystemClock
from gateway.errors import JournalCorrupt
from gateway.journal import JournalSettings, SqliteJournal, open_journal, schema
from gateway.journal.schema import APPLICATION_ID, PAGE_BYTES
from tests.contract.journal_suite import event, events
from tests.support.clock import LeapingClock

COUNT = 200


async def opened(path: Path, clock: Clock | None = None) -> SqliteJournal:
    settings = JournalSettings(min_free_bytes=0, max_age_seconds=3600)
    return await open_journal(path, settings, clock or SystemClock())


async def filled(path: Path, clock: Clock | None = None) -> None:
    journal = await opened(path, clock)
    await journal.append("f", events(0, COUNT, padding=500), None)
    await journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def begin(path: Path, *, marked: bool) -> None:
    """Leave what a process leaves that dies while it creates the file."""
    path.touch()
    if marked:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def overwrite_page_of(path: Path, text: str) -> None:
    content = bytearray(path.read_bytes())
    page = content.index(text.encode(), PAGE_BYTES) // PAGE_BYTES
    content[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = b"\xa5" * PAGE_BYTES
    path.write_bytes(content)


def cut_off_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(file.seek(0, 2) - PAGE_BYTES)


@pytest.mark.parametrize("marked", [False, True], ids=["nothing is in it", "it has its mark"])
async def test_a_file_whose_creation_was_interrupted_becomes_a_journal(
    path: Path, *, marked: bool
) -> None:
    """A kill between the file and its tables must not need anybody's hand."""
    begin(path, marked=marked)
    await filled(path)
    journal = await opened(path)
    assert journal.statistics().events == COUNT
    await journal.close()


async def test_events_that_a_killed_process_gave_no_age_are_removed_in_their_time(
    path: Path,
) -> None:
    """Without an age they would stay for ever; they count as of the opening."""
    clock = LeapingClock()
    await filled(path, clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM ages")
        connection.commit()
    journal = await opened(path, clock)
    assert await journal.trim() == 0
    await clock.sleep(3601)
    assert await journal.trim() == COUNT
    await journal.close()


async def test_positions_go_on_behind_a_journal_that_was_trimmed_to_nothing(path: Path) -> None:
    """A receiver that remembers positions must never see one twice."""
    clock = LeapingClock()
    await filled(path, clock)
    journal = await opened(path, clock)
    await clock.sleep(3601)
    assert await journal.trim() == COUNT
    await journal.close()
    journal = await opened(path, clock)
    assert (await journal.append("f", [event(COUNT)], None)).position == COUNT + 1
    await journal.close()


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is so big that only its ends are looked at."""
    monkeypatch.setattr(schema, "QUICK_CHECK_BYTES", 0)


@pytest.mark.usefixtures("big")
@pytest.mark.parametrize("number", [0, COUNT - 1], ids=["oldest", "newest"])
async def test_damage_at_an_end_of_a_big_journal_is_found(path: Path, number: int) -> None:
    """Sinks go on at the new end, retention at the old one."""
    await filled(path)
    overwrite_page_of(path, event(number).id)
    with pytest.raises(JournalCorrupt):
        await opened(path)


@pytest.mark.usefixtures("big")
async def test_a_big_journal_that_is_cut_off_is_found(path: Path) -> None:
    """Whatever the page held: its first page says how many there should be."""
    await filled(path)
    cut_off_a_page(path)
    with pytest.raises(JournalCorrupt):
        await opened(path)
