"""One delivery of a batch: which event is posted when, and what is known afterwards.

Events with the same partition key go one after the other; of what may go, the foremost goes first, because only a
settled prefix counts. An error of the receiver at one event holds back its key, and only that; anything that says "not
now" stops the delivery.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.contracts import Hold, Refusal, Report, Setback
from gateway.errors import Reason
from gateway.events import StoredEvent
from sinks.webhook.answers import Judgement, Verdict
from sinks.webhook.pace import Pace

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
        self,
        batch: Sequence[StoredEvent],
        outcomes: Outcomes,
        send: Send,
        *,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._batch = batch
        self._outcomes = outcomes
        self._post = send
        self._clock = clock
        self._pace = pace
        self._until = clock.monotonic() + DELIVERY_SECONDS
        self._failures = 0
        self._held: dict[str, tuple[int, Judgement]] = {}
        self._stopped: Judgement | None = None
        self._done: set[int] = set()

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
                if not await self._send([index]):
                    return
                if index in self._done:
                    chain = chains[key]
                    chain.popleft()
                    if chain:
                        heapq.heappush(ready, (chain[0], key))

        async with asyncio.TaskGroup() as tasks:
            for number in range(min(concurrency, len(ready))):
                tasks.create_task(work(), name=f"webhook worker {number}")

    async def in_batches(self, batch_events: int, batch_bytes: int) -> None:
        """Several events a request, one request after the other.

        A request that is refused, or that the receiver fails at, is halved until the culprit stands alone.
        """
        spans = deque(self._spans(batch_events, batch_bytes))
        while spans and self._may_go_on():
            # A key may have begun to be held since the span was made.
            span = [index for index in spans.popleft() if self._key(index) not in self._held]
            if span and not await self._send(span, halved=spans):
                return

    async def _send(self, span: list[int], *, halved: deque[list[int]] | None = None) -> bool:
        """Post a span and note the answer; False if the delivery's time was over before its turn came."""
        await self._pace.turn()
        if not self._may_go_on():
            return False
        judgement = await self._post([self._batch[index] for index in span])
        culprit_unknown = judgement.verdict in {Verdict.REFUSED, Verdict.HOLD_KEY}
        if culprit_unknown and halved is not None and len(span) > 1:
            half = len(span) // 2
            halved.extendleft([span[half:], span[:half]])
        else:
            self._take(span, judgement)
        return True

    def report(self) -> Report:
        """How far the batch got. The outcomes of the reported prefix are forgotten: it is not offered again."""
        settled = 0
        refused: list[Refusal] = []
        held: list[Hold] = []
        for index, event in enumerate(self._batch):
            outcome = self._outcomes.pop(event.position, None)
            if outcome is not None:
                if (why := outcome.refused) is not None:
                    refused.append(Refusal(index=index, reason=why.reason, message=why.message))
            elif (culprit := self._held.get(self._key(index))) is not None:
                first, judgement = culprit
                held.append(
                    Hold(index=index, setback=_setback(judgement) if index == first else None)
                )
            else:
                break
            settled += 1
        return Report(
            settled=settled,
            refused=tuple(refused),
            held=tuple(held),
            setback=None if self._stopped is None else _setback(self._stopped),
        )

    def _key(self, index: int) -> str:
        return self._batch[index].envelope.partitionkey

    def _may_go_on(self) -> bool:
        if self._stopped is None and self._clock.monotonic() >= self._until:
            self._stopped = Judgement(
                Verdict.HOLD_ALL,
                Reason.TIMEOUT,
                f"the receiver is slow: a batch was not through after {DELIVERY_SECONDS:g} s",
                0.0,
            )
        return self._stopped is None

    def _take(self, span: Sequence[int], judgement: Judgement) -> None:
        """Note an answer for good."""
        match judgement.verdict:
            case Verdict.SETTLED | Verdict.REFUSED:
                self._failures = 0
                refused = judgement if judgement.verdict is Verdict.REFUSED else None
                for index in span:
                    self._outcomes[self._batch[index].position] = Settled(refused)
                    self._done.add(index)
            case Verdict.HOLD_KEY:
                self._failures += 1
                self._held[self._key(span[0])] = (span[0], judgement)
                if self._failures >= FAILURES_TO_STOP and self._stopped is None:
                    self._stopped = judgement
                    self._held.clear()
            case Verdict.HOLD_ALL:
                self._stopped = self._stopped or judgement

    def _spans(self, batch_events: int, batch_bytes: int) -> list[list[int]]:
        """Events without an outcome, as many together as may be in one request."""
        spans: list[list[int]] = []
        size = 0
        for index, event in enumerate(self._batch):
            if event.position in self._outcomes:
                continue
            size += len(event.body)
            if spans and len(spans[-1]) < batch_events and size <= batch_bytes:
                spans[-1].append(index)
            else:
                spans.append([index])
                size = len(event.body)
        return spans


def _setback(judgement: Judgement) -> Setback:
    return Setback(
        reason=judgement.reason,
        message=judgement.message,
        retry_after_seconds=judgement.retry_after_seconds,
    )
