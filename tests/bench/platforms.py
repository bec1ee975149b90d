"""What the gateway sustains from platforms that are no CometD: SignalR and long poll, each from its own simulator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from tests.bench import agent_sessions, bare_kafka
from tests.bench.pipeline import REFERENCE_RECORDS, cores_used, ids, reference
from tests.bench.report import Figure
from tests.bench.rig import (
    MANY_STARTS,
    SINK,
    Busy,
    Rig,
    Source,
    drained,
    kafka_sink,
    started_gateway,
    started_source,
)
from tests.support import site
from tests.support.oracle import owed

AGENTS = 50
POLL_SECONDS = 30


def _clarity(url: str) -> dict[str, Any]:
    return {
        "name": "clarity",
        "platform": "clarity_connect",
        "base_url": url,
        "username": "CONTOSO\\gateway",
        "password": "secret",
        "client_id": "0224c392-3845-4ac0-b1a0-d63706181ba7",
    }


def _nice(url: str) -> dict[str, Any]:
    connector: dict[str, Any]
    (connector,) = agent_sessions.configuration(url, AGENTS, POLL_SECONDS)["connectors"]
    return connector


async def signalr(shared: Rig, *, quick: bool) -> list[Figure]:
    """One SignalR connection for a site of 50 agents."""
    return await _sustained(
        shared, "SignalR to Kafka, 1 connection", "clarity_connect", _clarity, quick=quick
    )


async def long_poll(shared: Rig, *, quick: bool) -> list[Figure]:
    """50 joined agent sessions of a long-poll platform."""
    return await _sustained(
        shared, f"long poll to Kafka, {AGENTS} sessions", "nice_incontact", _nice, quick=quick
    )


async def _sustained(
    shared: Rig, name: str, kind: str, connector: Callable[[str], Mapping[str, Any]], *, quick: bool
) -> list[Figure]:
    topic = await shared.topic()
    command = [sys.executable, "-m", "tests.bench.eager", kind, "--agents", str(AGENTS)]
    async with (
        started_source(shared.http, command) as platform,
        started_gateway(
            shared,
            kind,
            [connector(platform.url)],
            [kafka_sink(shared, topic)],
            settings=MANY_STARTS,
        ) as process,
    ):
        await process.wait_connected(timeout_seconds=60.0)
        await platform.run(seconds=2.0)
        await platform.done()
        await drained(process)
        busy = Busy(
            {
                "gateway": psutil.Process(process.pid),
                "platform": psutil.Process(platform.process.process.pid),
                "broker": psutil.Process(shared.broker._process.pid),
            }
        )
        begun_ns = await platform.run(seconds=6.0 if quick else 15.0)
        await platform.done()
        left = await process.lag(SINK)
        await drained(process)
        shares, spent = busy.shares(), busy.seconds()
        first = (await platform.state())["first"]
        expected = await _expected(platform)
    records = await bare_kafka.read_all(shared, topic)
    sent = sum(int(name.removeprefix("sim-")) >= first for name in expected)
    arrived = {reference(record.value) for record in records}
    ours = [record for record in records if record.timestamp_ms >= begun_ns // 1_000_000]
    doubled = len(records) - len(set(ids(records)))
    took = max(record.timestamp_ms for record in ours) / 1000 - begun_ns / 1e9
    note = (
        f"{sent:,} messages that were owed, {len(ours):,} events in {took:.1f} s;"
        f" {len(expected - arrived):,} lost, {doubled:,} doubled;"
        f" {left:,.0f} events behind when the platform stopped; cores used: {cores_used(shares)}"
    )
    return [
        Figure(
            name=f"{name}, sustained",
            value=len(ours) / took,
            unit="events/s",
            against="aiokafka send, idempotent",
            reference=await bare_kafka.pipelined(shared, ours[:REFERENCE_RECORDS]),
            note=note,
        ),
        Figure(
            name=f"{name}: processor time per event",
            value=1e6 * spent["gateway"] / len(ours),
            unit="µs",
        ),
    ]


async def _expected(platform: Source) -> set[str]:
    """What the platform's oracle says that its clients must have."""
    return owed(await site.Platform(platform.process, platform.url, platform.http).published())
