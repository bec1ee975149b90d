"""Which spans there are, what they are called and what they hold.

    receive <connector>           a sampled delivery of a feed, from its first message to its acknowledgement
      append journal              until the events are durable
      deliver <sink>              one offer of events of this trace to a sink; again at each retry, also after a restart
    command <verb>                from the request to the verdict, with a link to the trace of the event that proved it
      deliver <sink>              of the events that tell of the command

An event carries the context of the first span of its trace, as the CloudEvents extension asks of events that go over
several hops. Names and values come from the configuration and from closed lists; no agent, call, user or feed is named.

Sources: OpenTelemetry semantic conventions for messaging spans; CloudEvents extension "Distributed Tracing" 1.0.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from gateway.clock import Clock
from gateway.commands import CommandRecord, Status
from gateway.contracts import Appended, Report
from gateway.errors import TielineError
from gateway.events import Event, StoredEvent
from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import OpenSpan, SpanFigures, SpanKind, SpanRecorder, SpanStart

MOST_SPANS_OF_A_BATCH = 256
"""Traces of one batch that get a span for it: what tracing everything may cost a delivery is bounded."""
CLOSE_SECONDS = 3.0

_MARK = b'"traceparent":"'


class FeedTrace:
    """One sampled delivery on its way into the journal: a context manager around append and acknowledgement.

    Attributes:
        events: those of the delivery, with the context.
    """

    def __init__(
        self,
        recorder: SpanRecorder,
        clock: Clock,
        connector: str,
        platform: str,
        events: Sequence[Event],
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        began = min(clock.now(), *(event.recordedtime for event in events))
        self._receive = recorder.begin(
            SpanStart(
                name=f"receive {connector}",
                kind=SpanKind.CONSUMER,
                at=began,
                attributes={
                    "messaging.system": platform,
                    "messaging.operation.name": "receive",
                    "messaging.operation.type": "receive",
                    "messaging.batch.message_count": len(events),
                    "tieline.connector": connector,
                },
            )
        )
        self._append: OpenSpan | None = None
        context = str(self._receive.context)
        self.events = [
            event
            if isinstance(event.traceparent, str)
            else msgspec.structs.replace(event, traceparent=context)
            for event in events
        ]

    def __enter__(self) -> Self:
        self._append = self._recorder.begin(
            SpanStart(
                name="append journal",
                kind=SpanKind.INTERNAL,
                at=self._clock.now(),
                parent=self._receive.context,
                attributes={"tieline.events": len(self.events)},
            )
        )
        return self

    def journalled(self, done: Appended) -> None:
        """The events are durable."""
        append, self._append = self._append, None
        if append is not None:
            append.describe(
                {
                    "tieline.events.stored": done.stored,
                    "tieline.events.duplicate": done.duplicates,
                    "tieline.journal.position": done.position,
                }
            )
            append.end(self._clock.now())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        word = _word(error)
        now = self._clock.now()
        if self._append is not None:
            self._append.end(now, error=word)
        self._receive.end(now, error=word)


class DeliveryTrace:
    """One offer of a batch to a sink, with a span for each trace that has events in it: a context manager around it."""

    def __init__(self, clock: Clock, spans: Sequence[tuple[OpenSpan, Sequence[int]]]) -> None:
        self._clock = clock
        self._spans = spans
        self._report: Report | None = None

    def __enter__(self) -> Self:
        return self

    def reported(self, report: Report) -> None:
        """The sink said how far it got."""
        self._report = report

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        now = self._clock.now()
        for span, indices in self._spans:
            word = _word(error)
            if self._report is not None:
                word = _shortfall(self._report, indices)
                span.describe(
                    {"tieline.events.settled": sum(at < self._report.settled for at in indices)}
                )
            span.end(now, error=word)


class CommandTrace(NamedTuple):
    """A command's own context, and the span in its trace that asked for it."""

    context: TraceContext
    caller_span: str | None


