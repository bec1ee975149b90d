"""aiokafka by itself, writing records that the gateway wrote before: the reference for its Kafka figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sinks.kafka.settings import KafkaSettings
from tests.bench.rig import POSITIONS, Rig

LINGER_MS = 5
BATCH_BYTES = 512 * 1024
TRANSACTION_RECORDS = 1_000
GROUP = "bench"
WARM_UP_SECONDS = 10.0
_names = count()


class Record(NamedTuple):
    """A record as it was read."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


@asynccontextmanager
async def producer(
    shared: Rig, *, transactional: bool, linger_ms: int
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with the settings that the sink has."""
    made = AIOKafkaProducer(
        bootstrap_servers=shared.broker.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        transactional_id=f"bench-{next(_names)}" if transactional else None,
        compression_type=KafkaSettings.model_fields["compression"].default,
        linger_ms=linger_ms,
        max_batch_size=BATCH_BYTES,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@asynccontextmanager
async def consumer(shared: Rig, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of committed records from the beginning of a topic."""
    made = AIOKafkaConsumer(
        bootstrap_servers=shared.broker.bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await made.start()
    try:
        partitions = await made._client._wait_on_metadata(topic)
        made.assign([TopicPartition(topic, number) for number in sorted(partitions)])
        yield made
    finally:
        await made.stop()


async def read_all(shared: Rig, topic: str) -> list[Record]:
    """Every committed record of a topic to which nobody writes any more."""
    records: list[Record] = []
    async with consumer(shared, topic) as reader:
        ends = await reader.end_offsets(reader.assignment())
        for partition in reader.assignment():
            while await reader.position(partition) < ends[partition]:
                for batch in (await reader.getmany(timeout_ms=50)).values():
                    records += [Record(r.key, r.value, list(r.headers), r.timestamp) for r in batch]
    return records


async def sustained(shared: Rig, records: Sequence[Record], *, transactional: bool) -> float:
    """Records a second, each sent by `send` and confirmed."""
    topic = await shared.topic()
    async with producer(shared, transactional=transactional, linger_ms=LINGER_MS) as writer:
        await _write(writer, topic, records[:TRANSACTION_RECORDS], transactional=transactional)
        started = time.perf_counter()
        for begin in range(0, len(records), TRANSACTION_RECORDS):
            part = records[begin : begin + TRANSACTION_RECORDS]
            await _write(writer, topic, part, transactional=transactional)
        return len(records) / (time.perf_counter() - started)


async def pipelined(shared: Rig, records: Sequence[Record]) -> float:
    """Records a second without transactions, with sending going on while answers are awaited."""
    topic = await shared.topic()
    async with producer(shared, transactional=False, linger_ms=LINGER_MS) as writer:
        await _write(writer, topic, records[:TRANSACTION_RECORDS], transactional=False)
        started = time.perf_counter()
        answers = [await _send(writer, topic, record) for record in records]
        await asyncio.gather(*answers)
        return len(records) / (time.perf_counter() - started)


async def write_paced(
    shared: Rig,
    topic: str,
    record: Record,
    *,
    per_second: float,
    seconds: float,
    transactional: bool,
) -> None:
    """Write copies of a record whose value begins with the moment of its making, at a pace."""
    made = 0
    filler = record.value[20:]
    async with producer(shared, transactional=transactional, linger_ms=0) as writer:
        await _write(writer, topic, [record], transactional=transactional)
        began = time.monotonic()
        sending: list[asyncio.Future[Any]] = []
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * per_second) - made
            made += due
            stamped = [record._replace(value=b"%d " % time.time_ns() + filler) for _ in range(due)]
            if transactional and stamped:
                await _write(writer, topic, stamped, transactional=True)
            else:
                sending += [await _send(writer, topic, one) for one in stamped]
                await asyncio.sleep(0.001)
        await asyncio.gather(*sending)


async def warm_up(shared: Rig) -> None:
    """Write small transactions until the broker's code is compiled: a fresh one takes three times as long for each."""
    topic = await shared.topic()
    records = [Record(b"%d" % n, b"x" * 450, [("filler", b"x" * 250)], 0) for n in range(12)]
    async with producer(shared, transactional=True, linger_ms=0) as writer:
        until = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < until:
            await _write(writer, topic, records, transactional=True)


async def _write(
    writer: AIOKafkaProducer, topic: str, records: Sequence[Record], *, transactional: bool
) -> None:
    if not transactional:
        await asyncio.gather(*[await _send(writer, topic, record) for record in records])
        return
    async with writer.transaction():
        await asyncio.gather(*[await _send(writer, topic, record) for record in records])
        await writer.send_offsets_to_transaction({TopicPartition(POSITIONS, 0): 1}, GROUP)


async def _send(writer: AIOKafkaProducer, topic: str, record: Record) -> asyncio.Future[Any]:
    answer: asyncio.Future[Any] = await writer.send(
        topic, record.value, key=record.key, headers=record.headers
    )
    return answer
