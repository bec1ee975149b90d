"""One connection's life: a producer, the topics it may write to, and what they hold of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka import errors as kafka

from gateway.errors import NotReady, Reason
from sinks.kafka import cluster, tail
from sinks.kafka.encoding import FIELDS, Record
from sinks.kafka.errors import classify
from sinks.kafka.producer import Producer, RecordBatch
from sinks.kafka.progress import Partition, Progress
from sinks.kafka.settings import KafkaSettings

MARK_SECONDS = 1.0
"""Marks are written at most so often; what was written since the last one is read again after a crash."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Under which names a sink is known to the cluster."""

    sink: str
    transactional_id: str
    group: str


class Session:
    """Opened once; left behind after any failure that is not a record's."""

    def __init__(self, settings: KafkaSettings, identity: Identity, progress: Progress) -> None:
        self._settings = settings
        self._identity = identity
        self._progress = progress
        self._once = settings.effectively_once
        self._partitions: dict[str, int] = {}
        self._last_mark = 0.0
        self.servers = ",".join(settings.bootstrap_servers)
        self._producer = Producer(settings, identity.transactional_id if self._once else None)

    async def open(self) -> None:
        """Connect, check the topics, fence an older session of ours and read back what it wrote.

        The caller sets the limit. Raises NotReady, AuthRejected, ConfigError and aiokafka's errors.
        """
        try:
            await self._producer.start()
        except kafka.KafkaConnectionError as error:
            cause = await self._producer.connection_error()
            raise classify(cause or error, f"connecting to {self.servers}") from error
        fixed = fixed_topics(self._settings)
        marked: set[str] = set()
        if self._once:
            marks = await cluster.marks(self._producer.client, self._identity.group)
            if not self._progress.restore(marks):
                _log.warning(
                    "kafka_position_of_another_journal",
                    sink=self._identity.sink,
                    group=self._identity.group,
                    hint="expected once after the journal was replaced; else two gateways share `instance`",
                )
            marked = {partition.topic for partition in self._progress.offsets} - fixed
        absent = await self._absent(fixed)
        if absent:
            raise NotReady(
                absence(self.servers, absent), reason=Reason.NOT_FOUND, hint=ABSENCE_REMEDY
            )
        if marked:
            # A topic that is gone holds nothing, and is not made for what it held.
            marked -= set(await cluster.missing(self._producer.client, marked))
        await self._prepare(fixed | marked)

    async def missing(self, topics: Iterable[str]) -> list[str]:
        """Those of the topics that neither exist nor may be made; the others can be written to from now on."""
        known = self._producer.client.cluster.partitions_for_topic
        unknown = {
            topic
            for topic in topics
            if topic not in self._partitions or len(known(topic) or ()) > self._partitions[topic]
        }
        if not unknown:
            return []
        absent = await self._absent(unknown)
        await self._prepare(unknown.difference(absent))
        return absent

    async def _absent(self, topics: Collection[str]) -> list[str]:
        if not topics:
            return []
        client, how = self._producer.client, self._settings.create_topics
        absent = await cluster.missing(client, topics)
        if absent and how is not None:
            timeout_ms = round(self._settings.request_timeout_seconds * 1000)
            await cluster.create(client, absent, how, timeout_ms)
            # Brokers learn of a new topic a moment after it was made.
            while absent := await cluster.missing(client, absent):  # noqa: ASYNC110 - it must be asked for
                await asyncio.sleep(cluster.POLL_SECONDS)
        return absent

    async def _prepare(self, topics: Collection[str]) -> None:
        """Let topics be written to, once it is known what they hold of ours."""
        counts = {
            topic: await cluster.partitions_of(self._producer.client, topic)
            for topic in sorted(topics)
        }
        if self._once and counts:
            await self._producer.fence(counts)
            await self._read_back(
                [Partition(topic, at) for topic, count in counts.items() for at in range(count)]
            )
        self._partitions |= counts

    async def _read_back(self, partitions: Collection[Partition]) -> None:
        client, progress = self._producer.client, self._progress
        ends = await cluster.offsets(client, partitions, cluster.LATEST)
        new = {at: end for at, end in ends.items() if at not in progress.offsets}
        await tail.read(client, {at: ends[at] for at in partitions if at not in new}, progress)
        if new:
            # Nothing of ours was ever written there. From now on that is so only behind the mark.
            marks = {at: (end, progress.mark_text) for at, end in new.items()}
            await cluster.mark(client, self._identity.group, marks)
            progress.offsets |= new

    async def write(
        self, records: Mapping[int, Record], *, alone: set[int], limits: Mapping[str, int]
    ) -> dict[RecordBatch, BaseException]:
        """Write records to topics that are not missing.

        Returns the record batches that were not taken, and why. Raises aiokafka's errors; the session must then be
        abandoned.
        """
        batches = self._producer.batches(records, self._partitions, alone, limits)
        now = asyncio.get_running_loop().time()
        if not self._once or now - self._last_mark < MARK_SECONDS:
            return await self._producer.write(batches)
        self._last_mark = now
        marking = asyncio.create_task(self._mark(), name=f"marks of {self._identity.sink}")
        try:
            failed = await self._producer.write(batches)
            await marking
        finally:
            marking.cancel()
            await asyncio.wait({marking})
            if not marking.cancelled():
                marking.exception()
        return failed

    def passed(self) -> None:
        """All that was written up to now is settled."""
        for partition, end in self._producer.ends.items():
            self._progress.passed(partition, end)
        self._producer.ends.clear()

    async def finish(self) -> None:
        """Write down how far everything is settled, so that the next session has nothing to read back.

        A failure only costs that. The caller sets the limit.
        """
        if self._once:
            with suppress(kafka.KafkaError):
                await self._mark()

    async def _mark(self) -> None:
        marks = self._progress.marks()
        if marks:
            await cluster.mark(self._producer.client, self._identity.group, marks)
            self._progress.marked(marks)

    def abandon(self) -> None:
        """Let go of everything at once."""
        self._producer.abandon()

    async def gone(self) -> None:
        """Wait, for a bounded time, until nothing of an abandoned session runs any more."""
        await self._producer.gone()


ABSENCE_REMEDY = "create it, or set create_topics: {partitions: 6, replication_factor: 3}"


def fixed_topics(settings: KafkaSettings) -> set[str]:
    """The topic that is needed whatever the events are, if there is one."""
    return set() if any(f"{{{name}}}" in settings.topic for name in FIELDS) else {settings.topic}


def absence(servers: str, topics: Iterable[str]) -> str:
    """That topics do not exist."""
    return f"no topic {', '.join(sorted(topics))} at {servers}"
