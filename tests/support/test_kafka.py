"""The broker itself: it takes transactions, survives a kill, and is read to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.support.kafka import KafkaBroker
from tests.support.processes import eventually

pytestmark = pytest.mark.kafka


async def test_a_committed_transaction_is_read_and_an_aborted_one_is_not(
    kafka: KafkaBroker, topic: str
) -> None:
    """`read_committed` sees the committed records only, `read_uncommitted` all of them."""
    await kafka.create_topic(topic, partitions=3)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"writer-of-{topic}"
    )
    await producer.start()
    try:
        async with producer.transaction():
            for number in range(30):
                await producer.send_and_wait(
                    topic, b"kept", key=b"%d" % number, headers=[("ce_id", b"%d" % number)]
                )
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"dropped", partition=0)
        await producer.abort_transaction()
    finally:
        await producer.stop()

    committed = await kafka.read_topic(topic)
    everything = await kafka.read_topic(topic, isolation="read_uncommitted")

    assert sorted(record.key or b"" for record in committed) == sorted(
        b"%d" % number for number in range(30)
    )
    assert all(record.headers == {"ce_id": record.key} for record in committed)
    assert len(everything) == 31
    assert {record.partition for record in committed} == {0, 1, 2}


async def test_an_open_transaction_ends_what_a_committed_reader_sees(
    kafka: KafkaBroker, topic: str
) -> None:
    """Reading stops before the open transaction instead of waiting for it."""
    await kafka.create_topic(topic)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"writer-of-{topic}"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"pending")
        assert await kafka.read_topic(topic) == []
        assert len(await kafka.read_topic(topic, isolation="read_uncommitted")) == 1
        await producer.commit_transaction()
        assert [record.value for record in await kafka.read_topic(topic)] == [b"pending"]
    finally:
        await producer.stop()


async def test_group_offsets_commit_with_the_transaction(kafka: KafkaBroker, topic: str) -> None:
    """`send_offsets_to_transaction` moves the group's position only when it commits."""
    await kafka.create_topic(topic)
    group = f"group-of-{topic}"
    position = TopicPartition(topic, 0)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"writer-of-{topic}"
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([position])
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"event")
        await producer.send_offsets_to_transaction({position: 7}, group)
        await producer.abort_transaction()
        assert await consumer.committed(position) is None

        async with producer.transaction():
            await producer.send_and_wait(topic, b"event")
            await producer.send_offsets_to_transaction({position: 8}, group)

        # The marker reaches the offsets' partition after the commit has been answered.
        async def committed() -> bool:
            return bool(await consumer.committed(position) == 8)

        await eventually(committed, "the offset of the committed transaction")
    finally:
        await consumer.stop()
        await producer.stop()


async def test_a_killed_broker_comes_back_with_its_records(tmp_path: Path, topic: str) -> None:
    """After SIGKILL it serves the same data on the same port."""
    async with KafkaBroker(tmp_path) as broker:
        await broker.create_topic(topic)
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, acks="all")
        await producer.start()
        try:
            await producer.send_and_wait(topic, b"before", key=b"key")
        finally:
            await producer.stop()
        port = broker.port
        await broker.kill()
        assert not broker.running
        await broker.start()
        assert broker.port == port
        assert [record.value for record in await broker.read_topic(topic)] == [b"before"]
