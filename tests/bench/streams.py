"""The event stream: what hundreds of further readers, and ten that read nothing, cost those who read."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.bench.report import Figure
from tests.support.processes import LineProcess

RATE = 200
MEASURED, BESIDE, STALLED = 20, 235, 10
READERS = MEASURED + 2 * BESIDE
ROUNDS = 3
SECONDS = 10.0
QUICK_SECONDS = 5.0
WAIT_SECONDS = 60.0
MIB = 2**20
KIB = 2**10


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    """Delays of one reader and of many by turns, and the memory of the process that serves them."""
    seconds = QUICK_SECONDS if quick else SECONDS
    folder = directory / "streams"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.bench.stream_server", str(folder), str(RATE)]
    async with LineProcess(command) as server:
        url = (await server.read(timeout_seconds=WAIT_SECONDS))["url"]
        port = urlsplit(url).port
        process = psutil.Process(server.process.pid)
        one, many = [], []
        before = peak = 0
        for _ in range(ROUNDS):
            one.append(await _alone(port, seconds))
            before = before or process.memory_info().rss
            many.append(await _in_company(port, seconds))
            peak = max(peak, process.memory_info().rss)
    lost = sum(told["lost"] for told in many)
    return [
        Figure(
            name=f"event stream, {READERS} readers and {STALLED} stalled, {name}",
            value=median(told[name] for told in many),
            unit="ms",
            against="one reader",
            reference=median(told[name] for told in one),
            note=f"append to reader, {RATE} events/s, median of {ROUNDS} rounds; {lost} of those measured were cut off",
        )
        for name in ("p50", "p99")
    ] + [
        Figure(
            name="memory per reader of the event stream",
            value=(peak - before) / (READERS + STALLED) / KIB,
            unit="KiB",
            note=f"{before / MIB:.0f} MiB with one, {peak / MIB:.0f} MiB with all of them, stalled ones included",
        )
    ]


async def _alone(port: int | None, seconds: float) -> dict[str, Any]:
    async with _readers(port, 1, 0, seconds) as process:
        return await _told(process, seconds)


async def _in_company(port: int | None, seconds: float) -> dict[str, Any]:
    """The readers that are measured stand in the middle of the others, which are in processes of their own."""
    longer = 2 * seconds + WAIT_SECONDS
    async with (
        _readers(port, BESIDE, 0, longer),
        _readers(port, MEASURED, STALLED, seconds) as process,
        _readers(port, BESIDE, 0, longer),
    ):
        return await _told(process, seconds)


@asynccontextmanager
async def _readers(
    port: int | None, readers: int, stalled: int, seconds: float
) -> AsyncIterator[LineProcess]:
    numbers = map(str, (port, readers, stalled, seconds))
    command = [sys.executable, "-m", "tests.bench.stream_readers", *numbers]
    async with LineProcess(command) as process:
        await process.read(timeout_seconds=WAIT_SECONDS)
        yield process


async def _told(process: LineProcess, seconds: float) -> dict[str, Any]:
    told: dict[str, Any] = await process.read(timeout_seconds=WAIT_SECONDS + seconds)
    return told