class Tracing:
    """Decides what is traced, and makes the spans."""

    def __init__(
        self,
        recorder: SpanRecorder,
        *,
        sample_ratio: float,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._recorder = recorder
        self._sample_ratio = sample_ratio
        self._clock = clock
        self._chance = chance

    @property
    def figures(self) -> SpanFigures:
        """What became of spans."""
        return self._recorder.figures

    def received(self, connector: str, platform: str, events: Sequence[Event]) -> FeedTrace | None:
        """The trace of a delivery that is about to be appended; None if it is not sampled."""
        if not events or self._chance() >= self._sample_ratio:
            return None
        return FeedTrace(self._recorder, self._clock, connector, platform, events)

    def delivering(
        self, sink: str, kind: str, batch: Sequence[StoredEvent]
    ) -> DeliveryTrace | None:
        """The spans of an offer to a sink; None if no event of it was sampled."""
        # Most events have none: to look for the mark costs less than to decode the envelope.
        marked = [index for index, event in enumerate(batch) if _MARK in event.body]
        members: dict[str, list[int]] = {}
        for index in marked:
            if (traceparent := batch[index].envelope.traceparent) is not None:
                members.setdefault(traceparent, []).append(index)
        if not members:
            return None
        spans: list[tuple[OpenSpan, Sequence[int]]] = []
        repeated = batch[0].position < 0
        for traceparent, indices in members.items():
            context = TraceContext.parse(traceparent)
            if context is None or not context.sampled:
                continue
            if len(spans) == MOST_SPANS_OF_A_BATCH:
                self.figures.dropped += 1
                continue
            span = self._recorder.begin(
                SpanStart(
                    name=f"deliver {sink}",
                    kind=SpanKind.PRODUCER,
                    at=self._clock.now(),
                    parent=context,
                    attributes={
                        "messaging.system": kind,
                        "messaging.operation.name": "deliver",
                        "messaging.operation.type": "send",
                        "messaging.batch.message_count": len(indices),
                        "tieline.sink": sink,
                        "tieline.batch.events": len(batch),
                        "tieline.repetition": repeated,
                    },
                )
            )
            spans.append((span, indices))
        return DeliveryTrace(self._clock, spans) if spans else None

    def commanded(self, header: str | None) -> CommandTrace | None:
        """The trace of a new command; None if it is not traced.

        Args:
            header: `traceparent` of the request; what is not valid counts as none, whoever does not sample decides so
                for us.
        """
        caller = TraceContext.parse(header) if header else None
        if caller is not None:
            context = TraceContext.fresh(caller.trace_id)
            return CommandTrace(context, caller.span_id) if caller.sampled else None
        if self._chance() >= self._sample_ratio:
            return None
        return CommandTrace(TraceContext.fresh(), None)

    def decided(self, record: CommandRecord) -> None:
        """A command has its verdict; its span is made as a whole, so also by a process that did not see it begin."""
        command, outcome = record.command, record.outcome
        identity = TraceContext.parse(command.traceparent) if command.traceparent else None
        if identity is None or outcome is None:
            return
        parent = (
            TraceContext(identity.trace_id, command.caller_span) if command.caller_span else None
        )
        proof = (
            TraceContext.parse(outcome.evidence_traceparent)
            if outcome.evidence_traceparent
            else None
        )
        span = self._recorder.begin(
            SpanStart(
                name=f"command {command.verb.value}",
                kind=SpanKind.SERVER,
                at=command.created,
                parent=parent,
                identity=identity,
                attributes={
                    "tieline.command": command.id,
                    "tieline.connector": command.connector,
                    "tieline.verdict": outcome.status.value,
                },
                links=[proof] if proof is not None else [],
            )
        )
        done = outcome.status in {Status.DONE, Status.PARTIAL}
        word = None if done else (outcome.reason.value if outcome.reason else outcome.status.value)
        span.end(record.updated, error=word)

    async def close(self) -> None:
        """Hand on what waits, within `CLOSE_SECONDS`."""
        await self._recorder.close(CLOSE_SECONDS)


def _shortfall(report: Report, indices: Sequence[int]) -> str | None:
    """Why not all of these events were delivered, as one bounded word."""
    among = frozenset(indices)
    for refusal in report.refused:
        if refusal.index in among:
            return refusal.reason.value
    if any(hold.index in among for hold in report.held):
        return "held"
    if report.setback is not None and indices[-1] >= report.settled:
        return report.setback.reason.value
    return None


def _word(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return error.reason.value if isinstance(error, TielineError) else type(error).__name__
