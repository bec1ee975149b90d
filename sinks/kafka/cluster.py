"""Questions to the cluster besides writing: topics, leaders, offsets, and the marks of a group."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, TypeVar

from aiokafka import errors as kafka
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.conn import create_conn
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

from sinks.kafka.progress import Offsets, Partition
from sinks.kafka.settings import CreateTopics

T = TypeVar("T")

POLL_SECONDS = 0.05
TRANSACTION_SECONDS = 0.003
NO_OFFSET = -1
NO_LEADER = -1
NO_ERROR = 0
EARLIEST, LATEST = -2, -1
"""Times that ask for the first and the next offset (Kafka protocol guide, ListOffsets)."""
NO_GENERATION = -1
NO_REPLICA = -1
READ_UNCOMMITTED = 0


async def until_answered(client: Any, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the error is none that passes by itself. The caller sets the limit. Raises aiokafka's errors."""
    while True:
        try:
            return await ask()
        except kafka.ConcurrentTransactions:
            # The brokers still write the end of the last one, which takes a few milliseconds.
            await asyncio.sleep(TRANSACTION_SECONDS)
        except kafka.KafkaError as error:
            if not error.retriable:
                raise
            await client.force_metadata_update()
            await asyncio.sleep(POLL_SECONDS)


async def marks(client: Any, group: str) -> Offsets:
    """All offsets that a group holds, with their metadata.

    Waits while the group's coordinator moves or loads; the caller sets the limit. Raises aiokafka's errors.
    """

    async def ask() -> Offsets:
        response = await _ask_group(client, group, OffsetFetchRequest(group, None))
        raise_for(getattr(response, "error_code", NO_ERROR))
        found: dict[Partition, tuple[int, str]] = {}
        for topic, partitions in response.topics:
            for partition, offset, metadata, code in partitions:
                raise_for(code)
                if offset != NO_OFFSET:
                    found[Partition(topic, partition)] = (offset, metadata or "")
        return found

    return await until_answered(client, ask)


async def mark(client: Any, group: str, offsets: Offsets) -> None:
    """Let a group hold offsets. Waits like `marks`; raises aiokafka's errors."""
    topics: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for partition, (offset, metadata) in offsets.items():
        topics[partition.topic].append((partition.partition, offset, metadata))
    request = OffsetCommitRequest(group, NO_GENERATION, "", NO_GENERATION, list(topics.items()))

    async def ask() -> None:
        response = await _ask_group(client, group, request)
        for topic, partitions in response.topics:
            for _, code in partitions:
                raise_for(code, topic)

    await until_answered(client, ask)


async def _ask_group(client: Any, group: str, request: Any) -> Any:
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    return await client.send(node, request, group=ConnectionGroup.COORDINATION)


async def by_leader(
    client: Any, partitions: Iterable[Partition]
) -> dict[int, dict[str, list[int]]]:
    """Partitions by the node that leads them and by topic; waits until all have a leader."""
    wanted = list(partitions)
    while True:
        nodes: dict[int, dict[str, list[int]]] = {}
        for partition in wanted:
            leader = client.cluster.leader_for_partition(partition)
            if leader is None or leader == NO_LEADER:
                break
            topics = nodes.setdefault(leader, {})
            topics.setdefault(partition.topic, []).append(partition.partition)
        else:
            return nodes
        await client.force_metadata_update()
        await asyncio.sleep(POLL_SECONDS)


async def offsets(
    client: Any, partitions: Collection[Partition], time: int
) -> dict[Partition, int]:
    """The first or the next offset of each partition. Waits while leaders move. Raises aiokafka's errors."""

    async def ask() -> dict[Partition, int]:
        found: dict[Partition, int] = {}
        for node, topics in (await by_leader(client, partitions)).items():
            wanted = [(name, [(number, time) for number in of]) for name, of in topics.items()]
            response = await client.send(node, OffsetRequest(NO_REPLICA, READ_UNCOMMITTED, wanted))
            for topic, answers in response.topics:
                for number, code, _, offset in answers:
                    raise_for(code, topic)
                    found[Partition(topic, number)] = offset
        return found

    return await until_answered(client, ask)


async def missing(client: Any, topics: Iterable[str]) -> list[str]:
    """Those of the topics that do not exist; waits until the others have leaders. Raises aiokafka's errors."""
    wanted = sorted(topics)
    while True:
        response = await client.send(client.get_random_node(), MetadataRequest(wanted))
        codes = {entry[1]: kafka.for_code(entry[0]) for entry in response.topics}
        if kafka.LeaderNotAvailableError not in codes.values():
            break
        await asyncio.sleep(POLL_SECONDS)
    for name, error in codes.items():
        if error not in {kafka.NoError, kafka.UnknownTopicOrPartitionError}:
            raise error(name)
    return [name for name, error in codes.items() if error is kafka.UnknownTopicOrPartitionError]


async def create(client: Any, topics: Iterable[str], how: CreateTopics, timeout_ms: int) -> None:
    """Make topics; one that exists by now is as good. Raises aiokafka's errors."""
    requests: list[tuple[Any, ...]] = [
        (name, how.partitions, how.replication_factor, [], list(how.configs.items()))
        for name in topics
    ]
    controller = client.cluster.controller
    node = client.get_random_node() if controller is None else controller.nodeId
    response = await client.send(
        node,
        CreateTopicsRequest(
            create_topic_requests=requests, timeout=timeout_ms, validate_only=False
        ),
    )
    for name, code, *_ in response.topic_errors:
        error = kafka.for_code(code)
        if error not in {kafka.NoError, kafka.TopicAlreadyExistsError}:
            raise error(name)


async def partitions_of(client: Any, topic: str) -> int:
    """How many partitions a topic has, once the client knows it; it must exist."""
    await client.add_topic(topic)
    while not (count := client.cluster.partitions_for_topic(topic)):
        if topic in client.cluster.unauthorized_topics:
            raise kafka.TopicAuthorizationFailedError(topic)
        await asyncio.sleep(POLL_SECONDS)
        await client.force_metadata_update()
    return len(count)


async def first_connection_error(client: Any, options: dict[str, Any]) -> BaseException | None:
    """Why no bootstrap server could be used: aiokafka only logs that. None if one can be now."""
    first: BaseException | None = None
    for host, port, _ in client.hosts:
        try:
            connection = await create_conn(host, port, **options)
        except (OSError, EOFError, kafka.KafkaError) as error:
            first = first or error
        else:
            await connection.close()
            return None
    return first


def raise_for(code: int, *arguments: str) -> None:
    """Raise aiokafka's error for a code of the protocol, unless it is that for none."""
    error = kafka.for_code(code)
    if error is not kafka.NoError:
        raise error(*arguments)
