"""Three brokers: leaders that die and come back while events are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sinks.kafka.sink import KafkaSink
from tests.contract.sink_suite import batch_of, by_key
from tests.sinks.kafka.test_outages import Progress, deliver_through, keyed
from tests.support.kafka import KafkaBroker, kafka_cluster
from tests.support.processes import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

MakeSink = Callable[..., KafkaSink]


@pytest.fixture
async def brokers(tmp_path: Path) -> AsyncIterator[list[KafkaBroker]]:
    """Three nodes of one cluster."""
    nodes = kafka_cluster(tmp_path, 3, heap_megabytes=256)
    try:
        for node in nodes:
            node.spawn()
        for node in nodes:
            await node.wait_ready()
        yield nodes
    finally:
        for node in nodes:
            await node.kill()


async def leader_of(servers: str, topic: str) -> int:
    """The number of the node that leads partition 0, 0 while there is none, or when a dead node was asked."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([topic])
    except KafkaError:
        return 0
    finally:
        await admin.close()
    leaders = [one["leader"] for one in found["partitions"] if one["partition"] == 0]
    return max(0, leaders[0]) if leaders else 0


async def test_leaders_that_die_in_mid_stream_lose_and_double_nothing(
    brokers: list[KafkaBroker], topic: str, make_sink: MakeSink
) -> None:
    """The leader of the data and then that of the positions is killed; the others take over, the dead come back."""
    servers = brokers[0].bootstrap_servers
    positions = f"{topic}.positions"
    # The events of tests are old.
    configs = {"min.insync.replicas": "2", "retention.ms": "-1"}
    for name, partitions in ((topic, 3), (positions, 1)):
        await brokers[0].create_topic(name, partitions, configs)
    sink = make_sink(
        servers, create_topics=None, delivery_timeout_seconds=5, request_timeout_seconds=2
    )
    events = batch_of(2000, keys=11)
    progress = Progress()
    stream = asyncio.create_task(deliver_through(sink, events, progress), name="stream")
    for name in (topic, positions):
        before = progress.done
        await eventually(lambda least=before: progress.done > least, "the stream flows")
        number = await leader_of(servers, name)
        leader = brokers[number - 1]
        await leader.kill()

        async def moved(name: str = name, dead: int = number) -> bool:
            return await leader_of(servers, name) not in {0, dead}

        await eventually(moved, f"another node leads {name}", timeout_seconds=60.0)
        at = progress.done
        await eventually(
            lambda least=at: progress.done > least or stream.done(),
            "the stream flows again",
            timeout_seconds=60.0,
        )
        await leader.start()
    async with asyncio.timeout(90):
        await stream
    assert keyed(await brokers[0].read_topic(topic)) == by_key(events)
