"""One delivery of a batch: which event is posted when, and what is known afterwards.

Events with the same partition key go one after the other; of what may go, the foremost goes first, because only a
settled prefix counts. An error of the receiver at one event holds back its key; anything that says "not now" stops the
delivery.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.contracts import Refusal, Report, Setback
from gateway.errors import Reason
from gateway.events import StoredEvent
from sinks.webhook.answers import Judgement, Verdict

DELIVERY_SECONDS = 45.0
"""No request starts later than this in one delivery: the caller gives up on a delivery that takes too long."""
FAILURES_TO_STOP = 5
"""That many events in a row at which the receiver failed: it is not the events."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known about a settled event: nothing more, or why it was refused."""

    refused: Judgement | None = None


Outcomes = MutableMapping[int, Settled]
"""By journal position."""
Send = Callable[[Sequence[StoredEvent]], Awaitable[Judgement]]


class Delivery:
    """Offers the events of a batch that have no outcome yet; the outcomes grow in place, also when it is cancelled."""

    def __init__(
        self, batch: Sequence[StoredEvent], outcomes: Outcomes, send: Send, clock: Clock
    ) -> None:
        self._batch = batch
        self._outcomes = outcomes
        self._send = send
        self._clock = clock
        self._until = clock.monotonic() + DELIVERY_SECONDS
        self._failures = 0
        self._held: dict[int, Judgement] = {}
        self._stopped: Judgement | None = None

    async def one_by_one(self, concurrency: int) -> None:
        """One event a request, different keys at the same time."""
        chains: dict[str, deque[int]] = {}
        for index, event in enumerate(self._batch):
            if event.position not in self._outcomes:
                chains.setdefault(event.envelope.partitionkey, deque()).append(index)
        ready = [(chain[0], key) for key, chain in chains.items()]
        heapq.heapify(ready)

        async def work() -> None:
            while ready and self._may_go_on():
                index, key = heapq.heappop(ready)
                judgement = await self._send([self._batch[index]])
                if self._take(index, 1, judgement):
                    chain = chains[key]
                    chain.popleft()
                    if chain:
                        heapq.heappush(ready, (chain[0], key))

        async with asyncio.TaskGroup() as tasks:
            for number in range(min(concurrency, len(ready))):
                tasks.create_task(work(), name=f"webhook worker {number}")

    async def in_batches(self, batch_events: int, batch_bytes: int) -> None:
        """Several events a request, one request after the other. A refused request is halved to find the culprit."""
        spans = deque(self._spans(batch_events, batch_bytes))
        while spans and self._may_go_on():
            start, count = spans.popleft()
            judgement = await self._send(self._batch[start : start + count])
            if judgement.verdict is Verdict.REFUSED and count > 1:
                half = count // 2
                spans.extendleft([(start + half, count - half), (start, half)])
            elif not self._take(start, count, judgement):
                self._stopped = judgement

    def report(self) -> Report:
        """How far the batch got. The outcomes of the reported prefix are forgotten: it is not offered again."""
        settled = 0
        refused: list[Refusal] = []
        for index, event in enumerate(self._batch):
            outcome = self._outcomes.pop(event.position, None)
            if outcome is None:
                break
            settled += 1
            if (why := outcome.refused) is not None:
                refused.append(Refusal(index=index, reason=why.reason, message=why.message))
        if settled == len(self._batch):
            return Report(settled=settled, refused=tuple(refused))
        cause = self._stopped or self._held[min(self._held)]
        return Report(
            settled=settled,
            refused=tuple(refused),
            setback=Setback(
                reason=cause.reason,
                message=cause.message,
                retry_after_seconds=cause.retry_after_seconds,
            ),
        )

    def _may_go_on(self) -> bool:
        if self._stopped is None and self._clock.monotonic() >= self._until:
            self._stopped = Judgement(
                Verdict.HOLD_ALL,
                Reason.TIMEOUT,
                f"the receiver is slow: a batch was not through after {DELIVERY_SECONDS:g} s",
                0.0,
            )
        return self._stopped is None

    def _take(self, index: int, count: int, judgement: Judgement) -> bool:
        """Note an answer; whether the events have an outcome now."""
        match judgement.verdict:
            case Verdict.SETTLED | Verdict.REFUSED:
                self._failures = 0
                refused = judgement if judgement.verdict is Verdict.REFUSED else None
                for event in self._batch[index : index + count]:
                    self._outcomes[event.position] = Settled(refused)
                return True
            case Verdict.HOLD_KEY:
                self._failures += 1
                self._held[index] = judgement
                if self._failures >= FAILURES_TO_STOP and self._stopped is None:
                    self._stopped = judgement
            case Verdict.HOLD_ALL:
                self._stopped = self._stopped or judgement
        return False

    def _spans(self, batch_events: int, batch_bytes: int) -> list[tuple[int, int]]:
        """Runs of events without an outcome, as (start, count)."""
        spans: list[tuple[int, int]] = []
        size = 0
        for index, event in enumerate(self._batch):
            if event.position in self._outcomes:
                continue
            start, count = spans[-1] if spans else (0, 0)
            size += len(event.body)
            if count and start + count == index and count < batch_events and size <= batch_bytes:
                spans[-1] = (start, count + 1)
            else:
                spans.append((index, 1))
                size = len(event.body)
        return spans
