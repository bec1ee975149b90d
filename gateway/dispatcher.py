"""Dispatch to one sink: the only retry loop there is.

Reads the journal behind the sink's position, filters, offers batches, and remembers how far the sink got. A sink that
fails delays nobody but itself: its lag grows, the journal keeps what it still needs. What a sink refuses for good
becomes
a dead letter, in the same transaction as the position that passes it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from gateway.backoff import Backoff, BackoffPolicy
from gateway.clock import Clock
from gateway.contracts import Burial, Journal, Report, Sink, SinkTraits
from gateway.errors import (
    ConfigError,
    DeliveryRetryable,
    JournalFull,
    NotConnected,
    Reason,
    Retryable,
    TielineError,
)
from gateway.events import StoredEvent
from gateway.filters import EventFilter
from gateway.lifecycle import Interruptible
from gateway.masking import Masker
from gateway.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPolicy:
    """Times of a dispatcher.

    Attributes:
        backoff: between attempts.
        open_seconds, deliver_seconds, close_seconds: limits of one call to the sink.
        config_error_wait_seconds: a sink whose settings cannot work is looked at again this rarely.
        silent_seconds: an attempt that lasts longer counts as failing when a stop asks.
    """

    backoff: BackoffPolicy = field(
        default_factory=lambda: BackoffPolicy(base_seconds=0.25, cap_seconds=30.0)
    )
    open_seconds: float = 30.0
    deliver_seconds: float = 120.0
    close_seconds: float = 10.0
    config_error_wait_seconds: float = 60.0
    silent_seconds: float = 10.0


class Dispatcher:
    """Runs one sink, and knows all that may be said about it."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        *,
        accepts: EventFilter,
        mask: Masker,
        traits: SinkTraits,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: DispatchPolicy,
    ) -> None:
        self.name = name
        self._sink = sink
        self._accepts = accepts
        self._mask = mask
        self._traits = traits
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._waiting = Interruptible()
        self._moved = asyncio.Event()
        self._saved = 0
        self._target: int | None = None
        self._backoff = Backoff(policy.backoff, random.uniform)
        self._attempt_began: float | None = None
        self.position = 0
        self.is_open = False
        self.delivered = 0
        self.refused = 0
        self.last_error: TielineError | None = None

    async def run(self) -> None:
        """Deliver until told to finish (see `finish_at`) or cancelled."""
        saved = await self._journal.position(self.name)
        if saved is None:
            # Registers the sink, so that nothing is trimmed that it still needs.
            await self._commit(0)
        else:
            self.position = self._saved = saved
        async with asyncio.TaskGroup() as tasks:
            saver = tasks.create_task(self._save_positions(), name=f"positions of {self.name}")
            try:
                while not self._finished:
                    await self._session()
            finally:
                saver.cancel()
                await self._close()
        await self._commit(self.position)

    def finish_at(self, position: int) -> None:
        """Return from `run` once everything up to `position` is settled."""
        self._target = position
        if self._finished:
            self._waiting.interrupt()

    @property
    def stuck(self) -> bool:
        """The last attempt failed, or this one lasts long: to wait for the sink is to wait for its receiver."""
        began = self._attempt_began
        silent = began is not None and (
            self._clock.monotonic() - began > self._policy.silent_seconds
        )
        return silent or self.last_error is not None

    @property
    def _finished(self) -> bool:
        return self._target is not None and self.position >= self._target

    async def _session(self) -> None:
        """Open the sink and deliver until it fails or the dispatcher is finished."""
        try:
            await self._open()
            await self._deliver_until_finished()
        except TielineError as error:
            await self._failed(error)
        except Exception as error:  # noqa: BLE001 - a defect in one sink must not take the others down
            self._telemetry.sink_crashed(self.name, error)
            await self._failed(
                NotConnected(f"defect: {type(error).__name__}", reason=Reason.OTHER), told=True
            )

    async def _open(self) -> None:
        try:
            async with self._attempt(self._policy.open_seconds):
                held = await self._sink.open()
        except TimeoutError as error:
            raise NotConnected(
                f"not open within {self._policy.open_seconds:g} s", reason=Reason.TIMEOUT
            ) from error
        if held is not None:
            self._go_on_behind(held)
        self.is_open = True
        self._telemetry.sink_opened(self.name, position=self.position)

    def _go_on_behind(self, held: int) -> None:
        """Skip what the receiver already holds."""
        last = self._journal.statistics().last_position
        if held > last:
            raise ConfigError(
                f"the receiver holds events up to position {held}, this journal ends at {last}",
                hint="was the journal's file restored from a copy? events made since would be skipped:"
                " make a journal of a new name from it with `tieline journal salvage`",
            )
        if held > self.position:
            self.position = held
            self._moved.set()

    @asynccontextmanager
    async def _attempt(self, limit_seconds: float) -> AsyncIterator[None]:
        self._attempt_began = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit_seconds):
                yield
        finally:
            self._attempt_began = None

    async def _deliver_until_finished(self) -> None:
        while not self._finished:
            records = await self._journal.read(self.position, self._traits.batch_events)
            if not records:
                async with self._waiting:
                    await self._journal.wait(self.position)
                if self._traits.linger_seconds:
                    await self._clock.sleep(self._traits.linger_seconds)
                continue
            wanted = [self._mask(record) for record in records if self._accepts(record)]
            for batch in self._split(wanted):
                await self._settle(batch)
            self._advance(records[-1].position)

    def _split(self, records: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
        """Cut into batches of at most `batch_bytes`, at least one event each."""
        batches: list[list[StoredEvent]] = []
        size = 0
        for record in records:
            if not batches or size + len(record.body) > self._traits.batch_bytes:
                batches.append([])
                size = 0
            batches[-1].append(record)
            size += len(record.body)
        return batches

    async def _settle(self, batch: Sequence[StoredEvent]) -> None:
        """Offer a batch until all of it is settled, waiting between attempts."""
        rest = batch
        while rest:
            started = self._clock.monotonic()
            report = await self._offer(rest)
            await self._account(rest, report, self._clock.monotonic() - started)
            rest = rest[report.settled :]
            if report.setback is None:
                continue
            wait = self._backoff.failed(at_least_seconds=report.setback.retry_after_seconds)
            self.last_error = DeliveryRetryable(
                report.setback.message, reason=report.setback.reason
            )
            self._telemetry.sink_setback(
                self.name,
                reason=report.setback.reason,
                message=report.setback.message,
                first=self._backoff.failures == 1,
                wait_seconds=wait,
            )
            await self._clock.sleep(wait)

    async def _offer(self, batch: Sequence[StoredEvent]) -> Report:
        try:
            async with self._attempt(self._policy.deliver_seconds):
                report = await self._sink.deliver(batch)
        except TimeoutError as error:
            raise NotConnected(
                f"no answer to a batch of {len(batch)} events within"
                f" {self._policy.deliver_seconds:g} s",
                reason=Reason.TIMEOUT,
            ) from error
        if report.settled < len(batch) and report.setback is None:
            raise NotConnected(
                f"the sink settled {report.settled} of {len(batch)} events and did not say why",
                reason=Reason.OTHER,
            )
        return report

    async def _account(
        self, batch: Sequence[StoredEvent], report: Report, duration_seconds: float
    ) -> None:
        if not report.settled:
            return
        oldest = datetime.fromisoformat(batch[0].envelope.recordedtime)
        self._backoff.succeeded()
        self.last_error = None
        self.delivered += report.settled - len(report.refused)
        self.refused += len(report.refused)
        self._telemetry.sink_delivered(
            self.name,
            events=report.settled,
            duration_seconds=duration_seconds,
            delay_seconds=(self._clock.now() - oldest).total_seconds(),
        )
        position = batch[report.settled - 1].position
        if report.refused:
            # Buried before anything behind them is offered: a dead letter is never only in memory.
            await self._bury(batch, report, position)
        self._advance(position)

    async def _bury(self, batch: Sequence[StoredEvent], report: Report, position: int) -> None:
        burials = [
            Burial(event=batch[refusal.index], reason=refusal.reason, message=refusal.message)
            for refusal in report.refused
        ]
        await self._commit(position, burials)
        for burial in burials:
            self._telemetry.dead_letter(
                self.name, burial.event.envelope.id, burial.reason, burial.message
            )

    def _advance(self, position: int) -> None:
        if position > self.position:
            self.position = position
            self._moved.set()

    async def _save_positions(self) -> None:
        """Save the position behind the delivery's back: one save at a time, always the newest."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._commit(self.position)

    async def _commit(self, position: int, burials: Sequence[Burial] = ()) -> None:
        if position <= self._saved and not burials and self._saved:
            return
        while True:
            try:
                await self._journal.commit(self.name, position, burials)
            except JournalFull:
                # A position needs hardly any room, but a burial may; the sink waits like a feed does.
                await self._journal.wait_for_room()
            else:
                break
        self._saved = max(self._saved, position)

    async def _failed(self, error: TielineError, *, told: bool = False) -> None:
        self.last_error = error
        await self._close()
        if isinstance(error, ConfigError):
            wait = self._policy.config_error_wait_seconds
            self._backoff.failures += 1
        else:
            asked = error.retry_after_seconds if isinstance(error, Retryable) else None
            wait = self._backoff.failed(at_least_seconds=asked)
        if not told:
            first = self._backoff.failures == 1
            self._telemetry.sink_lost(self.name, error, first=first, wait_seconds=wait)
        await self._clock.sleep(wait)

    async def _close(self) -> None:
        self.is_open = False
        try:
            async with asyncio.timeout(self._policy.close_seconds):
                await self._sink.close()
        except Exception as error:  # noqa: BLE001 - a sink that cannot close must not keep the gateway from going on
            self._telemetry.cleanup_failed(f"sink {self.name}", error)
