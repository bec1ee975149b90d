"""The event stream: what 490 further readers, and ten that read nothing, cost the one who reads."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.bench.report import Figure
from tests.support.processes import LineProcess

RATE = 200
READERS, STALLED = 490, 10
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
            one.append(await _read(port, 1, 0, seconds))
            before = before or process.memory_info().rss
            many.append(await _read(port, READERS, STALLED, seconds))
            peak = max(peak, process.memory_info().rss)
    lost = sum(told["lost"] for told in many)
    return [
        Figure(
            name=f"event stream, {READERS} readers and {STALLED} stalled, {name}",
            value=median(told[name] for told in many),
            unit="ms",
            against="one reader",
            reference=median(told[name] for told in one),
            note=f"append to reader, {RATE} events/s, median of {ROUNDS} rounds; {lost} readers were cut off",
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


async def _read(port: int | None, readers: int, stalled: int, seconds: float) -> dict[str, Any]:
    numbers = map(str, (port, readers, stalled, seconds))
    command = [sys.executable, "-m", "tests.bench.stream_readers", *numbers]
    async with LineProcess(command) as process:
        await process.read(timeout_seconds=WAIT_SECONDS)
        told: dict[str, Any] = await process.read(timeout_seconds=WAIT_SECONDS + seconds)
        return told
