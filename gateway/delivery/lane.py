"""Offers held events again, each when its time has come: beside the main delivery, which goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from gateway.clock import Clock
from gateway.contracts import Held, HeldEvent, HoldLimits, Report, Setback
from gateway.delivery.holding import Change, HeldKey, Holding
from gateway.errors import TielineError
from gateway.events import StoredEvent

POLL_SECONDS = 1.0
"""While anything is held it is looked at this often: whether a key is due may change without a sign."""


class HeldLane:
    """One sink's held events at work.

    `offer` delivers one event, or raises; `settle` makes a change durable; `may_offer` says how many events may be on
    their way at once, 0 while the receiver takes nothing at all; `whole_fails` that a failure is no key's fault.
    """

    def __init__(
        self,
        limits: HoldLimits,
        *,
        uniform: Callable[[float, float], float],
        offer: Callable[[StoredEvent], Awaitable[Report]],
        settle: Callable[[Change, Report | None], Awaitable[None]],
        may_offer: Callable[[], int],
        whole_fails: Callable[[], bool],
        crashed: Callable[[BaseException], None],
        clock: Clock,
    ) -> None:
        self.holding = Holding(limits, uniform)
        self._limits = limits
        self._offer = offer
        self._settle = settle
        self._may_offer = may_offer
        self._whole_fails = whole_fails
        self._crashed = crashed
        self._clock = clock
        self._something = asyncio.Event()

    def restore(self, kept: Held) -> None:
        """Begin with what an earlier process held."""
        self.holding.restore(kept, self._clock.monotonic(), self._clock.now())
        self._notice()

    def again(self, events: Iterable[HeldEvent]) -> None:
        """Take up dead letters that are to be replayed."""
        self.holding.again(events, self._clock.monotonic())
        self._notice()

    def hold(self, events: Iterable[tuple[StoredEvent, Setback | None]]) -> Change:
        """Hold events of a batch; the change is the caller's to settle."""
        change = self.holding.hold(events, *self._now())
        self._notice()
        return change

    def keys(self) -> list[HeldKey]:
        """What is held, by key."""
        return self.holding.keys(*self._now())

    def _now(self) -> tuple[float, datetime]:
        return self._clock.monotonic(), self._clock.now()

    def _notice(self) -> None:
        if self.holding:
            self._something.set()
        else:
            self._something.clear()

    async def run(self) -> None:
        """Offer what is due until cancelled, several keys at a time: for sinks that take events beside batches."""
        while True:
            await self._something.wait()
            now = self._clock.monotonic()
            due = self.holding.take_due(now, min(self._limits.at_once, self._may_offer()))
            if due:
                async with asyncio.TaskGroup() as tasks:
                    for one in due:
                        tasks.create_task(self._try(one), name=f"held {one.event.position}")
                self._notice()
                continue
            wait = self.holding.seconds_to_next(now)
            pause = POLL_SECONDS if wait is None else min(POLL_SECONDS, max(wait, 0.05))
            await self._clock.sleep(pause)

    async def run_due(self) -> None:
        """Offer what is due now, one after the other: for sinks that take one batch at a time."""
        while self.holding and self._may_offer():
            due = self.holding.take_due(self._clock.monotonic(), 1)
            if not due:
                return
            await self._try(due[0])
            self._notice()

    async def _try(self, one: HeldEvent) -> None:
        try:
            report = await self._offer(one.event)
        except asyncio.CancelledError:
            self.holding.postponed(one, 0.0, self._clock.monotonic())
            raise
        except TielineError:
            self.holding.postponed(one, self._limits.base_seconds, self._clock.monotonic())
            return
        except Exception as error:  # noqa: BLE001 - a defect at one event must not take the sink down
            self._crashed(error)
            self.holding.postponed(one, self._limits.cap_seconds, self._clock.monotonic())
            return
        change = self._judge(one, report)
        if change is not None:
            await self._settle(change, report)

    def _judge(self, one: HeldEvent, report: Report) -> Change | None:
        now, wall = self._now()
        if not report.settled:
            asked = report.setback.retry_after_seconds if report.setback else None
            seconds = self._limits.base_seconds if asked is None else asked
            self.holding.postponed(one, seconds, now)
            return None
        if report.refused:
            refusal = report.refused[0]
            return self.holding.refused(one, refusal.reason, refusal.message, now)
        setback = report.held[0].setback if report.held else None
        if setback is not None and self._whole_fails():
            self.holding.postponed(one, self._limits.cap_seconds, now)
            return None
        if setback is not None:
            return self.holding.failed(one, setback, now, wall)
        return self.holding.delivered(one, now)
