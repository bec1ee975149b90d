"""A journal that is old and large: opening it, appending while it trims, and whether it keeps to its size."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from tests.bench.journal import EventMaker
from tests.bench.report import Figure, percentile

BATCH = 2_000
SOME_EVENTS = 20
WEEK_SECONDS = 7 * 24 * 3600.0
AN_HOUR_SECONDS = 3600.0


class _Ahead(SystemClock):
    """The machine's clock, some days ahead when told so."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    """Fill, append, trim all of it while appending, fill beyond the bound, open."""
    count = 200_000 if quick else 2_000_000
    clock = _Ahead()
    path = directory / "old.sqlite"
    settings = JournalSettings(max_age_seconds=WEEK_SECONDS)
    journal = await open_journal(path, settings, clock)
    maker = EventMaker()
    for number in range(count // BATCH):
        await journal.append("bench", maker.batch(BATCH), b"%d" % number)
    await journal.commit("sink", count)
    size = journal.statistics().size_bytes
    await journal.close()
    started = time.perf_counter()
    journal = await open_journal(path, settings, clock)
    opened = time.perf_counter() - started
    calm = await _delays(journal, maker, seconds=3.0 if quick else 20.0)
    clock.ahead = timedelta(seconds=WEEK_SECONDS + AN_HOUR_SECONDS)
    trim = asyncio.create_task(journal.trim(), name="trim")
    trimming = []
    while not trim.done():
        trimming += await _delays(journal, maker, seconds=0.5)
    removed = await trim
    await journal.close()
    worst = await _beyond(directory / "bounded.sqlite", maker, quick=quick)
    return [
        Figure(
            name=f"journal of {count:,} events, {size / 2**30:.1f} GiB: opening",
            value=opened,
            unit="s",
        ),
        Figure(
            name=f"journal: {SOME_EVENTS} events appended while {removed:,} are trimmed, p99",
            value=percentile(trimming, 0.99),
            unit="ms",
            against="the same while nothing is trimmed",
            reference=percentile(calm, 0.99),
            note=f"{len(trimming)} and {len(calm)} appends",
        ),
        Figure(
            name="journal filled with three times its max_bytes: largest size of its pages",
            value=worst[0] / 2**20,
            unit="MiB",
            against="max_bytes",
            reference=worst[1] / 2**20,
        ),
    ]


async def _delays(journal: SqliteJournal, maker: EventMaker, *, seconds: float) -> list[float]:
    """Milliseconds of appends at about 200 events a second."""
    found = []
    ends = time.perf_counter() + seconds
    while (started := time.perf_counter()) < ends:
        await journal.append("bench", maker.batch(SOME_EVENTS), b"state")
        found.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(max(0.0, SOME_EVENTS / 200 - (time.perf_counter() - started)))
    return found


async def _beyond(path: Path, maker: EventMaker, *, quick: bool) -> tuple[int, int]:
    """The most that the journal used, and its bound, while its sinks keep up and it is filled far beyond it."""
    bound = (32 << 20) if quick else (256 << 20)
    journal = await open_journal(path, JournalSettings(max_bytes=bound), SystemClock())
    most = 0
    for number in range(3 * bound // (BATCH * 1024)):
        appended = await journal.append("bench", maker.batch(BATCH), b"%d" % number)
        await journal.commit("sink", appended.position)
        most = max(most, journal._store.space.used_bytes)
    await journal.close()
    return most, bound
