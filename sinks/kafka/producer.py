"""aiokafka's producer, with what it lacks: an end that cannot hang, and answers per record batch.

Record batches are built here and handed over whole, so there is one future for a batch instead of one for a record,
no lingering, and it is known which events a refusal is about.
"""

# ruff: noqa: SLF001 - what aiokafka lacks cannot be had from outside; its minor version is pinned

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import aiokafka.producer.sender
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from gateway.errors import ConfigError
from sinks.kafka.encoding import Record
from sinks.kafka.settings import KafkaSettings, TlsSettings

RETRY_BACKOFF_MS = 20
GRACE_SECONDS = 2.0
SIGN_BIT = 0x7FFFFFFF

# A transaction that begins while the brokers still write the end of the last one is put off by this time, which is
# 20 ms in aiokafka: more than all the rest of a small transaction takes.
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002


@dataclass(slots=True, eq=False)
class RecordBatch:
    """Some of a delivery's records for one partition; `indices` are their places in the delivery."""

    partition: TopicPartition
    builder: Any
    indices: list[int]
    size: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a delivery ends, to be committed with it as the offset of a group."""

    group: str
    topic: str
    offset: int
    metadata: str


class Producer:
    """One life of a producer: started once, and left behind after any failure.

    Nothing is pending between two calls, so `abandon` is also the normal end.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str | None) -> None:
        self._raw = AIOKafkaProducer(
            **connection_options(settings),
            acks="all",
            enable_idempotence=True,
            transactional_id=transactional_id,
            transaction_timeout_ms=round(settings.transaction_timeout_seconds * 1000),
            compression_type=None if settings.compression == "none" else settings.compression,
            # Only a bound for aiokafka's builder; our own limit is applied before.
            max_batch_size=settings.max_batch_bytes + settings.max_record_bytes,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        self._settings = settings
        self._tasks: set[asyncio.Task[Any]] = set()
        self._track_tasks()

    @property
    def client(self) -> Any:
        """The client under it, for questions to the cluster over the same connections."""
        return self._raw.client

    async def start(self) -> None:
        """Connect and get a producer id, which fences others with our transactional id. Raises aiokafka's errors."""
        await self._raw.start()

    async def known_partitions(self, topic: str) -> int:
        """How many partitions a topic has, once the client knows it."""
        return len(await self._raw.partitions_for(topic))

    def batches(
        self, records: Mapping[int, Record], alone: set[int], limits: Mapping[str, int]
    ) -> list[RecordBatch]:
        """Cut records into batches, in order for each partition; those in `alone` get one each.

        `limits` are bytes per batch for topics that take less than the setting. The topics must be known.
        """
        newest: dict[TopicPartition, RecordBatch] = {}
        made: list[RecordBatch] = []
        counts: dict[str, int] = {}
        for index, record in records.items():
            topic = record.topic
            count = counts.get(topic)
            if count is None:
                count = counts[topic] = len(self.client.cluster.partitions_for_topic(topic))
            partition = TopicPartition(topic, _hash(record.key) % count)
            batch = newest.get(partition)
            limit = limits.get(topic, self._settings.max_batch_bytes)
            if (
                batch is None
                or batch.size + record.size > limit
                or index in alone
                or batch.indices[-1] in alone
            ):
                batch = RecordBatch(partition, self._raw.create_batch(), [], 0)
                newest[partition] = batch
                made.append(batch)
            batch.builder.append(
                timestamp=record.timestamp_ms,
                key=record.key,
                value=record.value,
                headers=record.headers,
            )
            batch.indices.append(index)
            batch.size += record.size
        for batch in made:
            batch.builder.close()
        return made

    async def write(
        self, batches: Sequence[RecordBatch], position: Position | None
    ) -> dict[RecordBatch, BaseException]:
        """Send batches and wait for the answer to each; with a position, as one transaction that includes it.

        Returns the batches that were not taken, and why; then the transaction is still open and the producer must be
        abandoned. Raises aiokafka's errors, also for the end of a transaction.
        """
        if position is None:
            return await self._send(batches)
        await self._raw.begin_transaction()
        # aiokafka reports a commit as done although a batch in it was refused: every answer comes first. The position
        # comes after them, because brokers put off records that arrive while a group joins the transaction.
        failed = await self._send(batches)
        if failed:
            return failed
        offset = OffsetAndMetadata(position.offset, position.metadata)
        await self._raw.send_offsets_to_transaction(
            {TopicPartition(position.topic, 0): offset}, position.group
        )
        await self._raw.commit_transaction()
        return {}

    async def _send(self, batches: Iterable[RecordBatch]) -> dict[RecordBatch, BaseException]:
        answers: dict[RecordBatch, asyncio.Future[Any]] = {}
        for batch in _partitions_by_turns(batches):
            answer = await self._raw.send_batch(
                batch.builder, batch.partition.topic, partition=batch.partition.partition
            )
            answer.add_done_callback(_retrieve)
            answers[batch] = answer
        await asyncio.wait(answers.values())
        errors = {batch: answer.exception() for batch, answer in answers.items()}
        return {batch: error for batch, error in errors.items() if error is not None}

    def abandon(self) -> None:
        """Let go of everything at once, without waiting for any broker; the tasks end within `gone`."""
        raw = self._raw
        raw._closed = True
        for task in (raw._sender.sender_task, raw.client._sync_task):
            if task is not None:
                self._tasks.add(task)
        for connection in raw.client._conns.values():
            if connection._writer is not None:
                # An orderly close waits until a peer that may be gone has taken what is buffered.
                connection._writer.transport.abort()
            connection._on_close_cb = None
            connection.close()
        for task in self._tasks:
            task.cancel()
        manager = raw._txn_manager
        if manager is not None and manager._transaction_waiter is not None:
            manager._transaction_waiter.add_done_callback(_retrieve)

    async def gone(self) -> None:
        """Wait, for a bounded time, until the abandoned producer's tasks have ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE_SECONDS
        while pending := {task for task in self._tasks if not task.done()}:
            if loop.time() > deadline:
                break
            # A task that was just made when the producer was abandoned shows up only now.
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=GRACE_SECONDS / 20)
        for task in self._tasks:
            if task.done():
                _retrieve(task)

    def _track_tasks(self) -> None:
        """Know the tasks that aiokafka keeps to itself: its own `stop` waits for them, for ever if brokers are gone."""
        sender = self._raw._sender
        start_request = sender._maybe_do_transactional_request
        produce = sender._send_produce_req

        def tracked_request() -> asyncio.Task[Any] | None:
            task: asyncio.Task[Any] | None = start_request()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return task

        async def tracked_produce(node_id: int, batches: Mapping[Any, Any]) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await produce(node_id, batches)

        sender._maybe_do_transactional_request = tracked_request
        sender._send_produce_req = tracked_produce


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """The options that all of aiokafka's clients share. Raises ConfigError for files of certificates."""
    tls, sasl = settings.tls, settings.sasl
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": settings.client_id,
        "request_timeout_ms": round(settings.request_timeout_seconds * 1000),
        "security_protocol": ("SASL_" if sasl else "") + ("SSL" if tls else "PLAINTEXT"),
        "ssl_context": _ssl_context(tls) if tls else None,
    }
    if sasl:
        options |= {
            "sasl_mechanism": sasl.mechanism,
            "sasl_plain_username": sasl.username,
            "sasl_plain_password": sasl.password.get_secret_value(),
        }
    return options


