"""What is traced, what spans are called and how they hang together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from gateway.commands import Command, CommandRecord, Outcome, Status, Target, Verb
from gateway.contracts import Appended, Hold, KeyedSink, Refusal, Report, Setback
from gateway.errors import NotConnected, Reason
from gateway.events import Event, StoredEvent
from gateway.events.calls import Call
from gateway.tracing import Tracing, traced
from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import SpanKind
from gateway.tracing.tracer import MOST_SPANS_OF_A_BATCH
from tests.support.clock import LeapingClock
from tests.support.events import BEGIN, make_event, new_event
from tests.support.scripted import KeyedRecordingSink, RecordingSink
from tests.support.spans import KeptSpans

CALLER = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
PROOF = TraceContext.fresh()
DONE = Appended(stored=2, duplicates=1, position=7)


def tracer(spans: KeptSpans, *, ratio: float = 1.0, drawn: float = 0.5) -> Tracing:
    """Everything traced, unless told otherwise."""
    clock = LeapingClock(BEGIN + timedelta(minutes=1))
    return Tracing(spans, sample_ratio=ratio, clock=clock, chance=lambda: drawn)


def received(*numbers: int) -> list[Event]:
    return [new_event(number, "call.held", Call(call="c1")) for number in numbers]


def stored(position: int, context: TraceContext | None) -> StoredEvent:
    """An event of the journal, as the tracer has marked it."""
    event = make_event(position, "call.held", Call(call="c1"))
    if context is None:
        return event
    body = event.body[:-1] + f',"traceparent":"{context}"}}'.encode()
    return msgspec.structs.replace(event, body=body)


def test_a_sampled_delivery_is_a_trace_whose_context_its_events_carry() -> None:
    """From the first event's receipt to the acknowledgement, with the append inside."""
    spans = KeptSpans()
    trace = tracer(spans).received("gws", "genesys_web_services", received(2, 1))
    assert trace is not None
    with trace:
        trace.journalled(DONE)
    receive, append = spans.spans
    assert (receive.name, receive.start.kind, receive.parent) == (
        "receive gws",
        SpanKind.CONSUMER,
        None,
    )
    assert receive.start.at == BEGIN + timedelta(seconds=1)
    assert receive.attributes["messaging.batch.message_count"] == 2
    assert (append.name, append.parent, append.error) == ("append journal", receive.context, None)
    assert append.attributes["tieline.events.duplicate"] == 1
    assert append.ended is not None
    assert receive.ended is not None
    assert {event.traceparent for event in trace.events} == {str(receive.context)}


def test_the_context_is_no_part_of_what_an_event_is() -> None:
    """Only the attribute differs: ids stay, so what is read twice is still one event."""
    events = received(1, 2)
    trace = tracer(KeptSpans()).received("gws", "genesys_web_services", events)
    assert trace is not None
    assert events == [
        msgspec.structs.replace(event, traceparent=msgspec.UNSET) for event in trace.events
    ]


def test_an_event_that_has_a_context_keeps_it() -> None:
    """Whoever made it knows better where it comes from."""
    (event,) = received(1)
    marked = msgspec.structs.replace(event, traceparent=str(CALLER))
    trace = tracer(KeptSpans()).received("gws", "genesys_web_services", [marked])
    assert trace is not None
    assert trace.events == [marked]


@pytest.mark.parametrize(("ratio", "drawn", "sampled"), [(0.2, 0.19, 1), (0.2, 0.2, 0), (0, 0, 0)])
def test_the_ratio_decides(ratio: float, drawn: float, sampled: int) -> None:
    """Below it a delivery and a command are traced; otherwise nothing is made."""
    spans = KeptSpans()
    tracing = tracer(spans, ratio=ratio, drawn=drawn)
    trace = tracing.received("gws", "genesys_web_services", received(1))
    assert (trace is not None, len(spans.spans)) == (bool(sampled), sampled)
    assert (tracing.commanded(None) is not None) is bool(sampled)


