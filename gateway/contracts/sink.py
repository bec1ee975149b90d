"""The contract of sinks: one method that delivers and says how far it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gateway.errors import Reason
from gateway.events import StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An event that a receiver will never take: its index in the batch, and why."""

    index: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """Why a sink stopped before the end of a batch, and how long the receiver asked us to wait."""

    reason: Reason
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An event to be offered again later, while events of other partition keys go on.

    Attributes:
        index: its place in the batch.
        setback: why the receiver failed at it; None when it was not offered because it stands behind such an event of
            the same key.
    """

    index: int
    setback: Setback | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far a batch got.

    Attributes:
        settled: how many events from the front need not be offered again in a batch: delivered, refused or held.
        refused: those among the settled that were refused for good; they become dead letters.
        held: those among the settled that the receiver failed at, and all behind them of the same keys; the dispatcher
            keeps them and offers them again one by one. Only a `KeyedSink` may hold events.
        setback: set when `settled` is less than the batch.
    """

    settled: int
    refused: tuple[Refusal, ...] = ()
    held: tuple[Hold, ...] = ()
    setback: Setback | None = None


class Sink(Protocol):
    """A receiver of events.

    Dumb on purpose: the dispatcher retries, backs off, dead-letters and remembers positions.

    An event with a negative position is a repetition that an operator asked for: a dead letter, or events from an
    earlier position on. It is delivered whatever the receiver holds already, and it changes nothing about how far the
    receiver got.
    """

    async def open(self) -> int | None:
        """Acquire what is needed; called before the first `deliver`, and again after an error and a `close`.

        Returns the position in the journal `SinkContext.journal_id` up to which the receiver itself durably holds
        everything, if it can know (it makes delivery effectively once over a crash), else None. The caller sets the
        time limit; if cancelled or failed, `close` follows. Raises NotReady, NotConnected, AuthRejected, and
        ConfigError, after which it is tried again more seldom, because the cause may lie with the receiver.
        """
        ...

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Deliver events in journal order; return how far it got.

        Called for one batch at a time; the caller sets the time limit. Never retries, never sleeps, keeps no work after
        returning. If cancelled, some, all or none may have arrived, and `close` follows. Raises DeliveryRetryable,
        NotConnected, NotReady or AuthRejected when nothing of this batch may be assumed settled and the sink must be
        opened anew.
        """
        ...

    async def close(self) -> None:
        """Release everything, also after an `open` that failed; idempotent; the caller sets the time limit."""
        ...


@runtime_checkable
class KeyedSink(Protocol):
    """Optional: a sink whose receiver can fail at the events of one partition key and take all others."""

    async def deliver_one(self, event: StoredEvent) -> Report:
        """Deliver one event that was held; like `deliver` of a batch of one.

        May run at the same time as `deliver` and as itself, but never for two events of the same key.
        """
        ...
