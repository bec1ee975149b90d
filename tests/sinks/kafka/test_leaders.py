"""Three brokers: leaders that die and come back while events are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
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


async def coordinator_of(servers: str, group: str) -> int:
    """The number of the node that keeps the marks of a group, 0 while there is none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return int(await admin.find_coordinator(group))
    except KafkaError:
        return 0
    finally:
        await admin.close()


async def test_leaders_that_die_in_mid_stream_lose_and_double_nothing(
    brokers: list[KafkaBroker], topic: str, make_sink: MakeSink
) -> None:
    """The leader of the data and then that of the marks is killed; the others take over, the dead come back."""
    servers = brokers[0].bootstrap_servers
    # The events of tests are old.
    configs = {"min.insync.replicas": "2", "retention.ms": "-1"}
    await brokers[0].create_topic(topic, 3, configs)
    sink = make_sink(
        servers, create_topics=None, delivery_timeout_seconds=5, request_timeout_seconds=2
    )
    events = batch_of(8000, keys=11)
    leader_of_data = partial(leader_of, servers, topic)
    keeper_of_marks = partial(coordinator_of, servers, f"tieline-sink-journal-of-{topic}-lake")
    await sink.open()
    for who, part in ((leader_of_data, events[:4000]), (keeper_of_marks, events[4000:])):
        number = await eventually(who, "a node is known", timeout_seconds=60.0)
        progress = Progress()
        stream = asyncio.create_task(deliver_through(sink, part, progress), name="stream")
        await eventually(lambda of=progress: of.done, "the stream flows", timeout_seconds=60.0)
        await brokers[number - 1].kill()

        async def moved(who: Callable[[], Awaitable[int]] = who, dead: int = number) -> bool:
            return await who() not in {0, dead}

        await eventually(moved, "another node takes over", timeout_seconds=60.0)
        async with asyncio.timeout(90):
            await stream
        await brokers[number - 1].start()
    assert keyed(await brokers[0].read_topic(topic)) == by_key(events)
