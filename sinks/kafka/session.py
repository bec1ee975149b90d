"""One connection's life: a producer, the topics it may write to, and how far the last one got."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from aiokafka import errors as kafka

from gateway.errors import NotReady, Reason
from sinks.kafka import cluster
from sinks.kafka.encoding import FIELDS, Record
from sinks.kafka.errors import classify
from sinks.kafka.position import Held, held, metadata
from sinks.kafka.producer import Position, Producer, RecordBatch
from sinks.kafka.settings import KafkaSettings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Under which names a sink is known to the cluster, and which journal its positions belong to."""

    sink: str
    journal: str
    transactional_id: str
    group: str


class Session:
    """Opened once; left behind after any failure."""

    def __init__(self, settings: KafkaSettings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self._topics: set[str] = set()
        self.servers = ",".join(settings.bootstrap_servers)
        self.held = Held()
        transactional_id = identity.transactional_id if settings.transactional else None
        self._producer = Producer(settings, transactional_id)

    async def open(self) -> None:
        """Connect, fence an older session of ours, check the topics and read the position.

        The caller sets the limit. Raises NotReady, AuthRejected, ConfigError and aiokafka's errors.
        """
        try:
            await self._producer.start()
        except kafka.KafkaConnectionError as error:
            cause = await cluster.first_connection_error(self._producer.client, self._settings)
            raise classify(cause or error, f"connecting to {self.servers}") from error
        absent = await self.missing(fixed_topics(self._settings))
        if absent:
            raise NotReady(
                absence(self.servers, absent), reason=Reason.NOT_FOUND, hint=ABSENCE_REMEDY
            )
        if self._settings.transactional:
            await self._read_position()

    async def _read_position(self) -> None:
        committed = await cluster.committed(
            self._producer.client, self._identity.group, self._settings.positions_topic
        )
        found = held(self._identity.journal, committed)
        if found is None:
            _log.warning(
                "kafka_position_of_another_journal",
                sink=self._identity.sink,
                group=self._identity.group,
                hint="expected once after the journal was replaced; else two gateways share `instance`",
            )
        else:
            self.held = found

    async def missing(self, topics: Iterable[str]) -> list[str]:
        """Those of the topics that neither exist nor may be made; the others can be written to from now on."""
        unknown = set(topics) - self._topics
        if not unknown:
            return []
        client, how = self._producer.client, self._settings.create_topics
        absent = await cluster.missing(client, unknown)
        if absent and how is not None:
            timeout_ms = round(self._settings.request_timeout_seconds * 1000)
            await cluster.create(client, absent, how, timeout_ms)
            # Brokers learn of a new topic a moment after it was made.
            while absent := await cluster.missing(client, absent):  # noqa: ASYNC110 - it must be asked for
                await asyncio.sleep(cluster.POLL_SECONDS)
        present = unknown.difference(absent)
        for topic in present:
            await self._producer.known_partitions(topic)
        self._topics |= present
        return absent

    async def write(
        self,
        records: Mapping[int, Record],
        *,
        alone: set[int],
        limits: Mapping[str, int],
        position: int | None,
        refused: Mapping[int, Reason],
    ) -> dict[RecordBatch, BaseException]:
        """Write records and, with transactions, that everything up to `position` is held but for `refused`.

        Without a position what was said last is said again. Returns the record batches that were not taken, and why;
        the session must then be abandoned. Raises aiokafka's errors.
        """
        batches = self._producer.batches(records, alone, limits)
        if not self._settings.transactional:
            return await self._producer.write(batches, None)
        held = self.held if position is None else Held(position, refused)
        mark = Position(
            self._identity.group,
            self._settings.positions_topic,
            held.position or 0,
            metadata(self._identity.journal, held.refused),
        )
        failed = await self._producer.write(batches, mark)
        if not failed and held.position is not None:
            self.held = held
        return failed

    def abandon(self) -> None:
        """Let go of everything at once."""
        self._producer.abandon()

    async def gone(self) -> None:
        """Wait, for a bounded time, until nothing of an abandoned session runs any more."""
        await self._producer.gone()


ABSENCE_REMEDY = "create it, or set create_topics: {partitions: 6, replication_factor: 3}"


def fixed_topics(settings: KafkaSettings) -> set[str]:
    """The topics that are needed whatever the events are."""
    topics = {settings.positions_topic} if settings.transactional else set()
    if not any(f"{{{name}}}" in settings.topic for name in FIELDS):
        topics.add(settings.topic)
    return topics


def absence(servers: str, topics: Iterable[str]) -> str:
    """That topics do not exist."""
    return f"no topic {', '.join(sorted(topics))} at {servers}"
