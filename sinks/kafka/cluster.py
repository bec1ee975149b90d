"""Questions to the cluster besides writing: topics, and the position of a group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import errors as kafka
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.conn import create_conn
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from sinks.kafka.producer import connection_options
from sinks.kafka.settings import CreateTopics, KafkaSettings

POLL_SECONDS = 0.05
NO_OFFSET = -1
NO_ERROR = 0


async def committed(client: Any, group: str, topic: str) -> tuple[int, str] | None:
    """The offset and metadata that a group holds for partition 0 of a topic, None if nothing.

    Ask after the producer got its id: the broker answers that only when the last transaction with the same
    transactional id is over, so its position is included. Waits while the group's coordinator moves or loads; the
    caller sets the limit. Raises aiokafka's errors.
    """
    while True:
        try:
            return await _fetch_offset(client, group, topic)
        except kafka.KafkaError as error:
            if not error.retriable:
                raise
        await client.force_metadata_update()
        await asyncio.sleep(POLL_SECONDS)


async def _fetch_offset(client: Any, group: str, topic: str) -> tuple[int, str] | None:
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    response = await client.send(
        node, OffsetFetchRequest(group, [(topic, [0])]), group=ConnectionGroup.COORDINATION
    )
    _raise_for(getattr(response, "error_code", NO_ERROR))
    for _, partitions in response.topics:
        for _, offset, metadata, code in partitions:
            _raise_for(code)
            if offset != NO_OFFSET:
                return offset, metadata or ""
    return None


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


async def first_connection_error(client: Any, settings: KafkaSettings) -> BaseException | None:
    """Why no bootstrap server could be used: aiokafka only logs that. None if one can be now."""
    options = connection_options(settings)
    del options["bootstrap_servers"]
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


def _raise_for(code: int) -> None:
    error = kafka.for_code(code)
    if error is not kafka.NoError:
        raise error
