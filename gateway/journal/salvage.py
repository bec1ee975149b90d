"""The way out of a damaged journal: everything that can be read, copied into a new file. Blocking."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import JournalError, Reason
from gateway.journal import scan
from gateway.journal.faults import classify
from gateway.journal.identities import IdIndex
from gateway.journal.lock import FileLock
from gateway.journal.schema import (
    APPLICATION_ID,
    MAGIC,
    PAGE_BYTES,
    SCHEMA_VERSION,
    connect,
    create_tables,
    open_for_writing,
)
from gateway.journal.statements import insert_rows

COMMIT_EVENTS = 10_000
COPIED = ("ages", "consumers", "dead_letters", "held", "held_keys", "facts")
ADDED = {"held": 2, "held_keys": 2}
"""Since which version of the format a table is there."""


@dataclass(slots=True, kw_only=True)
class SalvageReport:
    """What could be saved.

    Attributes:
        events: events copied.
        lost: ranges of positions that could not be read, with the reason.
        feeds: resume states copied; none if events were lost, for a feed must not go on behind a loss.
        problems: what else could not be read.
    """

    events: int = 0
    lost: list[scan.Unreadable] = field(default_factory=list)
    feeds: int = 0
    problems: list[str] = field(default_factory=list)


def salvage(path: Path, out: Path) -> SalvageReport:
    """Copy what is readable of the journal at `path` to the new file `out`.

    The copy is another journal: it has a new name, so that no receiver takes its positions for those it knew. Positions
    and sequences go on behind the old ones. Raises JournalError if `out` exists or `path` is in use.
    """
    if out.exists():
        raise JournalError(
            f"{out} exists already", reason=Reason.CONFLICT, hint="name a file that does not exist"
        )
    if not path.exists():
        raise JournalError(f"there is no journal {path}", reason=Reason.NOT_FOUND)
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        with _readable(path, out.parent) as source, closing(open_for_writing(out)) as target:
            target.execute("PRAGMA synchronous = OFF")
            report = _copy(source, target)
            target.execute("PRAGMA synchronous = FULL")
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        for name in (out.name, f"{out.name}-wal", f"{out.name}-shm"):
            out.with_name(name).unlink(missing_ok=True)
        raise classify(error, path) from error
    finally:
        lock.release()
    return report


@contextmanager
def _readable(path: Path, work_folder: Path) -> Iterator[sqlite3.Connection]:
    """The damaged file, or a copy of it whose first page is that of a new journal.

    All journals of one version have the same first page but for a few counters, so a lost one can be replaced.
    """
    if _first_page_is_good(path):
        with closing(connect(path, read_only=True)) as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(dir=work_folder, prefix=".salvage-") as folder:
        copy = Path(folder) / "journal"
        shutil.copyfile(path, copy)
        wal = path.with_name(path.name + "-wal")
        if wal.exists():
            shutil.copyfile(wal, copy.with_name("journal-wal"))
        with copy.open("r+b") as file:
            file.write(_new_first_page(Path(folder) / "template", copy.stat().st_size))
        with closing(connect(copy)) as connection:
            yield connection


def _first_page_is_good(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return False
    try:
        with closing(connect(path, read_only=True)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    return bool(application == APPLICATION_ID and tables)


def _new_first_page(template: Path, size_bytes: int) -> bytes:
    with closing(connect(template)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        create_tables(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = bytearray(template.read_bytes()[:PAGE_BYTES])
    # Bytes 28 to 31: number of pages. Source: SQLite documentation, "Database File Format", section 1.3.
    page[28:32] = (size_bytes // PAGE_BYTES).to_bytes(4, "big")
    return bytes(page)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> SalvageReport:
    report = SalvageReport()
    first, last = scan.bounds(source)
    names = _Names(target)
    index = IdIndex(target)
    target.execute("BEGIN")
    part: list[scan.Found] = []
    for item in scan.events(source, first, last):
        if isinstance(item, scan.Unreadable):
            _lose(report, target, item)
        elif item.broken:
            _lose(
                report,
                target,
                scan.Unreadable(first=item.position, last=item.position, reason=item.fault),
            )
        else:
            part.append(item)
            if len(part) >= COMMIT_EVENTS:
                _write(target, part, names, index)
                part = []
    _write(target, part, names, index)
    report.events = names.events
    known, reason = scan.rows_of(source, "sources")
    if reason:
        report.problems.append(f"sources: {reason}")
    names.save({name: sequence for _, name, sequence in known})
    target.execute("INSERT OR REPLACE INTO marks VALUES ('last', ?)", (last,))
    version = _version(source)
    for table in COPIED:
        if ADDED.get(table, 1) <= version:
            _copy_table(source, target, table, report)
    states, reason = scan.rows_of(source, "resume")
    if not report.lost and not reason:
        _insert(target, "resume", states)
        report.feeds = len(states)
    if reason:
        report.problems.append(f"resume: {reason}")
    target.execute("COMMIT")
    return report


def _lose(report: SalvageReport, target: sqlite3.Connection, lost: scan.Unreadable) -> None:
    report.lost.append(lost)
    target.execute("INSERT INTO holes VALUES (?, ?, ?)", (lost.first, lost.last, lost.reason))


class _Names:
    """Numbers of sources and types in the new file, and the highest sequences seen."""

    def __init__(self, target: sqlite3.Connection) -> None:
        self._target = target
        self.sources: dict[str, int] = {}
        self.types: dict[str, int] = {}
        self.sequences: dict[str, int] = {}
        self.events = 0

    def number(self, event: scan.Found) -> tuple[int, int]:
        source = self.sources.setdefault(event.source, len(self.sources) + 1)
        kind = self.types.setdefault(event.type, len(self.types) + 1)
        self.sequences[event.source] = max(event.sequence, self.sequences.get(event.source, 0))
        return source, kind

    def save(self, known: dict[str, int]) -> None:
        for name, sequence in known.items():
            self.sources.setdefault(name, len(self.sources) + 1)
            self.sequences[name] = max(sequence, self.sequences.get(name, 0))
        self._target.executemany(
            "INSERT INTO sources (id, name, sequence) VALUES (?, ?, ?)",
            [(number, name, self.sequences[name]) for name, number in self.sources.items()],
        )
        self._target.executemany(
            "INSERT INTO types (id, name) VALUES (?, ?)",
            [(number, name) for name, number in self.types.items()],
        )


def _write(
    target: sqlite3.Connection, part: Sequence[scan.Found], names: _Names, index: IdIndex
) -> None:
    if not part:
        return
    values: list[Any] = []
    for event in part:
        source, kind = names.number(event)
        values += (event.position, event.key, source, event.sequence, kind, event.body)
    insert_rows(
        target, "INSERT INTO events (position, id, source, sequence, type, body)", 6, values
    )
    names.events += len(part)
    index.add([event.key for event in part], part[-1].position)
    while index.merging:
        index.write_chunk()
        index.committed()
    target.execute("COMMIT")
    target.execute("BEGIN")


def _copy_table(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, report: SalvageReport
) -> None:
    rows, reason = scan.rows_of(source, table)
    _insert(target, table, rows)
    if reason:
        report.problems.append(f"{table}: {reason}")


def _version(source: sqlite3.Connection) -> int:
    version, reason = scan.attempt(lambda: source.execute("PRAGMA user_version").fetchall())
    return SCHEMA_VERSION if reason else int(version[0][0])


def _insert(target: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        # Older formats have fewer columns; new ones are always the last.
        columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")][: len(rows[0])]
        marks = ", ".join("?" * len(columns))
        target.executemany(
            f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 constants
            rows,
        )
