"""From a CometD feed to Kafka: how much the gateway sustains, and how long an event takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from typing import Any

import msgspec

from tests.bench import bare_kafka
from tests.bench.bare_kafka import Record
from tests.bench.report import Figure, Target, percentile
from tests.bench.rig import SINK, Busy, Rig, drained, gateway, kafka_sink, processes, source

AGENTS = 50
REPLY_MESSAGES = 20
REFERENCE_RECORDS = 40_000
PACES = (100, 1_000, 5_000)
TARGET_PACE = 1_000
DELAY_TARGETS = {0.5: (Target(bound=10),), 0.99: (Target(bound=50),)}
RATE_TARGETS = (
    Target(bound=20_000, at_least=True),
    Target(bound=0.25, at_least=True, of_ratio=True),
)
WARM_UP_SECONDS = 2.0
LATEST_SECONDS = 60


class _Native(msgspec.Struct):
    reference: str | None = None


class _Data(msgspec.Struct):
    native: _Native | None = None


_decode = msgspec.json.Decoder(_Data).decode


def _stamp(value: bytes) -> int | None:
    """When the platform made the message, in nanoseconds since the epoch."""
    name = reference(value)
    return None if name is None else int(name.partition("-")[0])


async def sustained(shared: Rig, *, quick: bool) -> list[Figure]:
    """Events a second while the platform always has more, from its first message to the last confirmed record."""
    turns = [
        await _flood(shared, f"flood-{turn}", 6.0 if quick else 12.0)
        for turn in range(1 if quick else 3)
    ]
    ours, _, note, sample = sorted(turns, key=lambda turn: turn[0])[len(turns) // 2]
    figures = [
        Figure(
            name="gateway: processor time per event, both threads",
            value=median(cost for _, cost, _, _ in turns),
            unit="µs",
            targets=(Target(bound=50),),
        )
    ]
    for name, reference, targets in (
        (
            "aiokafka send, idempotent",
            await bare_kafka.pipelined(shared, sample),
            RATE_TARGETS,
        ),
        (
            "aiokafka send, transactions of 1,000",
            await bare_kafka.sustained(shared, sample, transactional=True),
            (),
        ),
    ):
        figures.append(
            Figure(
                name=f"CometD to Kafka, {AGENTS} feeds, sustained",
                value=ours,
                unit="events/s",
                against=name,
                reference=reference,
                note=note,
                targets=targets,
            )
        )
        note = ""
    return figures


async def _flood(shared: Rig, name: str, seconds: float) -> tuple[float, float, str, list[Record]]:
    topic = await shared.topic()
    sink = kafka_sink(shared, topic)
    async with (
        source(shared.http, AGENTS) as platform,
        gateway(shared, name, platform.url, AGENTS, [sink]) as process,
    ):
        await platform.run(seconds=WARM_UP_SECONDS / 2, batch=REPLY_MESSAGES)
        await platform.done()
        await drained(process)
        busy = Busy(processes(shared, process, platform))
        begun_ns = await platform.run(seconds=seconds, batch=REPLY_MESSAGES)
        sent = await platform.done()
        left = await process.lag(SINK)
        await drained(process)
        shares, spent = busy.shares(), busy.seconds()
    records = await bare_kafka.read_all(shared, topic)
    stamps = [_stamp(record.value) for record in records]
    ours = [
        record
        for record, stamp in zip(records, stamps, strict=True)
        if stamp is not None and stamp >= begun_ns
    ]
    references = {reference(record.value) for record in ours}
    assert len(references) == sent, f"{sent} messages were sent, {len(references)} arrived"
    assert len(set(ids(ours))) == len(ours), "some events came twice"
    took = max(record.timestamp_ms for record in ours) / 1000 - begun_ns / 1e9
    size = sum(len(record.value) for record in ours) / len(ours)
    cores = cores_used(shares)
    note = (
        f"{sent:,} messages, {len(ours):,} events of {size:.0f} bytes in {took:.1f} s, none lost or doubled;"
        f" {left:,.0f} events behind when the platform stopped; cores used: {cores}"
    )
    return len(ours) / took, 1e6 * spent["gateway"] / len(ours), note, ours[:REFERENCE_RECORDS]


def cores_used(shares: Mapping[str, float]) -> str:
    """For a note."""
    return ", ".join(f"{who} {share:.2f}" for who, share in shares.items())


def reference(value: bytes) -> str | None:
    """The name of the platform's message."""
    native = _decode(value).native
    return native.reference if native else None


