"""What an idle agent session costs the gateway: one held CometD poll each, with and without TLS."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.report import Figure, Target
from tests.bench.rig import Busy, Rig, gateway, source
from tests.support.certificates import certificate
from tests.support.processes import LineProcess

SETTLE_SECONDS = 2.0
WATCH_SECONDS = 10.0
MIB = 2**20
KIB = 2**10
MANY = 5_000
MEMORY = (Target(bound=600),)
PROCESSOR = (Target(bound=25),)


async def measure(shared: Rig, *, quick: bool) -> list[Figure]:
    """Memory and processor time of 1,000 sessions and of 5,000, against bare aiohttp requests that are held as long."""
    figures = await _measured(shared, (1_000,) if quick else (1_000, MANY), None)
    if not quick:
        pem, _ = certificate(shared.directory)
        figures += await _measured(shared, (1_000, MANY), pem)
    return figures


async def _measured(shared: Rig, sizes: Sequence[int], pem: Path | None) -> list[Figure]:
    kind = "idle sessions over TLS" if pem else "idle sessions"
    figures = []
    async with source(shared.http, 0, hold_seconds=WATCH_SECONDS, pem=pem) as platform:
        one, _ = await _gateway(shared, platform.url, 1, pem)
        bare_one, _ = await _bare(platform.url, 1, pem)
        for sessions in sizes:
            many, share = await _gateway(shared, platform.url, sessions, pem)
            bare_many, bare_share = await _bare(platform.url, sessions, pem)
            figures += [
                Figure(
                    name=f"the gateway with {sessions:,} {kind}, resident memory",
                    value=many / MIB,
                    unit="MiB",
                    against=f"{sessions:,} held aiohttp requests",
                    reference=bare_many / MIB,
                    note=f"{one / MIB:.0f} MiB with 1",
                    targets=MEMORY if sessions == MANY else (),
                    series="memory: over TLS" if pem else "memory: plain",
                    x=sessions,
                ),
                Figure(
                    name=f"memory for each of {sessions:,} {kind}",
                    value=(many - one) / (sessions - 1) / KIB,
                    unit="KiB",
                    against="a held aiohttp request",
                    reference=(bare_many - bare_one) / (sessions - 1) / KIB,
                ),
                Figure(
                    name=f"processor for {sessions:,} {kind}",
                    value=100 * share,
                    unit="% of a core",
                    against=f"{sessions:,} held aiohttp requests",
                    reference=100 * bare_share,
                    note=f"over {WATCH_SECONDS:g} s, in which every poll ends once and is made anew",
                    targets=PROCESSOR if sessions == MANY else (),
                ),
            ]
    return figures


async def _gateway(shared: Rig, url: str, sessions: int, pem: Path | None) -> tuple[int, float]:
    sink = {"name": "log", "kind": "file", "path": "events.jsonl"}
    name = f"idle-{sessions}{'-tls' if pem else ''}"
    async with gateway(shared, name, url, sessions, [sink], trusted=pem) as process:
        return await _watch(psutil.Process(process.pid))


async def _bare(url: str, requests: int, pem: Path | None) -> tuple[int, float]:
    command = [sys.executable, "-m", "tests.bench.bare_polls", url, str(requests)]
    async with LineProcess([*command, *([str(pem)] if pem else [])]) as process:
        await process.read(timeout_seconds=60.0)
        return await _watch(psutil.Process(process.process.pid))


async def _watch(process: psutil.Process) -> tuple[int, float]:
    """Resident bytes, and processor seconds a second."""
    await asyncio.sleep(SETTLE_SECONDS)
    busy = Busy({"it": process})
    await asyncio.sleep(WATCH_SECONDS)
    resident: int = process.memory_info().rss
    return resident, busy.shares()["it"]
