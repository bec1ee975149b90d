"""What the gateway delivers to 1, 10 and 100 webhook receivers, and what a dead one does to Kafka beside it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median

import psutil

from sinks.webhook.settings import WebhookSettings
from tests.bench.pipeline import AGENTS, REPLY_MESSAGES, TARGET_PACE, cores_used, paced
from tests.bench.report import Figure, Target, percentile
from tests.bench.rig import Busy, Rig, gateway, source
from tests.support import site
from tests.support.processes import LineProcess, eventually, free_port
from tests.support.receiver import SECRET

RECEIVERS = (1, 10, 100)
FLOOD_SECONDS = {1: 1.0, 10: 0.4, 100: 0.05}
"""The more receivers, the fewer events, so that each size takes about as long."""
BARE_POSTS = 5_000
DEAD_TARGET = (Target(bound=1.05, of_ratio=True),)


async def fan_out(shared: Rig, *, quick: bool) -> list[Figure]:
    """Deliveries a second, each event by itself to each receiver, against a bare aiohttp client."""
    figures = []
    for receivers in RECEIVERS[:2] if quick else RECEIVERS:
        async with _sponge(receivers) as (process, urls):
            figures += await _delivered(shared, process, urls)
    return figures


async def _delivered(shared: Rig, sponge: LineProcess, urls: Sequence[str]) -> list[Figure]:
    sinks = [
        site.webhook_sink(url, SECRET) | {"name": f"hook-{number}"}
        for number, url in enumerate(urls)
    ]
    async with (
        source(shared.http, AGENTS) as platform,
        gateway(shared, f"hooks-{len(urls)}", platform.url, AGENTS, sinks) as process,
    ):
        pids = {
            "gateway": psutil.Process(process.pid),
            "receivers": psutil.Process(sponge.process.pid),
        }

        async def behind() -> float:
            return await process.total("tieline_sink_lag_events")

        async def settled() -> bool:
            return await behind() == 0

        await eventually(settled, "the greetings are delivered", timeout_seconds=60.0)
        before, busy = await _requests(sponge), Busy(pids)
        await platform.run(seconds=FLOOD_SECONDS[len(urls)], batch=REPLY_MESSAGES)
        await platform.done()
        await eventually(settled, "all is delivered", timeout_seconds=300.0, poll_seconds=0.25)
        shares, spent = busy.shares(), busy.seconds()
        requests = await _requests(sponge) - before
        took = spent["gateway"] / shares["gateway"]
    concurrency = WebhookSettings.model_fields["concurrency"].default
    command = [sys.executable, "-m", "tests.bench.bare_posts"]
    numbers = (str(max(1, BARE_POSTS // len(urls))), str(concurrency))
    async with LineProcess([*command, *numbers, *urls]) as bare:
        bare_seconds = (await bare.read(timeout_seconds=120.0))["seconds"]
    posted = int(numbers[0]) * len(urls)
    plural = "s" if len(urls) > 1 else ""
    return [
        Figure(
            name=f"webhook, {len(urls)} receiver{plural}: deliveries",
            value=requests / took,
            unit="requests/s",
            against=f"aiohttp alone, {concurrency} at a time to each",
            reference=posted / bare_seconds,
            note=f"{requests:,} in {took:.1f} s; cores used: {cores_used(shares)}",
        ),
        Figure(
            name=f"webhook, {len(urls)} receiver{plural}: processor time per delivery",
            value=1e6 * spent["gateway"] / requests,
            unit="µs",
        ),
    ]


async def _requests(sponge: LineProcess) -> int:
    stdin = sponge.process.stdin
    assert stdin is not None
    stdin.write(b"\n")
    return int((await sponge.read())["requests"])


@asynccontextmanager
async def _sponge(receivers: int) -> AsyncIterator[tuple[LineProcess, list[str]]]:
    command = [sys.executable, "-m", "tests.bench.sponge", str(receivers)]
    async with LineProcess(command) as process:
        yield process, (await process.read(timeout_seconds=30.0))["urls"]


async def dead(shared: Rig, *, quick: bool) -> list[Figure]:
    """Kafka's delay beside a webhook whose port nobody listens on, by turns with the same without it."""
    seconds, turns = (6.0, 1) if quick else (10.0, 3)
    beside = [site.webhook_sink(f"http://127.0.0.1:{free_port()}/hook", SECRET)]
    alone: dict[float, list[float]] = {0.5: [], 0.99: []}
    company: dict[float, list[float]] = {0.5: [], 0.99: []}
    note = ""
    for turn in range(turns):
        for name, sinks, found in (("alone", (), alone), ("beside", beside, company)):
            ours, note, _ = await paced(
                shared, f"dead-{name}-{turn}", TARGET_PACE, seconds, beside=sinks
            )
            for share, values in found.items():
                values.append(percentile(ours, share))
    return [
        Figure(
            name=f"Kafka beside a dead webhook at {TARGET_PACE:,}/s, p{round(share * 100)}",
            value=median(company[share]),
            unit="ms",
            against="Kafka alone",
            reference=median(alone[share]),
            note=f"medians of {turns}; cores used: {note}" if share == 0.5 else "",
            targets=DEAD_TARGET if share == 0.99 else (),
        )
        for share in (0.5, 0.99)
    ]