def _ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:
        raise _unusable("tls.ca_file", tls.ca_file, error) from error
    if tls.cert_file:
        password = tls.key_password.get_secret_value() if tls.key_password else ""
        try:
            # A function, so that a missing password is an error and never a question on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: password)
        except (OSError, ValueError) as error:
            raise _unusable("tls.cert_file and key", tls.cert_file, error) from error
    return context


def _unusable(key: str, path: Path | None, error: Exception) -> ConfigError:
    why = getattr(error, "strerror", None) or "no usable PEM, or a wrong password"
    return ConfigError(f"{key}: {path}: {why}")


@lru_cache(maxsize=1 << 16)
def _hash(key: bytes) -> int:
    """The number that Kafka's own clients choose the partition by, so that others' records share it."""
    return int(murmur2(key)) & SIGN_BIT


def _partitions_by_turns(batches: Iterable[RecordBatch]) -> list[RecordBatch]:
    """First batches of all partitions first: a partition takes its next batch only when the last has left."""
    queues: dict[TopicPartition, list[RecordBatch]] = {}
    for batch in batches:
        queues.setdefault(batch.partition, []).append(batch)
    return [batch for turn in zip_longest(*queues.values()) for batch in turn if batch is not None]


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at a failure that was told elsewhere, or that nobody needs any more."""
    if not future.cancelled():
        future.exception()