def test_a_delivery_without_events_is_no_trace() -> None:
    """Resume states are stored all the time."""
    assert tracer(KeptSpans()).received("gws", "genesys_web_services", []) is None


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (NotConnected("lost", reason=Reason.TIMEOUT), "timeout"),
        (asyncio.CancelledError(), "CancelledError"),
        (ValueError("secret"), "ValueError"),
    ],
)
def test_what_ends_a_delivery_is_told_as_one_word(error: BaseException, word: str) -> None:
    """Both spans end with it, and nothing of a message is in them."""
    spans = KeptSpans()
    trace = tracer(spans).received("gws", "genesys_web_services", received(1))
    assert trace is not None
    with pytest.raises(type(error)), trace:
        raise error
    assert [span.error for span in spans.spans] == [word, word]


def deliver(spans: KeptSpans, batch: Sequence[StoredEvent], report: Report) -> None:
    trace = tracer(spans).delivering("crm", "webhook", batch)
    assert trace is not None
    with trace:
        trace.reported(report)


def test_a_batch_gives_one_span_for_each_trace_in_it() -> None:
    """As a child of the span that received, with how many of the batch are its own."""
    spans = KeptSpans()
    other = TraceContext.fresh()
    batch = [stored(1, CALLER), stored(2, None), stored(3, other), stored(4, CALLER)]
    deliver(spans, batch, Report(settled=4))
    assert [
        (span.parent, span.attributes["messaging.batch.message_count"]) for span in spans.spans
    ] == [
        (CALLER, 2),
        (other, 1),
    ]
    for span in spans.spans:
        assert (span.name, span.start.kind, span.error) == ("deliver crm", SpanKind.PRODUCER, None)
        assert span.attributes["messaging.system"] == "webhook"
        assert span.attributes["tieline.batch.events"] == 4


def test_a_batch_without_sampled_events_gives_none() -> None:
    """Neither without a context, nor with one that says not sampled, nor with text that only looks like one."""
    tracing = tracer(KeptSpans())
    unsampled = stored(1, CALLER._replace(sampled=False))
    talk = make_event(2, "call.held", Call(call="c1", cause='"traceparent":"00-x"'))
    assert tracing.delivering("crm", "webhook", [stored(3, None), unsampled, talk]) is None


@pytest.mark.parametrize(
    ("report", "settled", "error"),
    [
        (Report(settled=2), 2, None),
        (
            Report(settled=1, setback=Setback(reason=Reason.SERVER_ERROR, message="503")),
            1,
            "server_error",
        ),
        (
            Report(settled=2, refused=(Refusal(index=1, reason=Reason.TOO_LARGE, message=""),)),
            2,
            "too_large",
        ),
        (Report(settled=2, held=(Hold(index=0, setback=None),)), 2, "held"),
    ],
)
def test_how_far_a_sink_got_is_in_the_span(report: Report, settled: int, error: str | None) -> None:
    """By the events of this trace, not by those of others in the batch."""
    spans = KeptSpans()
    deliver(spans, [stored(1, CALLER), stored(2, CALLER)], report)
    (span,) = spans.spans
    assert (span.attributes["tieline.events.settled"], span.error) == (settled, error)


def test_a_failure_of_others_in_the_batch_is_not_its_own() -> None:
    """A trace whose events are settled did not fail because one behind them did."""
    spans = KeptSpans()
    setback = Setback(reason=Reason.SERVER_ERROR, message="503")
    deliver(
        spans,
        [stored(1, CALLER), stored(2, TraceContext.fresh())],
        Report(settled=1, setback=setback),
    )
    assert [span.error for span in spans.spans] == [None, "server_error"]


def test_a_repetition_says_that_it_is_one() -> None:
    """An operator asked for it; the trace may be weeks old."""
    spans = KeptSpans()
    deliver(spans, [stored(-1, CALLER)], Report(settled=1))
    assert spans.spans[0].attributes["tieline.repetition"] is True


def test_a_batch_of_very_many_traces_is_bounded() -> None:
    """What is beyond the bound is delivered like everything else, and counted as left out."""
    spans = KeptSpans()
    batch = [
        stored(number + 1, TraceContext.fresh()) for number in range(MOST_SPANS_OF_A_BATCH + 3)
    ]
    deliver(spans, batch, Report(settled=len(batch)))
    assert len(spans.spans) == MOST_SPANS_OF_A_BATCH
    assert spans.figures.dropped == 3


