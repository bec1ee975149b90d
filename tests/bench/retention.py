"""A journal that is old and large: opening it, appending while it trims, and whether it keeps to its size.

`python -m tests.bench.retention EVENTS --directory DIR` does it with as many events as the disk holds; it takes about
1.2 KiB for each, or with `--bytes 200` a quarter of that. A week at 200 events a second is 121 million.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from gateway.clock import SystemClock
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from gateway.journal.encoding import rows_of
from gateway.journal.filters import Planes
from gateway.journal.identities import GENERATION_IDS
from gateway.journal.schema import PAGE_BYTES, open_for_writing
from tests.bench.journal import EventMaker
from tests.bench.report import Figure, percentile

BATCH = 2_000
SOME_EVENTS = 20
EVENTS_PER_SECOND = 200
WEEK_SECONDS = 7 * 24 * 3600.0
SPARE = 1.25
_IDS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO ids (generation, id) SELECT :generation, randomblob(16) FROM n ORDER BY 2
"""
_EVENTS = """
INSERT INTO events (position, id, source, sequence, type, body)
SELECT :before + row_number() OVER (), id, 1, :before + row_number() OVER (), 1,
    CAST(CAST(:head AS TEXT) || lower(hex(id)) || CAST(:tail AS TEXT) AS BLOB)
FROM ids WHERE generation = :generation
"""
CALM_SECONDS = 20.0
TRIM_SECONDS = 300.0
"""A trim that takes longer is not waited for."""


