"""What an idle agent session costs the gateway: one held CometD poll each."""

from __future__ import annotations

import asyncio
import sys

import psutil

from tests.bench.report import Figure
from tests.bench.rig import Busy, Rig, gateway, source
from tests.support.processes import LineProcess

SESSIONS = 1_000
SETTLE_SECONDS = 2.0
WATCH_SECONDS = 10.0
MIB = 2**20
KIB = 2**10


async def measure(shared: Rig) -> list[Figure]:
    """Memory and processor time of 1,000 sessions, against bare aiohttp requests that are held as long."""
    async with source(shared.http, 0, hold_seconds=WATCH_SECONDS) as platform:
        one, _ = await _gateway(shared, platform.url, 1)
        many, share = await _gateway(shared, platform.url, SESSIONS)
        bare_one, _ = await _bare(platform.url, 1)
        bare_many, bare_share = await _bare(platform.url, SESSIONS)
    return [
        Figure(
            name=f"memory per idle session, {SESSIONS:,} sessions",
            value=(many - one) / (SESSIONS - 1) / KIB,
            unit="KiB",
            against="a held aiohttp request",
            reference=(bare_many - bare_one) / (SESSIONS - 1) / KIB,
            note=f"the whole gateway: {one / MIB:.0f} MiB with 1, {many / MIB:.0f} MiB with {SESSIONS:,}",
        ),
        Figure(
            name=f"processor for {SESSIONS:,} idle sessions",
            value=100 * share,
            unit="% of a core",
            against=f"{SESSIONS:,} held aiohttp requests",
            reference=100 * bare_share,
            note=f"over {WATCH_SECONDS:g} s; in which every poll ends once and is made anew",
        ),
    ]


async def _gateway(shared: Rig, url: str, sessions: int) -> tuple[int, float]:
    sink = {"name": "log", "kind": "file", "path": "events.jsonl"}
    async with gateway(shared, f"idle-{sessions}", url, sessions, [sink]) as process:
        return await _watch(psutil.Process(process.pid))


async def _bare(url: str, requests: int) -> tuple[int, float]:
    command = [sys.executable, "-m", "tests.bench.bare_polls", url, str(requests)]
    async with LineProcess(command) as process:
        await process.read(timeout_seconds=30.0)
        return await _watch(psutil.Process(process.process.pid))


async def _watch(process: psutil.Process) -> tuple[int, float]:
    """Resident bytes, and processor seconds a second."""
    await asyncio.sleep(SETTLE_SECONDS)
    busy = Busy({"it": process})
    await asyncio.sleep(WATCH_SECONDS)
    resident: int = process.memory_info().rss
    return resident, busy.shares()["it"]