def ids(records: Sequence[Record]) -> list[bytes]:
    """The ids of events."""
    return [dict(record.headers)["ce_id"] for record in records]


async def delay(shared: Rig, *, quick: bool) -> list[Figure]:
    """From the platform's moment of sending to a reader of committed records, at steady paces."""
    seconds = 8.0 if quick else 20.0
    figures = []
    for pace in (TARGET_PACE,) if quick else PACES:
        ours, cores, topic = await paced(shared, f"pace-{pace}", pace, seconds)
        sample = (await bare_kafka.read_all(shared, topic))[-1]
        note = f"{len(ours):,} events; cores used: {cores}"
        for transactional in (False, True):
            theirs = await _bare_paced(
                shared, sample, pace, seconds / 2, transactional=transactional
            )
            for share in (0.5, 0.99):
                name = f"p{round(share * 100)}"
                figures.append(
                    Figure(
                        name=f"platform to Kafka reader at {pace:,}/s, {name}",
                        value=percentile(ours, share),
                        unit="ms",
                        against="aiokafka to reader, "
                        + ("transactions" if transactional else "idempotent"),
                        reference=percentile(theirs, share),
                        note=note,
                        targets=DELAY_TARGETS[share]
                        if pace == TARGET_PACE and not transactional
                        else (),
                        series="" if transactional else f"delay: {name}",
                        x=pace,
                    )
                )
                note = ""
    return figures


async def paced(
    shared: Rig,
    name: str,
    pace: float,
    seconds: float,
    *,
    beside: Sequence[Mapping[str, Any]] = (),
) -> tuple[list[float], str, str]:
    """Milliseconds from the platform to a reader of a topic, with further sinks beside it; cores used; the topic."""
    topic = await shared.topic()
    sinks = [kafka_sink(shared, topic), *beside]
    async with (
        source(shared.http, AGENTS) as platform,
        gateway(shared, name, platform.url, AGENTS, sinks) as process,
    ):
        shares: dict[str, float] = {}

        async def send() -> None:
            busy = Busy(processes(shared, process, platform))
            await platform.run(seconds=seconds, per_second=pace)
            await platform.done()
            shares.update(busy.shares())

        ours = await delays(shared, topic, send, _stamp)
    return ours, cores_used(shares), topic


async def _bare_paced(
    shared: Rig, sample: Record, pace: float, seconds: float, *, transactional: bool
) -> list[float]:
    topic = await shared.topic()

    async def write() -> None:
        await bare_kafka.write_paced(
            shared, topic, sample, per_second=pace, seconds=seconds, transactional=transactional
        )

    return await delays(shared, topic, write, _bare_stamp)


def _bare_stamp(value: bytes) -> int | None:
    head = value[:19]
    return int(head) if head.isdigit() else None


async def delays(
    shared: Rig,
    topic: str,
    send: Callable[[], Awaitable[None]],
    stamp: Callable[[bytes], int | None],
) -> list[float]:
    """Milliseconds of all events but those of the first moments."""
    found: list[tuple[int, int]] = []
    async with bare_kafka.consumer(shared, topic) as reader:

        async def read() -> None:
            while True:
                batches = await reader.getmany(timeout_ms=1000)
                now = time.time_ns()
                for batch in batches.values():
                    for record in batch:
                        made = stamp(record.value)
                        if made is not None:
                            found.append((made, now))

        reading = asyncio.create_task(read(), name="reader")
        await send()
        for _ in range(LATEST_SECONDS):
            before = len(found)
            await asyncio.sleep(1.0)
            if found and len(found) == before:
                break
        reading.cancel()
        await asyncio.wait([reading])
    first = min(made for made, _ in found) + int(WARM_UP_SECONDS * 1e9)
    return [(arrived - made) / 1e6 for made, arrived in found if made >= first]
