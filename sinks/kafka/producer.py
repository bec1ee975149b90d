"""An idempotent producer on aiokafka's client: whole record batches, one answer for each, and an end that cannot hang.

aiokafka's own producer needs several turns of the loop for each batch, waits for ever where brokers are gone, and can
write without a transaction only under an id that fences nobody.
"""

# ruff: noqa: SLF001 - what aiokafka's client lacks cannot be had from outside; its minor version is pinned

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from aiokafka import codec
from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.partitioner import murmur2
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, InitProducerIdRequest
from aiokafka.record.util import calc_crc32c

from gateway.errors import ConfigError
from sinks.kafka import cluster
from sinks.kafka.encoding import Record
from sinks.kafka.progress import Partition
from sinks.kafka.records import Form, Writer, record_batch, sequence_after
from sinks.kafka.settings import KafkaSettings, TlsSettings

RETRY_SECONDS = 0.02
GRACE_SECONDS = 2.0
SIGN_BIT = 0x7FFFFFFF
TRANSACTION_TIMEOUT_MS = 60_000
"""Of the empty transaction that fences; it is ended at once."""
ZSTD_LEVEL = 1
"""Higher levels take longer and do not make events smaller."""
FORMS = {
    "none": Form(calc_crc32c),
    "lz4": Form(calc_crc32c, 3, codec.lz4_encode),
    "zstd": Form(calc_crc32c, 4, partial(codec.zstd_encode, level=ZSTD_LEVEL)),
}
IN_A_THREAD_BYTES = 64 * 1024
"""From so many bytes on, batches are built and compressed beside the loop."""


class NotTried(Exception):
    """A batch was not sent because one before it in its partition was refused."""


@dataclass(slots=True, eq=False)
class RecordBatch:
    """Some of a delivery's records for one partition; `indices` are their places in the delivery."""

    partition: Partition
    records: list[tuple[int, bytes]]
    indices: list[int]
    size: int
    sequence: int = 0
    encoded: bytes = b""


