"""Replay: how fast a sink gets what is in the journal already, when nothing new comes."""

from __future__ import annotations

import psutil

from tests.bench import bare_kafka
from tests.bench.pipeline import AGENTS, REFERENCE_RECORDS, REPLY_MESSAGES, cores_used
from tests.bench.report import Figure
from tests.bench.rig import Busy, Rig, drained, gateway, kafka_sink, source

FILL_SECONDS = 12.0
QUICK_FILL_SECONDS = 4.0


async def measure(shared: Rig, *, quick: bool) -> list[Figure]:
    """A journal is filled while there is no sink; then a Kafka sink begins at its beginning."""
    topic = await shared.topic()
    name = "replay"
    async with source(shared.http, AGENTS) as platform:
        async with gateway(shared, name, platform.url, AGENTS, []):
            await platform.run(
                seconds=QUICK_FILL_SECONDS if quick else FILL_SECONDS, batch=REPLY_MESSAGES
            )
            await platform.done()
        sink = kafka_sink(shared, topic)
        async with gateway(shared, name, platform.url, AGENTS, [sink]) as process:
            busy = Busy({"gateway": psutil.Process(process.pid)})
            await drained(process)
            shares = busy.shares()
        records = await bare_kafka.read_all(shared, topic)
        stamps = [record.timestamp_ms for record in records]
    return [
        Figure(
            name="replay from the journal to Kafka",
            value=len(records) / (max(stamps) - min(stamps)) * 1000,
            unit="events/s",
            against="aiokafka send, idempotent",
            reference=await bare_kafka.pipelined(shared, records[:REFERENCE_RECORDS]),
            note=f"{len(records):,} events; cores used: {cores_used(shares)}",
        ),
    ]
