"""How a receiver as a whole does: failures in a row, the circuit breaker, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.backoff import Backoff, BackoffPolicy
from gateway.clock import Clock
from gateway.delivery.record import Breaker, SinkRecord
from gateway.errors import DeliveryRetryable, TielineError


class ReceiverHealth:
    """One receiver's; what is known is on disk, so that a restart neither forgets nor storms.

    After `breaker_failures` in a row the breaker is open: `probing` asks for one event at a time, until one is taken.
    """

    def __init__(
        self,
        record: SinkRecord,
        *,
        policy: BackoffPolicy,
        breaker_failures: int,
        uniform: Callable[[float, float], float],
        clock: Clock,
    ) -> None:
        self._record = record
        self._policy = policy
        self._breaker_failures = breaker_failures
        self._backoff = Backoff(policy, uniform)
        self._clock = clock
        self.last_error: TielineError | None = None

    @property
    def failures(self) -> int:
        """How often in a row it failed."""
        return self._backoff.failures

    @property
    def probing(self) -> bool:
        """One event at a time is enough to find out whether it works again."""
        return self._backoff.failures >= self._breaker_failures

    @property
    def next_try(self) -> datetime | None:
        """When it is tried again; None while it works."""
        return self._record.breaker.next_try if self._record.breaker else None

    def restore(self) -> float:
        """Take up what an earlier process knew; returns how many seconds it still wanted to wait.

        A clock that was set back since then lengthens no wait.
        """
        breaker = self._record.breaker
        if breaker is None:
            return 0.0
        self._backoff.failures = breaker.failures
        self.last_error = DeliveryRetryable(breaker.message, reason=breaker.reason)
        left = (breaker.next_try - self._clock.now()).total_seconds()
        longest = self._policy.cap_seconds
        if breaker.wait_seconds is not None:
            longest = min(longest, breaker.wait_seconds)
        return min(max(0.0, left), longest)

    async def failed(
        self,
        error: TielineError,
        *,
        at_least_seconds: float | None = None,
        wait_seconds: float | None = None,
    ) -> float:
        """Count a failure; returns how long to wait, which is `wait_seconds` if that is given."""
        self.last_error = error
        wait = self._backoff.failed(at_least_seconds=at_least_seconds)
        if wait_seconds is not None:
            wait = wait_seconds
        self._record.breaker = Breaker(
            failures=self._backoff.failures,
            next_try=self._clock.now() + timedelta(seconds=wait),
            reason=error.reason,
            message=error.message,
            wait_seconds=wait,
        )
        await self._record.save()
        return wait

    async def works(self) -> None:
        """It took something."""
        self._backoff.succeeded()
        self.last_error = None
        if self._record.breaker is not None:
            self._record.breaker = None
            await self._record.save()