class _Ahead(SystemClock):
    """The machine's clock, ahead or behind by what is told."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


def fill(path: Path, count: int, *, size_bytes: int = 0) -> None:
    """Write so many events as if they had come evenly over the last week, all of them merged into the index of ids.

    Bodies of `size_bytes` are cut to them, and then only as long as events: what is measured does not read them.
    By SQL into the journal's own tables, without waiting for the disk: what is measured comes afterwards.
    """
    (pattern,) = rows_of(EventMaker().batch(1))
    head, _, tail = pattern.body.partition(pattern.key.hex().encode())
    if size_bytes:
        head = head[: size_bytes // 2]
        tail = tail[: max(0, size_bytes - len(head) - len(pattern.key.hex()))]
    connection = open_for_writing(path)
    execute = connection.execute
    execute("PRAGMA synchronous = OFF")
    execute("PRAGMA journal_mode = OFF").fetchone()
    execute("INSERT INTO sources VALUES (1, ?, ?)", (pattern.source, count))
    execute("INSERT INTO types VALUES (1, ?)", (pattern.type,))
    for number, first in enumerate(range(1, count + 1, GENERATION_IDS), 1):
        last = min(count, first + GENERATION_IDS - 1)
        execute("BEGIN IMMEDIATE")
        execute(_IDS, {"generation": number, "count": last - first + 1})
        execute(_EVENTS, {"generation": number, "before": first - 1, "head": head, "tail": tail})
        bits = Planes().new(number)
        ids = execute("SELECT id FROM ids WHERE generation = ?", (number,))
        while part := ids.fetchmany(BATCH):
            bits.add([key for (key,) in part])
        whole = last - first + 1 >= GENERATION_IDS
        execute(
            "INSERT INTO generations VALUES (?, ?, ?, ?)",
            (number, last, last - first + 1, bits.saved() if whole else None),
        )
        execute("COMMIT")
    week_ago = time.time() - WEEK_SECONDS
    ages = [
        (place, week_ago + WEEK_SECONDS * place / count) for place in range(BATCH, count + 1, BATCH)
    ]
    execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO ages VALUES (?, ?)", ages)
    connection.executemany("INSERT INTO marks VALUES (?, ?)", [("merged", count), ("last", count)])
    execute("COMMIT")
    execute("PRAGMA journal_mode = WAL").fetchone()
    connection.close()
    # Else the first transaction of what is measured waits for all of it.
    with path.open("rb") as file:
        os.fsync(file.fileno())


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    """A journal of a size that is measured with everything else."""
    count = 200_000 if quick else 2_000_000
    figures = await large(directory, count, seconds=3.0 if quick else CALM_SECONDS)
    worst = await _beyond(directory / "bounded.sqlite", (32 if quick else 256) << 20)
    return [*figures, _bound("journal filled with three times its max_bytes", *worst)]


async def large(
    directory: Path, count: int, *, seconds: float, size_bytes: int = 0
) -> list[Figure]:
    """Fill, open, append, append while half of it is trimmed by age, append beyond a bound that is reached."""
    path = directory / "old.sqlite"
    started = time.perf_counter()
    await asyncio.to_thread(fill, path, count, size_bytes=size_bytes)
    filled = time.perf_counter() - started
    size = path.stat().st_size
    clock = _Ahead()
    settings = JournalSettings(max_age_seconds=WEEK_SECONDS + 3_600, max_bytes=int(size * SPARE))
    started = time.perf_counter()
    journal = await open_journal(path, settings, clock)
    opened = time.perf_counter() - started
    await journal.commit("sink", count)
    maker = EventMaker()
    calm = await _delays(journal, maker, seconds=seconds)
    clock.ahead = timedelta(seconds=WEEK_SECONDS / 2)
    trim = asyncio.create_task(journal.trim(), name="trim")
    trimming: list[float] = []
    started = time.perf_counter()
    while not trim.done() and time.perf_counter() - started < TRIM_SECONDS:
        trimming += await _delays(journal, maker, seconds=0.5)
    took = time.perf_counter() - started
    await journal.close()
    removed = await trim
    before = path.stat().st_size
    return [
        Figure(
            name=f"journal of {count:,} events, {size / 2**30:.1f} GiB: opening",
            value=opened,
            unit="s",
            note=f"filled in {filled:.0f} s",
        ),
        Figure(
            name=f"journal: {SOME_EVENTS} events appended while {removed:,} are trimmed, p99",
            value=percentile(trimming, 0.99),
            unit="ms",
            against="the same while nothing is trimmed",
            reference=percentile(calm, 0.99),
            note=f"{len(trimming)} and {len(calm)} appends; trimmed for {took:.0f} s,"
            f" {before / 2**30:.1f} GiB left",
        ),
    ]


def _bound(name: str, most: int, bound: int) -> Figure:
    return Figure(
        name=f"{name}: largest size of its pages",
        value=most / 2**20,
        unit="MiB",
        against="max_bytes",
        reference=bound / 2**20,
    )


async def _delays(journal: SqliteJournal, maker: EventMaker, *, seconds: float) -> list[float]:
    """Milliseconds of appends at about 200 events a second."""
    found = []
    ends = time.perf_counter() + seconds
    pause = SOME_EVENTS / EVENTS_PER_SECOND
    while (started := time.perf_counter()) < ends:
        await journal.append("bench", maker.batch(SOME_EVENTS), b"state")
        found.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(max(0.0, pause - (time.perf_counter() - started)))
    return found


async def _beyond(path: Path, bound: int, *, events: int | None = None) -> tuple[int, int]:
    """The most that the journal used, and its bound, while its sinks keep up and it is filled far beyond it."""
    journal = await open_journal(path, JournalSettings(max_bytes=bound), SystemClock())
    maker = EventMaker()
    most = 0
    for number in range((events or 3 * bound // 1024) // BATCH):
        appended = await journal.append("bench", maker.batch(BATCH), b"%d" % number)
        await journal.commit("sink", appended.position)
        most = max(most, journal._store.space.used_bytes)
    await journal.close()
    return most, bound


def _used(path: Path) -> int:
    """The pages that hold something."""
    connection = open_for_writing(path)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    connection.close()
    return int(pages - free) * PAGE_BYTES


async def _all(directory: Path, count: int, size_bytes: int) -> None:
    for figure in await large(directory, count, seconds=60.0, size_bytes=size_bytes):
        _print(figure)
    path = directory / "old.sqlite"
    worst = await _beyond(path, _used(path), events=1_000_000)
    _print(_bound("the same journal at its max_bytes, 1,000,000 events more", *worst))


def _print(figure: Figure) -> None:
    reference = f", {figure.against}: {figure.reference:,.2f}" if figure.against else ""
    note = f" ({figure.note})" if figure.note else ""
    sys.stdout.write(f"{figure.name}: {figure.value:,.4g} {figure.unit}{reference}{note}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure one size and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.retention")
    parser.add_argument("events", type=int)
    parser.add_argument(
        "--bytes",
        type=int,
        default=0,
        help="of an event's body; those of the benchmarks have 1,024",
    )
    parser.add_argument(
        "--directory", type=Path, help="on a disk that holds them; emptied afterwards"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.directory) as directory:
        uvloop.run(_all(Path(directory), arguments.events, arguments.bytes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
