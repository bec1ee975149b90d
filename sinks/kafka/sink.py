"""The sink: events become records, and what brokers refuse is told from what they cannot take now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from gateway.contracts import Refusal, Report, Setback, SinkContext
from gateway.errors import REMEDIES, NotConnected, NotReady, Reason
from gateway.events import StoredEvent
from sinks.kafka.encoding import Encoder, Record, Unencodable, topic_template
from sinks.kafka.errors import FENCING, REFUSING, TOO_LARGE, UNTIMELY, classify
from sinks.kafka.producer import NotTried, RecordBatch
from sinks.kafka.progress import Progress
from sinks.kafka.session import (
    ABSENCE_REMEDY,
    Identity,
    Session,
    absence,
    fixed_topics,
)
from sinks.kafka.settings import KafkaSettings

OPEN_SECONDS = 25.0
FINISH_SECONDS = 2.0
ATTEMPTS_LIMIT = 16
REFUSALS_LIMIT = 64
"""A delivery with more ends early: what is refused is durable only after it."""
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
        """Leave out what turned out to be there."""
        for index in [i for i in self.records if covered(self.batch[i].position)]:
            del self.records[index]

    def keep_only(self, indices: set[int]) -> None:
        """Leave out what has arrived."""
        self.records = {index: self.records[index] for index in self.records if index in indices}

    def positions(self, indices: Iterable[int]) -> set[int]:
        """The places of some of the events in the journal; repetitions have none."""
        return {at for index in indices if (at := self.batch[index].position) > 0}

    @property
    def last_position(self) -> int:
        """Where the journal stands after this delivery; 0 for repetitions, which do not move it."""
        return max(0, self.batch[self.end - 1].position) if self.end else 0

    def report(self) -> Report:
        refused = tuple(self.refused[index] for index in sorted(self.refused))
        return Report(settled=self.end, refused=refused, setback=self.setback)


class KafkaSink:
    """Writes events to Kafka, effectively once; see the contract `Sink`."""

    def __init__(self, settings: KafkaSettings, context: SinkContext) -> None:
        instance = settings.instance or context.journal_id
        self._settings = settings
        self._clock = context.clock
        self._identity = Identity(
            sink=context.name,
            transactional_id=f"tieline-{instance}-{context.name}",
            group=f"tieline-sink-{instance}-{context.name}",
        )
        self._servers = ",".join(settings.bootstrap_servers)
        self._progress = Progress(context.journal_id)
        self._unsure_of = 0
        self._encode = Encoder(
            topic_template(settings.topic), context.journal_id if settings.effectively_once else ""
        )
        self._session: Session | None = None
        self._abandoned: list[Session] = []
        self._limits: dict[str, int] = {}
        self._fenced_at: float | None = None

    async def open(self) -> int | None:
        """Connect, fence an older producer of ours, and read back how far it got.

        Returns a position up to which everything is settled, None if nobody knows; more may be there, which `deliver`
        leaves out. Raises NotReady, AuthRejected, ConfigError.
        """
        await self._open()
        return self._progress.settled

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Write a batch, but for what the cluster holds; unless that is asked for, a repetition may write some twice.

        Raises NotConnected, NotReady, AuthRejected or DeliveryRetryable; what was written by then is found by the next
        `open`.
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
        """Let go of the connections; an orderly end leaves nothing that the next `open` must read back."""
        if self._session is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_SECONDS):
                    await self._session.finish()
        self._abandon()
        while self._abandoned:
            await self._abandoned[0].gone()
            self._abandoned.pop(0)

    async def probe(self) -> str:
        """Connect and look for the topics without a transactional id, so that a running gateway is not fenced.

        Makes no topics. Raises like `open`.
        """
        settings = self._settings.model_copy(
            update={"effectively_once": False, "create_topics": None, "topic": "{type}"}
        )
        session = await self._opened(Session(settings, self._identity, self._progress))
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
        self._session = await self._opened(Session(self._settings, self._identity, self._progress))
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
        self._settle_what_was_refused(batch)
        work = _Work(batch, len(batch))
        await self._make_records(work)
        attempt = 0
        while True:
            await self._leave_missing_topics(session, work)
            if self._progress.written:
                work.drop(self._progress.covers)
            if not work.records or await self._write(session, work):
                break
            attempt += 1
            self._limit_refusals(work, attempt)
            session = self._session or await self._open()
        session.passed()
        if work.last_position and work.refused:
            self._progress.written |= work.positions(work.records)
            self._unsure_of = work.last_position
        elif work.last_position:
            self._progress.settle(work.last_position)
        return work.report()

    def _settle_what_was_refused(self, batch: Sequence[StoredEvent]) -> None:
        """What the last delivery refused is a dead letter by now, unless it is offered again."""
        if self._unsure_of and batch and batch[0].position > 0:
            if self._unsure_of < batch[0].position:
                self._progress.settle(self._unsure_of)
            self._unsure_of = 0

    async def _make_records(self, work: _Work) -> None:
        """Make records of what is not known to be there."""
        now_ms = self._now_ms()
        for index, event in enumerate(work.batch):
            if index and index % ENCODED_AT_ONCE == 0:
                await asyncio.sleep(0)
            if len(work.refused) >= REFUSALS_LIMIT:
                work.stop_before(index, Reason.INVALID, "many events were refused", wait=False)
                return
            if self._progress.covers(event.position):
                continue
            try:
                record = self._encode(event, not_after_ms=now_ms)
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
        """One attempt to write all records; False if the rest must be tried again, with a new session if it is gone."""
        try:
            failed = await session.write(work.records, alone=work.alone, limits=self._limits)
        except FENCING as fencing:
            self._fenced(fencing)
            return False
        if not failed:
            return True
        refusing: dict[RecordBatch, BaseException] = {}
        for batch, error in failed.items():
            if isinstance(error, FENCING):
                self._fenced(error)
                return False
            if isinstance(error, REFUSING):
                refusing[batch] = error
            elif not isinstance(error, NotTried):
                raise error
        rest = {index for batch in failed for index in batch.indices}
        self._progress.written |= work.positions(work.records.keys() - rest)
        work.keep_only(rest)
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
        self._abandon()
        if again:
            raise classify(error, f"writing to {self._servers}") from error
        _log.warning(
            "kafka_producer_fenced", sink=self._identity.sink, hint=REMEDIES[Reason.FENCED]
        )


def build(settings: KafkaSettings, context: SinkContext) -> KafkaSink:
    """Build the sink; no I/O."""
    return KafkaSink(settings, context)
