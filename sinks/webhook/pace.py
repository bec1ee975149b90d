"""At most so many requests a second: each waits for its turn."""

from __future__ import annotations

from gateway.clock import Clock


class Pace:
    """Spreads requests evenly; without a limit every turn is at once."""

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._interval = 1.0 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0

    async def turn(self) -> None:
        """Return when one request may be sent. A cancelled turn is lost."""
        if not self._interval:
            return
        now = self._clock.monotonic()
        at = max(now, self._next)
        self._next = at + self._interval
        if at > now:
            await self._clock.sleep(at - now)
