"""Calls of a sink: each under its limit of time, and each outcome that the contract does not allow told as an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.clock import Clock
from gateway.contracts import KeyedSink, Report, Sink
from gateway.delivery.policy import DispatchPolicy
from gateway.errors import NotConnected, Reason
from gateway.events import StoredEvent


class SinkCalls:
    """One sink, as its dispatcher calls it. What the sink itself raises passes through."""

    def __init__(self, sink: Sink, policy: DispatchPolicy, clock: Clock) -> None:
        self._sink = sink
        self._policy = policy
        self._clock = clock
        self._began: float | None = None

    @property
    def takes_beside(self) -> bool:
        """Whether it takes single events while a batch is on its way."""
        return isinstance(self._sink, KeyedSink)

    @property
    def silent(self) -> bool:
        """Whether the attempt under way to open it, or to deliver a batch, lasts suspiciously long."""
        began = self._began
        return began is not None and (self._clock.monotonic() - began > self._policy.silent_seconds)

    async def open(self) -> int | None:
        """The position that the receiver holds, if it can tell. Raises NotConnected when it takes too long."""
        limit = self._policy.open_seconds
        try:
            async with self._attempt(limit):
                return await self._sink.open()
        except TimeoutError as error:
            raise NotConnected(f"not open within {limit:g} s", reason=Reason.TIMEOUT) from error

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Offer a batch. Raises NotConnected for no answer in time, and for one that leaves events without a word."""
        try:
            async with self._attempt(self._policy.deliver_seconds):
                report = await self._sink.deliver(batch)
        except TimeoutError as error:
            raise self._unanswered(len(batch)) from error
        return _checked(report, len(batch))

    async def deliver_beside(self, event: StoredEvent) -> Report:
        """Offer one event while a batch may be on its way, if the sink `takes_beside`. Raises as `deliver` does."""
        sink = self._sink
        assert isinstance(sink, KeyedSink)  # noqa: S101 - the caller has asked
        try:
            async with asyncio.timeout(self._policy.deliver_seconds):
                report = await sink.deliver_one(event)
        except TimeoutError as error:
            raise self._unanswered(1) from error
        return _checked(report, 1)

    async def close(self) -> None:
        """Close it. Raises TimeoutError when it takes too long."""
        async with asyncio.timeout(self._policy.close_seconds):
            await self._sink.close()

    @asynccontextmanager
    async def _attempt(self, limit_seconds: float) -> AsyncIterator[None]:
        self._began = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit_seconds):
                yield
        finally:
            self._began = None

    def _unanswered(self, events: int) -> NotConnected:
        limit = self._policy.deliver_seconds
        return NotConnected(
            f"no answer to a batch of {events} events within {limit:g} s", reason=Reason.TIMEOUT
        )


def _checked(report: Report, offered: int) -> Report:
    if report.settled < offered and report.setback is None:
        raise NotConnected(
            f"the sink settled {report.settled} of {offered} events and did not say why",
            reason=Reason.OTHER,
        )
    return report
