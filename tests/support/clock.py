"""A clock that tests hold in their hands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from gateway.clock import SystemClock


class LeapingClock:
    """Time stands still but for sleeps, which are over at once and leap over their length.

    `slept` remembers every length, so a test can assert on waits without waiting.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The start plus all that was slept or advanced."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        """Leap, giving others a turn first."""
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self._passed += seconds


class StandingClock(LeapingClock):
    """Time stands still but for `advance`; a sleep lasts until the sleeper is cancelled."""

    async def sleep(self, seconds: float) -> None:
        """For ever; `slept` remembers it."""
        self.slept.append(seconds)
        await asyncio.Event().wait()


class ShiftedClock(SystemClock):
    """The system's clock, so many seconds ahead as `ahead_seconds` says now; sleeps take their time."""

    def __init__(self, ahead_seconds: float = 0.0) -> None:
        self.ahead_seconds = ahead_seconds

    def now(self) -> datetime:
        """Later than it is."""
        return super().now() + timedelta(seconds=self.ahead_seconds)

    def monotonic(self) -> float:
        """Likewise."""
        return super().monotonic() + self.ahead_seconds
