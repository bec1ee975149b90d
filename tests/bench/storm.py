"""The start storm: how long a thousand feeds need from the start of the process, with the pace that ships."""

from __future__ import annotations

import time

import psutil

from tests.bench.report import Figure, Target
from tests.bench.rig import Busy, Rig, source, started_gateway
from tests.support import site
from tests.support.oracle import references
from tests.support.processes import eventually

QUICK_FEEDS = 200
FEEDS = 1_000
TAPE_MESSAGES = 5
PATIENCE_SECONDS = 300.0
TARGET = (Target(bound=15),)


async def measure(shared: Rig, *, quick: bool) -> list[Figure]:
    """Seconds to the first feed's message and to the last one's, each in a file behind the journal."""
    feeds = QUICK_FEEDS if quick else FEEDS
    sink = {"name": "log", "kind": "file", "path": "events.jsonl"}
    async with (
        source(shared.http, feeds, messages=TAPE_MESSAGES, greets=True) as platform,
        started_gateway(
            shared, "storm", [site.connector(platform.url, feeds)], [sink], settings={}
        ) as process,
    ):
        began = time.monotonic()
        busy = Busy({"gateway": psutil.Process(process.pid)})

        async def heard(messages: int) -> float:
            await eventually(
                lambda: len(references(process.lines.read())) >= messages,
                f"messages of {messages} feeds\n{process.log}",
                timeout_seconds=PATIENCE_SECONDS,
            )
            return time.monotonic() - began

        first, last = await heard(1), await heard(feeds)
        shares = busy.shares()
    note = f"{shares['gateway']:.2f} cores meanwhile, others {shares['others']:.2f}"
    return [
        Figure(name="from the start of the process to the first event", value=first, unit="s"),
        Figure(
            name=f"to an event of each of {feeds:,} feeds",
            value=last,
            unit="s",
            note=note,
            targets=() if quick else TARGET,
        ),
    ]
