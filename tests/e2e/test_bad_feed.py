"""A platform that does everything wrong at once, under load: nothing is missed that could be had."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.oracle import SeenEvent
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

AGENTS = 10
EVENTS_PER_SECOND = 100.0
SECONDS = 20.0
SEED = int(os.environ.get("TIELINE_TEST_FAULT_SEED", "6"))
FAULTS = 60
LASTING = ("garbage", "duplicate", "reorder", "server_error", "drop", "slow")
ONCE = ("tieline.call.", "tieline.recording.", "tieline.agent.")
INSTANT = ("session_unknown", "session_expiry")


def schedule(seed: int) -> list[dict[str, Any]]:
    """Faults of every kind, at random times, for one agent or for everybody."""
    rng = random.Random(seed)
    kinds = [*LASTING, *INSTANT]
    kinds += rng.choices(LASTING, k=FAULTS - len(kinds))
    faults = []
    for kind in kinds:
        fault: dict[str, Any] = {"kind": kind, "at_seconds": round(rng.uniform(0, SECONDS), 2)}
        if rng.random() < 0.7:
            fault["agent"] = f"agent{rng.randrange(1, AGENTS + 1):04d}"
        if kind in LASTING:
            fault["for_seconds"] = round(rng.uniform(0.3, 2.0), 2)
            fault["probability"] = round(rng.uniform(0.2, 1.0), 2)
        if kind in {"drop", "server_error"}:
            fault["after_processing"] = rng.random() < 0.5
        if kind == "slow":
            fault["delay_ms"] = rng.randrange(50, 600)
        faults.append(fault)
    return faults


def retold(events: list[SeenEvent]) -> list[str | None]:
    """Messages about calls and agents that were told twice, under whatever ids.

    Parties are left out, and chats, for one message may bring several of their events.
    """
    told = Counter(
        (event.reference, event.type, event.subject)
        for event in events
        if event.reference and event.type.startswith(ONCE) and ".party." not in event.type
    )
    return [reference for (reference, _, _), times in told.items() if times > 1]


async def test_a_platform_with_every_fault_loses_nothing_that_it_could_still_deliver(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """No exit, no feed given up, everything resumable is in the file, no id twice, no message told twice."""
    async with (
        site.platform(
            tmp_path, http, seed=SEED, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [site.connector(platform.url, AGENTS)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await platform.post("faults", schedule(SEED))
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            await asyncio.sleep(0.5)  # the faults are meant to last; states are looked at meanwhile
            assert gateway.running, gateway.log
            assert "failed" not in {feed["state"] for feed in await gateway.feeds()}
        async with http.delete(f"{platform.url}/sim/faults") as reply:
            assert reply.status == 200
        await gateway.wait_connected(timeout_seconds=60.0)
        more = gateway.lines.count() + 200
        await eventually(lambda: gateway.lines.count() > more, "events after the faults")
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        events = gateway.lines.read()
        assert gateway.running
        assert oracle.doubled(events) == []
        assert retold(events) == []
        assert any(event.type == "tieline.vendor.message.v1" for event in events)
        gaps = Counter(
            (event.data.feed, event.type)
            for event in events
            if event.type.startswith("tieline.feed.gap.")
        )
        opened = {feed: times for (feed, kind), times in gaps.items() if "opened" in kind}
        closed = {feed: times for (feed, kind), times in gaps.items() if "closed" in kind}
        assert opened
        assert opened == closed
        assert len(published) > SECONDS * EVENTS_PER_SECOND / 2
        assert await gateway.terminate() == 0
