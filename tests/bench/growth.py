"""What an event costs with few feeds and with thousands, and in a journal that is empty and one that is large."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.clock import SystemClock
from gateway.events import Event
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from tests.bench.journal import BATCH, EventMaker
from tests.bench.pipeline import REPLY_MESSAGES, cores_used
from tests.bench.report import Figure, Target
from tests.bench.retention import WEEK_SECONDS, fill
from tests.bench.rig import SINK, Busy, Rig, drained, gateway, kafka_sink, processes, source

FEEDS = (1, 50, 500, 5_000)
TAPE_MESSAGES = 40
SLOWEST_POLLS = 250
"""Polls a second that the gateway manages at least, over all feeds."""
POLLS_OF_EACH = 4
FLAT = (Target(bound=1.2, of_ratio=True),)
SIZES = (0, 100_000, 1_000_000, 3_000_000, 10_000_000)
MEASURED_EVENTS = 50_000
GROWN = JournalSettings(max_age_seconds=2 * WEEK_SECONDS, max_bytes=1 << 40)
ROUNDS = 5
SINK_PAGE = 500


async def feeds(shared: Rig, *, quick: bool) -> list[Figure]:
    """The gateway's processor time per event, for 1 to 5,000 feeds whose polls all bring as much."""
    costs: dict[int, tuple[float, float, str]] = {}
    for number in FEEDS[:3] if quick else FEEDS:
        costs[number] = await _cost(shared, number, 4.0 if quick else 10.0)
    usual = costs[50][0]
    return [
        Figure(
            name=f"{number:,} feed{'s' if number > 1 else ''}: processor time per event",
            value=cost,
            unit="µs",
            against="50 feeds",
            reference=usual,
            note=f"{rate:,.0f} events/s; {note}",
            targets=FLAT,
            series="feeds: gateway",
            x=number,
        )
        for number, (cost, rate, note) in costs.items()
    ]


async def _cost(shared: Rig, number: int, seconds: float) -> tuple[float, float, str]:
    topic = await shared.topic()
    async with (
        source(shared.http, number, messages=TAPE_MESSAGES) as platform,
        gateway(
            shared, f"feeds-{number}", platform.url, number, [kafka_sink(shared, topic)]
        ) as process,
    ):
        # What is made for a feed once, such as its picture and its metrics, is made before.
        await platform.run(seconds=max(1.0, number / SLOWEST_POLLS), batch=REPLY_MESSAGES)
        await platform.done()
        await drained(process)
        before = await process.settled(SINK)
        busy, began = Busy(processes(shared, process, platform)), time.monotonic()
        await platform.run(
            seconds=max(seconds, POLLS_OF_EACH * number / SLOWEST_POLLS), batch=REPLY_MESSAGES
        )
        await platform.done()
        await drained(process)
        took = time.monotonic() - began
        shares, spent = busy.shares(), busy.seconds()
        events = await process.settled(SINK) - before
    return 1e6 * spent["gateway"] / events, events / took, f"cores used: {cores_used(shares)}"


async def journal(directory: Path, *, quick: bool) -> list[Figure]:
    """Processor time of an append and of a read in journals of growing sizes, up to 10 million events."""
    figures: list[Figure] = []
    first: dict[str, float] = {}
    for size in SIZES[:3] if quick else SIZES:
        path = directory / f"grown-{size}.sqlite"
        if size:
            await asyncio.to_thread(_fill_and_sync, path, size)
        started = time.perf_counter()
        grown = await open_journal(path, GROWN, SystemClock())
        note = f"{path.stat().st_size / 2**30:.1f} GiB; opened in {time.perf_counter() - started:.2f} s"
        costs = await _costs(grown, size)
        await grown.close()
        path.unlink()
        for what, value in costs.items():
            first.setdefault(what, value)
            figures.append(
                Figure(
                    name=f"journal of {size:,} events: processor time of one event's {what}",
                    value=value,
                    unit="µs",
                    against="the smallest journal",
                    reference=first[what],
                    note=note,
                    targets=FLAT,
                    series=f"journal: {what}",
                    x=size,
                )
            )
            note = ""
    return figures


def _fill_and_sync(path: Path, size: int) -> None:
    """Fill, and let nothing of it wait for the disk when the journal is opened."""
    fill(path, size)
    with path.open("rb") as file:
        os.fsync(file.fileno())


async def _costs(grown: SqliteJournal, size: int) -> dict[str, float]:
    """Microseconds of appending an event and of reading one, the least of some rounds."""
    maker = EventMaker()
    count = MEASURED_EVENTS // ROUNDS
    appending, reading = [], []
    for _ in range(ROUNDS):
        made = [maker.batch(BATCH) for _ in range(count // BATCH)]
        appending.append(await _append(grown, made))
        if (
            size
        ):  # the newest events are in memory, so an empty journal has none to read from the disk
            reading.append(await _read(grown, size // 2, count))
    return {"append": min(appending)} | ({"read": min(reading)} if reading else {})


async def _append(grown: SqliteJournal, batches: Sequence[Sequence[Event]]) -> float:
    """Microseconds of the processor for each event, both threads."""
    before = time.process_time()
    for batch in batches:
        await grown.append("bench", batch, b"state")
    return 1e6 * (time.process_time() - before) / sum(map(len, batches))


async def _read(grown: SqliteJournal, position: int, count: int) -> float:
    """Microseconds of the processor for each event of some in the middle of the file."""
    before, found = time.process_time(), 0
    while found < count:
        page = await grown.read(position, SINK_PAGE)
        if not page:
            break
        found += len(page)
        position = page[-1].position
    return 1e6 * (time.process_time() - before) / max(found, 1)