class Producer:
    """One life of a producer: started once, and left behind after any failure that is not a record's.

    Nothing is pending between two calls, so `abandon` is also the normal end.

    Attributes:
        ends: by partition, the offset behind what was written last.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str | None) -> None:
        self._options = connection_options(settings)
        self.client: Any = AIOKafkaClient(
            bootstrap_servers=settings.bootstrap_servers,
            retry_backoff_ms=round(RETRY_SECONDS * 1000),
            **self._options,
        )
        self._settings = settings
        # aiokafka's requests are typed as if it were always a text.
        self._transactional_id: Any = transactional_id
        self._produce_timeout_ms = round(settings.request_timeout_seconds * 1000)
        self._id = self._epoch = -1
        self._sequences: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Connect and get a producer id. Raises aiokafka's errors."""
        await self.client.bootstrap()
        await self._identify()

    async def connection_error(self) -> BaseException | None:
        """Why the client could not connect, None if it can now."""
        return await cluster.first_connection_error(self.client, self._options)

    async def fence(self, topics: Mapping[str, int]) -> None:
        """End for ever what an older producer with our transactional id may still be writing, in all partitions.

        A transaction that covers the partitions, given as topics and numbers of partitions, is begun and left to be
        aborted for a new epoch of ours; the brokers then write its end, which carries an epoch above all older ones,
        into each partition, and refuse what comes with a lower one. Source: Apache Kafka, KIP-98, "Transaction
        Coordinator", and the checks of `ProducerStateManager`. Raises aiokafka's errors.
        """
        partitions = [(topic, list(range(count))) for topic, count in topics.items()]

        async def add() -> None:
            response = await self._ask_coordinator(
                AddPartitionsToTxnRequest(self._transactional_id, self._id, self._epoch, partitions)
            )
            errors = [
                (kafka.for_code(code), topic)
                for topic, codes in response.errors
                for _, code in codes
            ]
            # Partitions beside a forbidden one are said to be not attempted.
            errors.sort(key=lambda error: error[0] is kafka.OperationNotAttempted)
            for error, topic in errors:
                if error is not kafka.NoError:
                    raise error(topic)

        await cluster.until_answered(self.client, add)
        await self._identify()

    async def _identify(self) -> None:
        """Get an id and an epoch. With a transactional id that waits for the end of the transaction before."""

        async def ask() -> Any:
            request = InitProducerIdRequest(self._transactional_id, TRANSACTION_TIMEOUT_MS)
            if self._transactional_id is None:
                response = await self.client.send(self.client.get_random_node(), request)
            else:
                response = await self._ask_coordinator(request)
            cluster.raise_for(response.error_code)
            return response

        response = await cluster.until_answered(self.client, ask)
        self._id, self._epoch = response.producer_id, response.producer_epoch
        self._sequences.clear()

    async def _ask_coordinator(self, request: Any) -> Any:
        node = await self.client.coordinator_lookup(
            CoordinationType.TRANSACTION, self._transactional_id
        )
        return await self.client.send(node, request, group=ConnectionGroup.COORDINATION)

    def batches(
        self,
        records: Mapping[int, Record],
        partitions: Mapping[str, int],
        alone: set[int],
        limits: Mapping[str, int],
    ) -> list[RecordBatch]:
        """Sort records into batches, in order for each partition; those in `alone` get one each.

        `partitions` are the numbers of partitions by topic, `limits` bytes per batch for topics that take less than
        the setting.
        """
        newest: dict[tuple[str, int], RecordBatch] = {}
        made: list[RecordBatch] = []
        most = self._settings.max_batch_bytes
        for index, record in records.items():
            topic = record.topic
            place = (topic, _hash(record.key) % partitions[topic])
            batch = newest.get(place)
            if (
                batch is None
                or batch.size + record.size > (limits.get(topic, most) if limits else most)
                or (alone and (index in alone or batch.indices[-1] in alone))
            ):
                batch = newest[place] = RecordBatch(Partition(*place), [], [], 0)
                made.append(batch)
            batch.records.append((record.timestamp_ms, record.content))
            batch.indices.append(index)
            batch.size += record.size
        return made

    async def write(self, batches: Sequence[RecordBatch]) -> dict[RecordBatch, BaseException]:
        """Send batches, in order for each partition, and wait for the answer to each.

        Returns the batches that were not taken, and why; batches behind one in its partition are not tried. What may
        succeed later is tried until the caller's limit. Raises aiokafka's errors for what is wrong with no record.
        """
        await self._encode(batches)
        waiting: dict[Partition, deque[RecordBatch]] = defaultdict(deque)
        for batch in batches:
            waiting[batch.partition].append(batch)
        failed: dict[RecordBatch, BaseException] = {}
        while waiting:
            answers = await self._send([queue[0] for queue in waiting.values()])
            again = False
            for batch, answer in answers.items():
                queue = waiting[batch.partition]
                if answer is None:
                    queue.popleft()
                elif isinstance(answer, kafka.KafkaError) and answer.retriable:
                    again = True
                    continue
                else:
                    failed[queue.popleft()] = answer
                    failed |= dict.fromkeys(queue, NotTried())
                    queue.clear()
                if not queue:
                    del waiting[batch.partition]
            if again or len(answers) < len(waiting):
                await self.client.force_metadata_update()
                await asyncio.sleep(RETRY_SECONDS)
        return failed

    async def _encode(self, batches: Sequence[RecordBatch]) -> None:
        """Make the bytes of batches, numbered on from what the brokers have taken."""
        next_sequence: dict[Partition, int] = {}
        for batch in batches:
            partition = batch.partition
            sequence = next_sequence.get(partition, self._sequences.get(partition, 0))
            batch.sequence = sequence
            next_sequence[partition] = sequence_after(sequence, len(batch.records))
        if sum(batch.size for batch in batches) < IN_A_THREAD_BYTES:
            self._build(batches)
        else:
            await asyncio.get_running_loop().run_in_executor(None, self._build, batches)

    def _build(self, batches: Iterable[RecordBatch]) -> None:
        form = FORMS[self._settings.compression]
        for batch in batches:
            writer = Writer(self._id, self._epoch, batch.sequence)
            batch.encoded = record_batch(batch.records, writer, form)

    async def _send(
        self, batches: Iterable[RecordBatch]
    ) -> dict[RecordBatch, BaseException | None]:
        """Send one batch for each partition to the leaders there are; returns what they answered."""
        nodes: dict[int, dict[Partition, RecordBatch]] = {}
        for batch in batches:
            leader = self.client.cluster.leader_for_partition(batch.partition)
            if leader is not None and leader != cluster.NO_LEADER:
                nodes.setdefault(leader, {})[batch.partition] = batch
        if len(nodes) == 1:
            return await self._produce(*next(iter(nodes.items())))
        async with asyncio.TaskGroup() as tasks:
            requests = [
                tasks.create_task(self._produce(node, of), name=f"produce to {node}")
                for node, of in nodes.items()
            ]
        return {batch: answer for one in requests for batch, answer in one.result().items()}

    async def _produce(
        self, node: int, batches: Mapping[Partition, RecordBatch]
    ) -> dict[RecordBatch, BaseException | None]:
        topics: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for partition, batch in batches.items():
            topics[partition.topic].append((partition.partition, batch.encoded))
        request = ProduceRequest(
            transactional_id=None,
            required_acks=-1,
            timeout=self._produce_timeout_ms,
            topics=list(topics.items()),
        )
        try:
            response = await self.client.send(node, request)
        except kafka.KafkaError as error:
            return dict.fromkeys(batches.values(), error)
        answers: dict[RecordBatch, BaseException | None] = {}
        for topic, partitions in response.topics:
            for number, code, offset, *_ in partitions:
                batch = batches[Partition(topic, number)]
                error_type = kafka.for_code(code)
                # One that was sent before and arrived after all is known by its sequence.
                if error_type in {kafka.NoError, kafka.DuplicateSequenceNumber}:
                    self._taken(batch, offset)
                    answers[batch] = None
                else:
                    answers[batch] = error_type(topic)
        return answers

    def _taken(self, batch: RecordBatch, offset: int) -> None:
        count = len(batch.records)
        self._sequences[batch.partition] = sequence_after(batch.sequence, count)
        if offset >= 0:
            self.ends[batch.partition] = offset + count

    def abandon(self) -> None:
        """Let go of everything at once, without waiting for any broker; the tasks end within `gone`."""
        client = self.client
        if client._sync_task is not None:
            self._tasks.add(client._sync_task)
        for connection in client._conns.values():
            if connection._writer is not None:
                # An orderly close waits until a peer that may be gone has taken what is buffered.
                connection._writer.transport.abort()
            connection._on_close_cb = None
            connection.close()
        for task in self._tasks:
            task.cancel()

    async def gone(self) -> None:
        """Wait, for a bounded time, until the abandoned producer's tasks have ended."""
        if pending := {task for task in self._tasks if not task.done()}:
            await asyncio.wait(pending, timeout=GRACE_SECONDS)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                # Whatever ended it was told to those who waited.
                task.exception()


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """The options that all of aiokafka's connections share. Raises ConfigError for files of certificates."""
    tls, sasl = settings.tls, settings.sasl
    options: dict[str, Any] = {
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
