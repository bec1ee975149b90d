"""Paces attempts to connect, so that a thousand feeds that lost one server do not storm it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.clock import Clock


class StartGate:
    """At most `per_second` attempts begin each second, and at most `at_once` are under way."""

    def __init__(self, *, per_second: float, at_once: int, clock: Clock) -> None:
        self._interval = 1.0 / per_second
        self._slots = asyncio.Semaphore(at_once)
        self._clock = clock
        self._next = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; the body is one attempt."""
        async with self._slots:
            now = self._clock.monotonic()
            at = max(now, self._next)
            self._next = at + self._interval
            if at > now:
                await self._clock.sleep(at - now)
            yield
