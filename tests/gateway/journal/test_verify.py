"""What verify finds in a file whose structure is sound, one fault at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.journal import JournalSettings, open_journal, verify
from gateway.journal.verify import MAX_PROBLEMS
from tests.contract.journal_suite import events

COUNT = 120


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A closed journal with events, a resume state and a consumer."""
    path = tmp_path / "journal.sqlite"
    journal = await open_journal(path, JournalSettings(min_free_bytes=0), SystemClock())
    await journal.append("f", events(0, COUNT), b"resume")
    await journal.commit("crm", 10)
    await journal.close()
    return path


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM events WHERE position BETWEEN 7 AND 9", "positions 7 to 9 are missing"),
        ("UPDATE events SET sequence = 99 WHERE position = 7", "position 7: sequence 99 of"),
        (
            "UPDATE events SET id = zeroblob(16) WHERE position = 7",
            "event at position 7: the id is not that of the body",
        ),
        ("UPDATE events SET type = 99 WHERE position = 7", "event at position 7: source or type"),
        (
            "UPDATE events SET body = substr(body, 1, 40) WHERE position = 7",
            "event at position 7: ",
        ),
        ("UPDATE sources SET sequence = 3", "stands at 3, an event has"),
        ("UPDATE consumers SET position = 999", "consumer crm is at 999, behind the end 120"),
        ("UPDATE resume SET state = 'a text'", "the resume state of feed f is not what was"),
        ("INSERT INTO marks VALUES ('merged', 20)", "the ids of 20 events are not remembered"),
    ],
)
def test_a_fault_is_told_with_its_place(path: Path, statement: str, problem: str) -> None:
    """SQLite finds nothing wrong with any of these."""
    change(path, statement)
    report = verify(path)
    assert not report.sound
    assert any(problem in told for told in report.problems), report.problems
    assert not any(told.startswith("structure") for told in report.problems)


def test_what_was_trimmed_is_not_missing(path: Path) -> None:
    """Retention removes from the front."""
    change(path, "DELETE FROM events WHERE position <= 7")
    report = verify(path)
    assert report.problems == []
    assert (report.first_position, report.events) == (8, COUNT - 7)


def test_what_a_salvage_has_told_as_lost_is_not_told_again(path: Path) -> None:
    """It is counted, and the sequences may jump there."""
    change(
        path,
        "DELETE FROM events WHERE position BETWEEN 7 AND 9",
        "INSERT INTO holes VALUES (7, 9, 'a bad page')",
    )
    report = verify(path)
    assert report.problems == []
    assert (report.explained, report.events) == (3, COUNT - 3)


def test_a_file_full_of_faults_is_told_in_bounds(path: Path) -> None:
    """A hundred sentences are enough; all events are counted."""
    change(path, "UPDATE events SET id = zeroblob(16)")
    report = verify(path)
    assert len(report.problems) == MAX_PROBLEMS
    assert report.events == 0