async def test_a_traced_sink_is_the_sink_and_leaves_a_span() -> None:
    """What it reports passes through; an error is told and passes through too."""
    spans = KeptSpans()
    inner = RecordingSink()
    sink = traced(inner, tracer(spans), name="crm", kind="webhook")
    assert not isinstance(sink, KeyedSink)
    await sink.open()
    assert await sink.deliver([stored(1, CALLER)]) == Report(settled=1)
    inner.script = [NotConnected("gone", reason=Reason.TIMEOUT)]
    with pytest.raises(NotConnected):
        await sink.deliver([stored(2, CALLER)])
    assert [span.error for span in spans.spans] == [None, "timeout"]
    assert await sink.deliver([stored(3, None)]) == Report(settled=1)
    assert len(spans.spans) == 2
    await sink.close()


async def test_a_traced_sink_with_keys_still_has_keys() -> None:
    """Held events are offered one by one, each with its span."""
    spans = KeptSpans()
    sink = traced(KeyedRecordingSink(), tracer(spans), name="crm", kind="webhook")
    assert isinstance(sink, KeyedSink)
    await sink.open()
    assert (await sink.deliver_one(stored(1, CALLER))).settled == 1
    assert (await sink.deliver_one(stored(2, None))).settled == 1
    assert [span.parent for span in spans.spans] == [CALLER]


def test_without_tracing_a_sink_stays_as_it_is() -> None:
    """Off costs a sink nothing."""
    sink = RecordingSink()
    assert traced(sink, None, name="crm", kind="webhook") is sink


def test_a_command_follows_its_caller() -> None:
    """In the trace, and in the decision not to trace; without a caller the ratio decides."""
    tracing = tracer(KeptSpans(), ratio=0)
    followed = tracing.commanded(str(CALLER))
    assert followed is not None
    assert (followed.context.trace_id, followed.caller_span) == (CALLER.trace_id, CALLER.span_id)
    assert followed.context.span_id != CALLER.span_id
    assert tracing.commanded("nonsense") is None
    assert tracer(KeptSpans()).commanded(str(CALLER._replace(sampled=False))) is None
    root = tracer(KeptSpans()).commanded("nonsense")
    assert root is not None
    assert root.caller_span is None


def record(outcome: Outcome | None, *, context: TraceContext | None = CALLER) -> CommandRecord:
    return CommandRecord(
        command=Command(
            id="c0ffee",
            verb=Verb.CALL_HOLD,
            connector="gws",
            target=Target(agent="anna", call="c1"),
            requester="crm",
            created=BEGIN,
            deadline=BEGIN + timedelta(seconds=15),
            traceparent=str(context) if context else None,
            caller_span="00000000000000aa",
        ),
        outcome=outcome,
        position=1,
        digest="",
        updated=BEGIN + timedelta(seconds=2),
    )


def test_a_verdict_makes_the_span_of_the_whole_command() -> None:
    """With the ids that its events carry, below its caller, and a link to what proved it."""
    spans = KeptSpans()
    tracer(spans).decided(
        record(Outcome(status=Status.DONE, evidence="e", evidence_traceparent=str(PROOF)))
    )
    (span,) = spans.spans
    assert (span.name, span.start.kind, span.error) == ("command call.hold", SpanKind.SERVER, None)
    assert span.context == CALLER
    assert span.parent == TraceContext(CALLER.trace_id, "00000000000000aa")
    assert list(span.start.links) == [PROOF]
    assert (span.start.at, span.ended) == (BEGIN, BEGIN + timedelta(seconds=2))
    assert not {"anna", "c1", "crm"} & {str(value) for value in span.attributes.values()}


def test_a_verdict_that_is_no_success_fails_the_span() -> None:
    """With its reason, never its message."""
    spans = KeptSpans()
    outcome = Outcome(status=Status.UNKNOWN, reason=Reason.DEADLINE, message="for people")
    tracer(spans).decided(record(outcome))
    assert [span.error for span in spans.spans] == ["deadline"]


def test_a_command_that_is_not_traced_has_no_span() -> None:
    """Nor one without a verdict."""
    spans = KeptSpans()
    tracer(spans).decided(record(Outcome(status=Status.DONE), context=None))
    tracer(spans).decided(record(None))
    assert spans.spans == []
