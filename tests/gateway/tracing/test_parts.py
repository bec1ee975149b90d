"""The parts of the core with tracing on: feeds, commands, the delay's exemplars."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.commands import Outcome, Status
from gateway.contracts import Connector
from gateway.telemetry import Telemetry
from gateway.tracing import Tracing
from gateway.tracing.context import TraceContext
from tests.support.journals import memory_journal
from tests.support.routing import ACCEPTED, HOLD, routing, verdict
from tests.support.scripted import ScriptedConnector, ScriptedFeed, call_event
from tests.support.spans import KeptSpans
from tests.support.supervised import supervised
from tests.support.waiting import until

CALLER = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def telemetry_with(spans: KeptSpans, *, ratio: float = 1.0) -> Telemetry:
    telemetry = Telemetry(CollectorRegistry())
    telemetry.tracing = Tracing(spans, sample_ratio=ratio, clock=SystemClock())
    return telemetry


def connected(feed: ScriptedFeed) -> AbstractAsyncContextManager[Connector]:
    """A connector of one feed, as it is supervised."""
    return nullcontext(ScriptedConnector(feeds=[feed]))


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_what_a_feed_gave_is_journalled_with_its_context(ratio: float) -> None:
    """Sampled, the events of the platform have it and those about the feed do not; else nothing has."""
    spans, journal, feed = KeptSpans(), memory_journal(), ScriptedFeed()
    async with supervised(connected(feed), journal, telemetry_with(spans, ratio=ratio)):
        delivery = feed.give(1, 2, resume=b"state")
        await until(lambda: feed.committed)
    assert feed.committed == [delivery], "the feed gets back what it gave"
    contexts = {event.type: event.envelope.traceparent for event in await journal.read(0, 100)}
    context = str(spans.named("receive main")[0].context) if ratio else None
    assert contexts["tieline.call.held.v1"] == context
    assert contexts["tieline.feed.connected.v1"] is None
    assert [span.ended is not None for span in spans.spans] == [True] * (2 if ratio else 0)


async def test_the_same_events_read_twice_are_one_each_in_the_first_trace() -> None:
    """The second reading is a trace of its own that says how many it had in vain."""
    spans, journal, feed = KeptSpans(), memory_journal(), ScriptedFeed()
    async with supervised(connected(feed), journal, telemetry_with(spans)):
        feed.give(1, resume=b"one")
        feed.give(1, resume=b"two")
        await until(lambda: len(feed.committed) == 2)
    first, second = spans.named("append journal")
    assert (
        first.attributes["tieline.events.stored"],
        second.attributes["tieline.events.stored"],
    ) == (1, 0)
    assert second.attributes["tieline.events.duplicate"] == 1
    held = [event for event in await journal.read(0, 100) if event.type == "tieline.call.held.v1"]
    assert [event.envelope.traceparent for event in held] == [str(first.parent)]


async def test_a_command_is_a_span_to_its_verdict_and_its_events_are_in_the_trace() -> None:
    """Also when another process brings it to its end; the event that proved it is linked."""
    spans, journal = KeptSpans(), memory_journal()
    connector = ScriptedConnector()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal, telemetry=telemetry_with(KeptSpans())) as router:
        record = await router.submit(
            HOLD, idempotency_key=None, requester="test", traceparent=str(CALLER)
        )
        await until(lambda: (found := router.get(record.command.id)) and found.outcome)
    proof = TraceContext.fresh()
    async with routing(ScriptedConnector(), journal, telemetry=telemetry_with(spans)) as router:
        event = replace(call_event(1), traceparent=str(proof))
        await journal.append("main/a1", [event], None)
        assert (await verdict(router, record)).status is Status.DONE
    (span,) = spans.named("command call.hold")
    assert (span.context.trace_id, span.parent) == (CALLER.trace_id, CALLER)
    assert list(span.start.links) == [proof]
    told = {
        event.type: event.envelope.traceparent
        for event in await journal.read(0, 100)
        if event.envelope.causationid == record.command.id
    }
    assert told == dict.fromkeys(
        ("tieline.command.accepted.v1", "tieline.command.done.v1", "tieline.audit.recorded.v1"),
        str(span.context),
    )


async def test_a_command_without_tracing_carries_nothing() -> None:
    """Whatever its caller sends along."""
    connector = ScriptedConnector()
    connector.answers = [Outcome(status=Status.DONE)]
    async with routing(connector, memory_journal()) as router:
        record = await router.submit(
            HOLD, idempotency_key=None, requester="test", traceparent=str(CALLER)
        )
    assert record.command.traceparent is None


def test_a_delay_leads_to_its_trace() -> None:
    """In OpenMetrics, and only where the event was sampled."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry)
    for seconds, traceparent in ((0.3, str(CALLER)), (3.0, None)):
        telemetry.sink_delivered(
            "crm", events=1, duration_seconds=0.1, delay_seconds=seconds, traceparent=traceparent
        )
    exemplars = [line for line in generate_latest(registry).decode().splitlines() if " # {" in line]
    assert [line.partition("{")[0] for line in exemplars] == [
        "tieline_sink_delivery_seconds_bucket",
        "tieline_sink_delay_seconds_bucket",
    ]
    assert f'# {{trace_id="{CALLER.trace_id}"}} 0.3' in exemplars[1]


def test_a_receiver_that_fails_is_a_warning_with_a_remedy_and_its_return_is_not() -> None:
    """One line each, with the receiver and without its path."""
    telemetry = Telemetry(CollectorRegistry())
    with capture_logs() as told:
        telemetry.traces_exported("http://collector:4318", works=False)
        telemetry.traces_exported("http://collector:4318", works=True)
    assert [(line["log_level"], line["peer"]) for line in told] == [
        ("warning", "http://collector:4318"),
        ("info", "http://collector:4318"),
    ]
    assert "events are not affected" in told[0]["hint"]
