"""The contract of sinks: one method that delivers and says how far it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
class Report:
    """How far a batch got.

    Attributes:
        settled: how many events from the front need not be offered again, delivered or refused.
        refused: those among the settled that were refused for good; they become dead letters.
        setback: set when `settled` is less than the batch.
    """

    settled: int
    refused: tuple[Refusal, ...] = ()
    setback: Setback | None = None


class Sink(Protocol):
    """A receiver of events.

    Dumb on purpose: the dispatcher retries, backs off, dead-letters and remembers positions.
    """

    async def open(self) -> int | None:
        """Acquire what is needed; called before the first `deliver` and again after an error that `deliver` raised.

        Returns the position in the journal `SinkContext.journal_id` up to which the receiver itself durably holds
        everything, if it can know (it makes delivery effectively once over a crash), else None. Raises NotReady,
        AuthRejected, ConfigError.
        """
        ...

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Deliver events in journal order; return how far it got.

        Never retries, never sleeps, keeps no work after returning. If cancelled, some, all or none may have arrived.
        Raises DeliveryRetryable, NotConnected, NotReady or AuthRejected when nothing of this batch may be assumed
        settled
        and the sink must be opened anew.
        """
        ...

    async def close(self) -> None:
        """Release everything; idempotent; the caller bounds it."""
        ...
