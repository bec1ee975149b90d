"""Reading back what the ends of partitions hold of ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiokafka import errors as kafka
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from sinks.kafka import cluster
from sinks.kafka.encoding import POSITION_HEADER, position_in
from sinks.kafka.progress import Partition, Progress

FETCH_BYTES = 8 << 20
PARTITION_BYTES = 2 << 20
WAIT_MS = 500


async def read(client: Any, ends: Mapping[Partition, int], progress: Progress) -> None:
    """Look at every record from where `progress` stands in each partition to the given ends.

    Nothing may be writing for us meanwhile. What was read is known even if this is broken off. Waits while leaders
    move; the caller sets the limit. Raises aiokafka's errors.
    """
    firsts = await cluster.offsets(client, ends.keys(), cluster.EARLIEST)
    for partition, end in ends.items():
        at = progress.offsets[partition]
        if not firsts[partition] <= at <= end:
            # Its oldest records are gone, or it was made anew.
            progress.offsets[partition] = firsts[partition]
    while left := [
        partition for partition, end in ends.items() if progress.offsets[partition] < end
    ]:
        await cluster.until_answered(client, partial(_fetch, client, left, ends, progress))


async def _fetch(
    client: Any,
    partitions: list[Partition],
    ends: Mapping[Partition, int],
    progress: Progress,
) -> None:
    for node, topics in (await cluster.by_leader(client, partitions)).items():
        wanted = [
            (
                topic,
                [
                    (number, progress.offsets[Partition(topic, number)], PARTITION_BYTES)
                    for number in numbers
                ],
            )
            for topic, numbers in topics.items()
        ]
        request = FetchRequest(WAIT_MS, 1, FETCH_BYTES, cluster.READ_UNCOMMITTED, wanted)
        response = await client.send(node, request)
        for topic, answers in response.topics:
            for number, code, *_, content in answers:
                partition = Partition(topic, number)
                cluster.raise_for(code, topic)
                _look(partition, content, ends[partition], progress)


def _look(partition: Partition, content: bytes, end: int, progress: Progress) -> None:
    """Take in what was fetched."""
    batches = MemoryRecords(content)
    while batches.has_next():
        batch = batches.next_batch()
        if batch is None or not batch.validate_crc():
            raise kafka.CorruptRecordException(
                f"{partition}: a batch that was read back is damaged"
            )
        if not batch.is_control_batch:
            for record in batch:
                for name, value in record.headers:
                    if name != POSITION_HEADER:
                        continue
                    position = position_in(value, progress.journal)
                    if position is not None and not progress.covers(position):
                        progress.written.add(position)
        progress.passed(partition, min(batch.next_offset, end))
