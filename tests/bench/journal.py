"""The journal's appends against bare `sqlite3` with the same pragmas, on the same disk, by turns."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from gateway.clock import SystemClock
from gateway.events import Classification, Event, encode, event_id, source_of
from gateway.events.calls import CallDataChanged
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from gateway.journal.schema import open_for_writing
from tests.bench.report import Figure, percentile
from tests.support.events import BEGIN

BATCH = 100
EVENT_BYTES = 1024
GROUP = 1_000
SOURCE = source_of("bench", "genesys_web_services")
INSERT = "INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)"


class EventMaker:
    """Makes events of 1 KiB, never the same twice."""

    def __init__(self) -> None:
        self._made = 0
        self._filler = "x" * (EVENT_BYTES - len(encode(self._event(""))))

    def _event(self, filler: str) -> Event:
        self._made += 1
        call = f"{self._made:016x}"
        return Event(
            id=event_id("bench", self._made),
            source=SOURCE,
            type="tieline.call.data.changed.v1",
            subject=f"call/{call}",
            time=BEGIN,
            recordedtime=BEGIN,
            partitionkey=call,
            data=CallDataChanged(call=call, values={"filler": filler}),
            dataclassification=Classification.CONTENT,
        )

    def batch(self, size: int) -> list[Event]:
        """So many events."""
        return [self._event(self._filler) for _ in range(size)]


class _Bare:
    """A table like the journal's own, and nothing around it."""

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection = open_for_writing(path)
        self._connection.execute(
            "CREATE TABLE bare (position INTEGER PRIMARY KEY, id BLOB, source INTEGER,"
            " sequence INTEGER, type INTEGER, body BLOB)"
        )
        self._position = 0
        self._body = b"x" * EVENT_BYTES

    def append(self, size: int) -> None:
        rows = []
        for _ in range(size):
            self._position += 1
            key = self._position.to_bytes(16, "big")
            rows.append((self._position, key, 1, self._position, 1, self._body))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(INSERT, rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    """Batches, group commit, and the delay of single appends."""
    rounds, singles = (3, 200) if quick else (7, 1_000)
    journal = await open_journal(directory / "journal.sqlite", JournalSettings(), SystemClock())
    bare = _Bare(directory / "bare.sqlite")
    maker = EventMaker()
    try:
        batches = 100
        ours, theirs = [], []
        for _ in range(rounds):
            made = [maker.batch(BATCH) for _ in range(batches)]
            ours.append(batches * BATCH / await _batches(journal, made))
            theirs.append(batches * BATCH / _bare_batches(bare, batches, BATCH))
        one_feed = Figure(
            name=f"journal: one feed, batches of {BATCH} x 1 KiB",
            value=median(ours),
            unit="events/s",
            against="sqlite3 executemany and commit",
            reference=median(theirs),
            note="the journal also encodes, checks ids and keeps the resume state",
        )
        ours, theirs = [], []
        for _ in range(rounds):
            made = [maker.batch(1) for _ in range(GROUP * 10)]
            started = time.perf_counter()
            for begin in range(0, len(made), GROUP):
                await _at_once(journal, made[begin : begin + GROUP])
            ours.append(len(made) / (time.perf_counter() - started))
            theirs.append(len(made) / _bare_batches(bare, 10, GROUP))
        grouped = Figure(
            name=f"journal: {GROUP:,} feeds append 1 event each at once",
            value=median(ours),
            unit="events/s",
            against=f"sqlite3 executemany of {GROUP:,} and commit",
            reference=median(theirs),
        )
        ours_ms, theirs_ms = [], []
        for _ in range(singles):
            made = [maker.batch(1)]
            ours_ms.append(1000 * await _batches(journal, made))
            theirs_ms.append(1000 * _bare_batches(bare, 1, 1))
        delays = [
            Figure(
                name=f"journal: one event, delay p{round(share * 100)}",
                value=percentile(ours_ms, share),
                unit="ms",
                against="sqlite3 insert and commit",
                reference=percentile(theirs_ms, share),
            )
            for share in (0.5, 0.99)
        ]
        return [one_feed, grouped, *delays]
    finally:
        bare.close()
        await journal.close()


async def _batches(journal: SqliteJournal, batches: Sequence[Sequence[Event]]) -> float:
    started = time.perf_counter()
    for number, batch in enumerate(batches):
        await journal.append("bench", batch, b"state %d" % number)
    return time.perf_counter() - started


async def _at_once(journal: SqliteJournal, batches: Sequence[Sequence[Event]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number, batch in enumerate(batches):
            tasks.create_task(journal.append(f"bench/{number}", batch, b"state"))


def _bare_batches(bare: _Bare, batches: int, size: int) -> float:
    started = time.perf_counter()
    for _ in range(batches):
        bare.append(size)
    return time.perf_counter() - started
