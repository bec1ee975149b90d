"""Dispatch to one sink: the only retry loop there is.

Reads the journal behind the sink's position, filters, offers batches, and remembers how far the sink got. A sink that
fails delays nobody but itself: its lag grows, the journal keeps what it still needs. What a sink refuses for good
becomes a dead letter, and what only one partition key fails at is held for that key, in the same transaction as the
position that passes it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import datetime

from gateway.clock import Clock
from gateway.contracts import (
    Burial,
    Journal,
    Refusal,
    Report,
    Setback,
    Sink,
    SinkTraits,
)
from gateway.delivery.batching import repeated, split
from gateway.delivery.calls import SinkCalls
from gateway.delivery.health import ReceiverHealth
from gateway.delivery.holding import Change, HeldKey
from gateway.delivery.lane import HeldLane
from gateway.delivery.policy import DispatchPolicy
from gateway.delivery.position import SinkPosition
from gateway.delivery.record import SinkRecord
from gateway.delivery.switch import SinkSwitch
from gateway.delivery.teller import DeadLetterTeller
from gateway.errors import (
    ConfigError,
    DeliveryRetryable,
    NotConnected,
    Reason,
    Retryable,
    TielineError,
)
from gateway.events import DamagedEvent, StoredEvent
from gateway.filters import EventFilter
from gateway.lifecycle import Interruptible
from gateway.masking import Masker
from gateway.telemetry import Telemetry


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
        self._calls = SinkCalls(sink, policy, clock)
        self._accepts = accepts
        self._mask = mask
        self._traits = traits
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._waiting = Interruptible()
        self._place = SinkPosition(journal, name)
        self._record = SinkRecord(journal, name)
        self._teller = DeadLetterTeller(journal, name, self._record)
        self._health = ReceiverHealth(
            self._record,
            policy=policy.backoff,
            breaker_failures=policy.breaker_failures,
            uniform=random.uniform,
            clock=clock,
        )
        self._switch = SinkSwitch(
            journal,
            self._record,
            self._place,
            self._waiting,
            lambda paused: telemetry.sink_paused(name, paused=paused),
        )
        self._target: int | None = None
        self._lane = HeldLane(
            traits.holds,
            uniform=random.uniform,
            offer=self._offer_one,
            settle=self._settle_held,
            may_offer=self._may_offer_held,
            whole_fails=lambda: self._health.failures > 0,
            crashed=lambda error: telemetry.sink_crashed(name, error),
            clock=clock,
        )
        self._idle = False
        self.is_open = False
        self.delivered = 0
        self.refused = 0

    async def run(self) -> None:
        """Deliver until told to finish (see `finish_at`) or cancelled."""
        await self._restore()
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(self._place.save_moves(), name=f"positions of {self.name}"),
                tasks.create_task(self._teller.run(), name=f"dead letters of {self.name}"),
            ]
            if self._calls.takes_beside:
                helpers.append(tasks.create_task(self._lane.run(), name=f"held by {self.name}"))
            try:
                while not self._finished:
                    await self._switch.obey()
                    await self._session()
            finally:
                for helper in helpers:
                    helper.cancel()
                await self._close()
        await self._place.commit(self.position)

    async def _restore(self) -> None:
        await self._record.restore()
        self._switch.restore()
        await self._place.restore()
        self._lane.restore(await self._journal.held(self.name))
        self._tell_held()
        if wait := self._health.restore():
            await self._sleep(wait)

    def finish_at(self, position: int) -> None:
        """Return from `run` once everything up to `position` is settled."""
        self._target = position
        if self._finished:
            self._waiting.interrupt()

    @property
    def stuck(self) -> bool:
        """Paused, or the last attempt failed or lasts long: to wait for the sink is to wait for somebody else."""
        return self._calls.silent or self.paused or self.last_error is not None

    @property
    def last_error(self) -> TielineError | None:
        """Why the last attempt failed; None when it did not."""
        return self._health.last_error

    @property
    def position(self) -> int:
        """Everything up to there is settled."""
        return self._place.reached

    @property
    def paused(self) -> bool:
        """Somebody asked that nothing be delivered."""
        return self._record.paused

    @property
    def rewound_to(self) -> int | None:
        """Up to this position events are offered again, because somebody asked for it."""
        return self._record.rewound_to

    @property
    def failures(self) -> int:
        """How often in a row the whole receiver failed."""
        return self._health.failures

    @property
    def next_try(self) -> datetime | None:
        """When a failing receiver is tried again."""
        return self._health.next_try

    def held(self) -> Sequence[HeldKey]:
        """The keys that are held back, the longest held first."""
        return self._lane.keys()

    async def pause(self) -> None:
        """Deliver nothing more until `unpause`, also after a restart. What is under way is finished."""
        await self._switch.pause()

    async def unpause(self) -> None:
        """Go on delivering."""
        await self._switch.unpause()

    async def rewind(self, *, position: int | None = None, time: datetime | None = None) -> int:
        """Begin again behind a position, or with what was recorded at a time; returns the position.

        What the receiver had is offered again as far as the sink stands now; only of the batch under way, what was
        taken already is left out. Raises a TielineError with the reason `invalid`, or `conflict` when another such wish
        waits.
        """
        return await self._switch.rewind(position=position, time=time)

    async def replay(self, ids: Iterable[int], *, requester: str = "") -> int:
        """Offer waiting dead letters again, before later events of their keys; returns how many there were."""
        events = await self._journal.exhume(self.name, list(ids), by=requester)
        self._lane.again(events)
        self._tell_held()
        self._waiting.interrupt()
        return len(events)

    async def discard(self, ids: Iterable[int], *, requester: str, note: str) -> int:
        """Give waiting dead letters up, for a reason that is kept with them; returns how many there were."""
        return await self._journal.discard_dead_letters(
            self.name, list(ids), by=requester, note=note
        )

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
        held = await self._calls.open()
        if held is not None:
            self._place.skip_to(held, repeating=self._record.rewound_to is not None)
        self.is_open = True
        self._telemetry.sink_opened(self.name, position=self.position)

    async def _deliver_until_finished(self) -> None:
        beside = self._calls.takes_beside
        while not self._finished:
            await self._switch.obey()
            if not beside:
                await self._lane.run_due()
            records = await self._journal.read(self.position, self._traits.batch_events)
            if not records:
                self._idle = True
                async with self._waiting:
                    await self._journal.wait(self.position)
                self._idle = False
                if self._traits.linger_seconds:
                    await self._clock.sleep(self._traits.linger_seconds)
                continue
            records = self._switch.one_kind(records)
            wanted = [self._mask(record) for record in records if self._accepts(record)]
            for batch in split(wanted, self._traits.batch_bytes):
                await self._settle(batch)
                if self._switch.called_off:
                    break
            else:
                self._place.advance(records[-1].position)

    async def _settle(self, batch: Sequence[StoredEvent]) -> None:
        """Offer a batch until all of it is settled or somebody calls it off, waiting between attempts."""
        if isinstance(batch[0], DamagedEvent):
            await self._bury_damaged(batch[0])
            return
        rest = await self._set_aside(batch)
        while rest and not self._switch.called_off:
            started = self._clock.monotonic()
            offered = rest[:1] if self._health.probing else rest
            report = await self._offer(offered)
            await self._account(offered, report, self._clock.monotonic() - started)
            rest = rest[report.settled :]
            if report.setback is not None:
                await self._set_back(report.setback)
            elif self._health.probing and report.held and report.held[0].setback is not None:
                # Nobody knows yet whether it is the key or the receiver: the next key is tried after a pause.
                await self._set_back(report.held[0].setback)
            rest = await self._set_aside(rest)

    async def _bury_damaged(self, event: DamagedEvent) -> None:
        """No receiver can take it, and none was asked."""
        await self._pass_by([event], Report(settled=1, refused=(_damage(event),)), event.position)
        self.refused += 1
        self._place.advance(event.position)

    async def _set_back(self, setback: Setback) -> None:
        wait = await self._health.failed(
            DeliveryRetryable(setback.message, reason=setback.reason),
            at_least_seconds=setback.retry_after_seconds,
        )
        self._telemetry.sink_setback(
            self.name,
            reason=setback.reason,
            message=setback.message,
            first=self._health.failures == 1,
            wait_seconds=wait,
        )
        await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        async with self._waiting:
            await self._clock.sleep(seconds)

    async def _set_aside(self, batch: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Hold what stands behind held events of its key; returns the others."""
        holding = self._lane.holding
        if not holding or not batch:
            return batch
        behind = [event for event in batch if event.envelope.partitionkey in holding]
        if not behind:
            return batch
        await self._settle_held(self._lane.hold((event, None) for event in behind))
        held = {event.position for event in behind}
        return [event for event in batch if event.position not in held]

    async def _offer(self, batch: Sequence[StoredEvent]) -> Report:
        if self._switch.is_repetition(batch[-1]):
            return await self._calls.deliver([repeated(event) for event in batch])
        return await self._calls.deliver(batch)

    async def _offer_one(self, event: StoredEvent) -> Report:
        """Offer a held event: beside the batches where the sink allows it, else as one that it may hold already."""
        if isinstance(event, DamagedEvent):
            return Report(settled=1, refused=(_damage(event),))
        if self._calls.takes_beside:
            return await self._calls.deliver_beside(event)
        return await self._calls.deliver([repeated(event)])

    def _may_offer_held(self) -> int:
        """While the receiver fails, a held event is its probe only if there is nothing else to probe with."""
        if not self.is_open or self._switch.called_off:
            return 0
        if self._health.failures:
            return int(self._idle)
        return self._traits.holds.at_once

    async def _settle_held(self, change: Change, report: Report | None = None) -> None:
        """Make durable what happened to held events, and count it."""
        await self._place.commit(self.position, change.burials, change.held_changes())
        self._tell_burials(change.burials)
        if report is not None and not report.held:
            await self._health.works()
            self.delivered += 1 - len(report.refused)
            self.refused += len(report.refused)
        self._tell_held()

    def _tell_held(self) -> None:
        holding = self._lane.holding
        self._telemetry.sink_holds(self.name, events=holding.events)

    async def _account(
        self, batch: Sequence[StoredEvent], report: Report, duration_seconds: float
    ) -> None:
        if not report.settled:
            return
        oldest = datetime.fromisoformat(batch[0].envelope.recordedtime)
        if len(report.held) < report.settled:
            await self._health.works()
        self.delivered += report.settled - len(report.refused) - len(report.held)
        self.refused += len(report.refused)
        self._telemetry.sink_delivered(
            self.name,
            events=report.settled,
            duration_seconds=duration_seconds,
            delay_seconds=(self._clock.now() - oldest).total_seconds(),
            traceparent=batch[0].envelope.traceparent,
        )
        position = batch[report.settled - 1].position
        if report.refused or report.held:
            # Durable before anything behind them is offered: what is passed by is never only in memory.
            await self._pass_by(batch, report, position)
        self._place.advance(position)

    async def _pass_by(self, batch: Sequence[StoredEvent], report: Report, position: int) -> None:
        change = self._lane.hold((batch[hold.index], hold.setback) for hold in report.held)
        change.burials += [
            Burial(event=batch[refusal.index], reason=refusal.reason, message=refusal.message)
            for refusal in report.refused
        ]
        await self._place.commit(position, change.burials, change.held_changes())
        self._tell_burials(change.burials)
        for hold in report.held:
            if hold.setback is not None:
                self._telemetry.sink_held_key(self.name, hold.setback.reason, hold.setback.message)
        self._tell_held()

    def _tell_burials(self, burials: Sequence[Burial]) -> None:
        for burial in burials:
            self._telemetry.dead_letter(
                self.name, burial.event.envelope.id, burial.reason, burial.message
            )
        if burials:
            self._teller.buried()

    async def _failed(self, error: TielineError, *, told: bool = False) -> None:
        await self._close()
        hopeless = isinstance(error, ConfigError)
        wait = await self._health.failed(
            error,
            at_least_seconds=error.retry_after_seconds if isinstance(error, Retryable) else None,
            wait_seconds=self._policy.config_error_wait_seconds if hopeless else None,
        )
        if not told:
            first = self._health.failures == 1
            self._telemetry.sink_lost(self.name, error, first=first, wait_seconds=wait)
        await self._sleep(wait)

    async def _close(self) -> None:
        self.is_open = False
        try:
            await self._calls.close()
        except Exception as error:  # noqa: BLE001 - a sink that cannot close must not keep the gateway from going on
            self._telemetry.cleanup_failed(f"sink {self.name}", error)


def _damage(event: DamagedEvent) -> Refusal:
    return Refusal(index=0, reason=Reason.CORRUPT, message=event.fault)
