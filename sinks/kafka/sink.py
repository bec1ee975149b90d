"""The sink: batches as transactions that carry the journal's position with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.contracts import Refusal, Report, Setback, SinkContext
from gateway.errors import REMEDIES, NotConnected, NotReady, Reason
from gateway.events import StoredEvent
from sinks.kafka.encoding import Record, Unencodable, encode, topic_template
from sinks.kafka.errors import FENCING, REFUSING, SEQUEL, TOO_LARGE, UNTIMELY, classify
from sinks.kafka.position import REFUSALS_LIMIT
from sinks.kafka.producer import RecordBatch
from sinks.kafka.session import (
    ABSENCE_REMEDY,
    Identity,
    Session,
    absence,
    fixed_topics,
)
from sinks.kafka.settings import KafkaSettings

OPEN_SECONDS = 25.0
ATTEMPTS_LIMIT = 16
FENCED_AGAIN_SECONDS = 300.0
SMALLEST_BATCH_BYTES = 1024
ENCODED_AT_ONCE = 250
"""Feeds and commands get their turn after so many events of a large batch."""
CLOCK_REMEDY = (
    "this machine's clock and the brokers' differ by more than message.timestamp.after.max.ms:"
    " set it right, it goes on by itself"
)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Work:
    """What is still to be done of one batch, by index; `end` is where this delivery stops."""

    batch: Sequence[StoredEvent]
    end: int
    records: dict[int, Record] = field(default_factory=dict)
    refused: dict[int, Refusal] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)
    timed_now: set[str] = field(default_factory=set)
    """Topics whose records have the time of now, because the broker refused their own."""
    setback: Setback | None = None

    def refuse(self, index: int, reason: Reason, message: str) -> None:
        self.records.pop(index, None)
        self.refused[index] = Refusal(index=index, reason=reason, message=message)

    def stop_before(self, end: int, reason: Reason, message: str, *, wait: bool) -> None:
        """Leave what comes from `end` on to a later delivery."""
        if end >= self.end:
            return
        self.end = end
        self.setback = Setback(
            reason=reason, message=message, retry_after_seconds=None if wait else 0.0
        )
        self.records = {index: record for index, record in self.records.items() if index < end}
        self.refused = {index: refusal for index, refusal in self.refused.items() if index < end}

    def time_now(self, topics: set[str], now_ms: int) -> None:
        """Let the records of some topics have the time of now."""
        self.timed_now |= topics
        for index, record in self.records.items():
            if record.topic in topics:
                self.records[index] = record._replace(timestamp_ms=now_ms)

    def drop(self, covered: Callable[[int], bool]) -> None:
        """Leave out what a delivery whose end was uncertain turned out to have committed."""
        for index in [i for i in self.records if covered(self.batch[i].position)]:
            del self.records[index]

    def keep_only(self, indices: set[int]) -> None:
        """Leave out what has arrived."""
        self.records = {index: self.records[index] for index in self.records if index in indices}

    @property
    def last_position(self) -> int | None:
        """Where the records end; None for repetitions, which do not move the position."""
        position = self.batch[next(reversed(self.records))].position
        return position if position > 0 else None

    def refused_positions(self) -> dict[int, Reason]:
        """What the position passes although it did not arrive."""
        positions = {self.batch[index].position: it.reason for index, it in self.refused.items()}
        last = self.last_position or 0
        return {at: reason for at, reason in positions.items() if 0 < at < last}

    def report(self) -> Report:
        refused = tuple(self.refused[index] for index in sorted(self.refused))
        return Report(settled=self.end, refused=refused, setback=self.setback)


class KafkaSink:
    """Writes events to Kafka, effectively once for readers of committed records; see the contract `Sink`."""

    def __init__(self, settings: KafkaSettings, context: SinkContext) -> None:
        instance = settings.instance or context.journal_id
        self._settings = settings
        self._clock = context.clock
        self._identity = Identity(
            sink=context.name,
            journal=context.journal_id,
            transactional_id=f"tieline-{instance}-{context.name}",
            group=f"tieline-sink-{instance}-{context.name}",
        )
        self._servers = ",".join(settings.bootstrap_servers)
        self._topic_of = topic_template(settings.topic)
        self._session: Session | None = None
        self._abandoned: list[Session] = []
        self._limits: dict[str, int] = {}
        self._fenced_at: float | None = None

    async def open(self) -> int | None:
        """Connect, fence an older producer of ours, and read back how far it got.

        Returns the position that the last committed transaction carries, None if there is none. Raises NotReady,
        AuthRejected, ConfigError.
        """
        return (await self._open()).held.certain

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Write a batch; without transactions a repetition after a failure may write some of it twice.

        What an earlier, uncertain delivery turned out to have committed is settled without being sent. Raises
        NotConnected, NotReady, AuthRejected or DeliveryRetryable; whatever was open is aborted by the next `open`.
        """
        limit = self._settings.delivery_timeout_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._deliver(batch)
        except TimeoutError as error:
            self._abandon()
            raise NotConnected(
                f"{self._servers} did not confirm a batch of {len(batch)} events within {limit:g} s",
                reason=Reason.TIMEOUT,
            ) from error
        except Exception as error:
            self._abandon()
            raise classify(error, f"writing to {self._servers}") from error
        except BaseException:
            self._abandon()
            raise

    async def close(self) -> None:
        """Let go of the connections; what a cancelled delivery left open is aborted by the brokers, or by `open`."""
        self._abandon()
        while self._abandoned:
            await self._abandoned[0].gone()
            self._abandoned.pop(0)

    async def probe(self) -> str:
        """Connect and look for the topics without a transactional id, so that a running gateway is not fenced.

        Makes no topics. Raises like `open`.
        """
        settings = self._settings.model_copy(
            update={"transactional": False, "create_topics": None, "topic": "{type}"}
        )
        session = await self._opened(Session(settings, self._identity))
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                absent = await session.missing(fixed_topics(self._settings))
        except Exception as error:
            raise classify(error, f"asking {self._servers}") from error
        finally:
            session.abandon()
            await session.gone()
        if not absent:
            return f"{self._servers} answers, no fixed topic is missing"
        if self._settings.create_topics:
            return f"{self._servers} answers; will be made: {', '.join(absent)}"
        raise NotReady(absence(self._servers, absent), reason=Reason.NOT_FOUND, hint=ABSENCE_REMEDY)

    async def _open(self) -> Session:
        await self.close()
        self._session = await self._opened(Session(self._settings, self._identity))
        return self._session

    async def _opened(self, session: Session) -> Session:
        doing = f"opening {self._servers}"
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await session.open()
        except BaseException as error:
            session.abandon()
            self._abandoned.append(session)
            if isinstance(error, TimeoutError):
                raise NotReady(
                    f"{doing}: not ready within {OPEN_SECONDS:g} s",
                    reason=Reason.TIMEOUT,
                    hint="brokers must be reachable by the addresses they advertise",
                ) from error
            if isinstance(error, Exception):
                raise classify(error, doing) from error
            raise
        return session

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.abandon()
            self._abandoned.append(self._session)
            self._session = None

    async def _deliver(self, batch: Sequence[StoredEvent]) -> Report:
        session = self._session or await self._open()
        work = _Work(batch, len(batch))
        await self._encode(session, work)
        attempt = 0
        while True:
            await self._leave_missing_topics(session, work)
            if not work.records or await self._write(session, work):
                return work.report()
            attempt += 1
            self._limit_refusals(work, attempt)
            # The idempotent producer's sequence has a hole now, and its transaction is of no use.
            session = await self._open()
            work.drop(session.held.covers)

    async def _encode(self, session: Session, work: _Work) -> None:
        """Make records of what is not held yet."""
        now_ms = self._now_ms()
        for index, event in enumerate(work.batch):
            if index and index % ENCODED_AT_ONCE == 0:
                await asyncio.sleep(0)
            if len(work.refused) >= REFUSALS_LIMIT:
                work.stop_before(index, Reason.INVALID, "many events were refused", wait=False)
                return
            if session.held.covers(event.position):
                reason = session.held.refused.get(event.position)
                if reason is not None:
                    work.refuse(index, reason, "refused before the gateway was restarted")
                continue
            try:
                record = encode(event, self._topic_of, not_after_ms=now_ms)
            except Unencodable as error:
                work.refuse(index, Reason.INVALID, str(error))
                continue
            if record.size > self._settings.max_record_bytes:
                work.refuse(
                    index,
                    Reason.TOO_LARGE,
                    f"{record.size} bytes are more than max_record_bytes"
                    f" ({self._settings.max_record_bytes})",
                )
                continue
            work.records[index] = record

    async def _leave_missing_topics(self, session: Session, work: _Work) -> None:
        absent = set(await session.missing({record.topic for record in work.records.values()}))
        if absent:
            first = next(index for index, record in work.records.items() if record.topic in absent)
            message = f"{absence(self._servers, absent)} ({ABSENCE_REMEDY})"
            work.stop_before(first, Reason.NOT_FOUND, message, wait=True)

    async def _write(self, session: Session, work: _Work) -> bool:
        """One attempt to write all records; False if the producer must be made anew and the rest be tried again."""
        try:
            failed = await session.write(
                work.records,
                alone=work.alone,
                limits=self._limits,
                position=work.last_position,
                refused=work.refused_positions(),
            )
        except FENCING as fencing:
            self._fenced(fencing)
            return False
        if not failed:
            return True
        errors = failed.values()
        for error in errors:
            if isinstance(error, FENCING):
                self._fenced(error)
                return False
        refusing = {batch: error for batch, error in failed.items() if isinstance(error, REFUSING)}
        # Batches behind a refused one fail for the hole it leaves; any other failure is none of the records'.
        others = [error for error in errors if not isinstance(error, (*REFUSING, SEQUEL))]
        if others or not refusing:
            raise next(iter(others or errors))
        if not self._settings.transactional:
            work.keep_only({index for batch in failed for index in batch.indices})
        untimely = [batch for batch, error in refusing.items() if isinstance(error, UNTIMELY)]
        for batch, error in refusing.items():
            if batch not in untimely:
                self._isolate(work, batch, error)
        self._retime(work, untimely)
        return False

    def _isolate(self, work: _Work, batch: RecordBatch, error: BaseException) -> None:
        """Refuse a record that was refused alone, or find out which of several it was."""
        topic, indices = batch.partition.topic, batch.indices
        too_large = isinstance(error, TOO_LARGE)
        if len(indices) == 1 and (too_large or indices[0] in work.alone):
            reason = Reason.TOO_LARGE if too_large else Reason.INVALID
            work.refuse(indices[0], reason, f"topic {topic}: {type(error).__name__}")
        elif too_large and batch.size > SMALLEST_BATCH_BYTES:
            self._limits[topic] = max(batch.size // 2, SMALLEST_BATCH_BYTES)
        else:
            work.alone.update(indices)

    def _retime(self, work: _Work, untimely: Sequence[RecordBatch]) -> None:
        """Give records whose times were refused the time of now, which brokers take unless our clock is wrong.

        If it is, nothing can be said about any record: all from there on wait until the clocks agree.
        """
        topics = {batch.partition.topic for batch in untimely}
        disputed = topics & work.timed_now
        work.time_now(topics - disputed, self._now_ms())
        if disputed:
            first = min(batch.indices[0] for batch in untimely if batch.partition.topic in disputed)
            message = (
                f"topic {', '.join(sorted(disputed))}: refused with the time of now,"
                f" {self._clock.now():%Y-%m-%d %H:%M:%S} UTC ({CLOCK_REMEDY})"
            )
            work.stop_before(first, Reason.CLOCK, message, wait=True)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    @staticmethod
    def _limit_refusals(work: _Work, attempt: int) -> None:
        """Settle what is known when a batch is full of bad events, so that every delivery gets somewhere."""
        if len(work.refused) > REFUSALS_LIMIT:
            end = sorted(work.refused)[REFUSALS_LIMIT]
        elif work.refused and attempt >= ATTEMPTS_LIMIT:
            end = min(work.refused) + 1
        else:
            return
        refusal = work.refused[min(work.refused)]
        work.stop_before(end, refusal.reason, refusal.message, wait=False)

    def _fenced(self, error: BaseException) -> None:
        """Take the transactional id back once; two gateways that take it from each other must be told to somebody."""
        now = self._clock.monotonic()
        again = self._fenced_at is not None and now - self._fenced_at < FENCED_AGAIN_SECONDS
        self._fenced_at = now
        if again:
            raise classify(error, f"writing to {self._servers}") from error
        _log.warning(
            "kafka_producer_fenced", sink=self._identity.sink, hint=REMEDIES[Reason.FENCED]
        )


def build(settings: KafkaSettings, context: SinkContext) -> KafkaSink:
    """Build the sink; no I/O."""
    return KafkaSink(settings, context)
