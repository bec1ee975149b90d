"""The full check of a journal's file, for `tieline journal verify`. Blocking; reads everything, changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import JournalError
from gateway.journal import scan
from gateway.journal.faults import classify
from gateway.journal.schema import TABLES, check_header, check_version, connect

MAX_PROBLEMS = 100


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """What a journal's file holds, and what is wrong with it.

    Attributes:
        path: the file.
        problems: at most MAX_PROBLEMS sentences, empty when the journal is sound.
        events: events that can be read and are what was written.
        first_position, last_position: bounds of what should be there.
        feeds: feeds with a resume state.
        consumers: saved positions.
        dead_letters: waiting dead letters.
        explained: positions that an earlier salvage could not read.
    """

    path: Path
    problems: list[str] = field(default_factory=list)
    events: int = 0
    first_position: int = 0
    last_position: int = 0
    feeds: int = 0
    consumers: dict[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    explained: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def blame(self, problem: str) -> None:
        """Note a problem, unless there are too many already."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def verify(path: Path) -> VerifyReport:
    """Check everything: structure, every event, order, resume states. Raises JournalError if there is no such file."""
    report = VerifyReport(path=path)
    try:
        check_header(path)
    except JournalError as error:
        if not path.exists():
            raise
        report.blame(error.message)
        return report
    try:
        with closing(connect(path, read_only=True)) as connection:
            check_version(connection, path)
            _check_structure(connection, report)
            _check_events(connection, report)
            _check_rest(connection, report)
    except (sqlite3.Error, JournalError) as error:
        report.blame(classify(error, path).message)
    return report


def _check_structure(connection: sqlite3.Connection, report: VerifyReport) -> None:
    rows, reason = scan.attempt(
        lambda: connection.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})").fetchall()
    )
    if reason:
        report.blame(f"the structure cannot be checked: {reason}")
    for (finding,) in rows:
        if finding != "ok":
            for line in str(finding).splitlines():
                report.blame(f"structure: {line}")


def _check_events(connection: sqlite3.Connection, report: VerifyReport) -> None:
    first, last = scan.bounds(connection)
    report.first_position, report.last_position = first, scan.end(connection)
    holes = {row[0]: row[1] for row in scan.rows_of(connection, "holes")[0]}
    sequences: dict[str, int] = {}
    expected = first
    for item in scan.events(connection, first, last):
        if isinstance(item, scan.Unreadable):
            report.blame(f"positions {item.first} to {item.last} cannot be read: {item.reason}")
            expected = item.last + 1
            sequences.clear()
            continue
        while expected in holes and expected < item.position:
            report.explained += holes[expected] - expected + 1
            expected = holes[expected] + 1
            sequences.clear()
        if item.position != expected:
            report.blame(f"positions {expected} to {item.position - 1} are missing")
        expected = item.position + 1
        if item.fault:
            report.blame(f"event at position {item.position}: {item.fault}")
        else:
            report.events += 1
        before = sequences.get(item.source)
        if before is not None and item.sequence != before + 1:
            report.blame(
                f"event at position {item.position}: sequence {item.sequence} of {item.source} "
                f"follows {before}"
            )
        sequences[item.source] = item.sequence
    _check_sequences(connection, report, sequences)


def _check_sequences(
    connection: sqlite3.Connection, report: VerifyReport, sequences: dict[str, int]
) -> None:
    kept = {name: sequence for _, name, sequence in scan.rows_of(connection, "sources")[0]}
    for name, sequence in sequences.items():
        if name in kept and kept[name] < sequence:
            report.blame(f"the counter of {name} stands at {kept[name]}, an event has {sequence}")
    merged, _ = scan.attempt(
        lambda: connection.execute("SELECT value FROM marks WHERE name = 'merged'").fetchall()
    )
    forgotten, _ = scan.attempt(
        lambda: connection.execute(
            "SELECT count(*) FROM events WHERE position <= ? AND NOT EXISTS (SELECT 1 FROM"
            " generations CROSS JOIN ids ON ids.generation = generations.id WHERE ids.id = events.id)",
            (merged[0][0] if merged else 0,),
        ).fetchall()
    )
    if forgotten and forgotten[0][0]:
        report.blame(f"the ids of {forgotten[0][0]} events are not remembered")


def _check_rest(connection: sqlite3.Connection, report: VerifyReport) -> None:
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for table in TABLES:
        if table not in {"events", "ids"}:
            rows[table], reason = scan.rows_of(connection, table)
            if reason:
                report.blame(f"table {table} cannot be read whole: {reason}")
    report.feeds = len(rows["resume"])
    for feed, state in rows["resume"]:
        if not isinstance(state, bytes):
            report.blame(f"the resume state of feed {feed} is not what was written")
    report.consumers = dict(row[:2] for row in rows["consumers"])
    for name, position in report.consumers.items():
        if position > report.last_position:
            report.blame(f"consumer {name} is at {position}, behind the end {report.last_position}")
    report.dead_letters = sum(row[9] == "waiting" for row in rows["dead_letters"])
