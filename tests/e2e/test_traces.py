"""One trace from a platform's message to every receiver, over a real OTLP receiver, a real broker and a kill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.kafka import KafkaBroker
from tests.support.otlp import OtlpReceiver, SeenSpan
from tests.support.processes import eventually
from tests.support.prometheus import prometheus
from tests.support.receiver import SECRET, FlakyReceiver, Mode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
async def collector() -> AsyncIterator[OtlpReceiver]:
    """Where the spans go."""
    async with OtlpReceiver() as collector:
        yield collector


@pytest.fixture
async def receiver() -> AsyncIterator[FlakyReceiver]:
    """A receiver of webhooks."""
    async with FlakyReceiver() as receiver:
        yield receiver


@asynccontextmanager
async def traced(
    tmp_path: Path,
    http: aiohttp.ClientSession,
    collector: OtlpReceiver,
    *sinks: dict[str, Any],
    events_per_second: float = 5.0,
) -> AsyncIterator[site.GatewayProcess]:
    """A gateway that traces everything of one agent, not yet started."""
    async with (
        site.platform(tmp_path, http, agents=1, events_per_second=events_per_second) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "gateway": {"traces": {"endpoint": collector.url, "sample_ratio": 1}},
                "connectors": [site.connector(platform.url, 1)],
                "sinks": list(sinks),
            },
        ) as gateway,
    ):
        yield gateway


@pytest.mark.kafka
async def test_one_message_is_one_trace_into_kafka_and_a_webhook(
    tmp_path: Path,
    http: aiohttp.ClientSession,
    collector: OtlpReceiver,
    receiver: FlakyReceiver,
    kafka: KafkaBroker,
    topic: str,
) -> None:
    """Receive, append and both deliveries hang together, and both receivers are told of the trace."""
    lake = site.kafka_sink(kafka.bootstrap_servers, topic)
    hook = site.webhook_sink(receiver.url, SECRET)
    async with traced(tmp_path, http, collector, lake, hook) as gateway:
        gateway.start()
        await gateway.wait_fed()
        await eventually(
            lambda: receiver.traceparents, "a traced event at the webhook", timeout_seconds=30.0
        )
        event_id, traceparent = next(iter(receiver.traceparents.items()))
        trace_id, span_id = traceparent.split("-")[1:3]
        (receive,) = await collector.wait_for("receive gws", trace_id=trace_id)
        (append,) = await collector.wait_for("append journal", trace_id=trace_id)
        (to_hook, *_) = await collector.wait_for("deliver hook", trace_id=trace_id)
        (to_lake, *_) = await collector.wait_for("deliver lake", trace_id=trace_id)
        assert (receive.span_id, receive.parent_id) == (span_id, "")
        assert {span.parent_id for span in (append, to_hook, to_lake)} == {span_id}
        assert receive.start_ns <= append.start_ns
        assert append.end_ns <= to_lake.end_ns
        assert {span.error for span in (receive, append, to_hook, to_lake)} == {None}
        await gateway.wait_settled("lake")
        records = await kafka.read_topic(topic)
        (headers,) = [one.headers for one in records if one.headers["ce_id"] == event_id.encode()]
        assert headers["ce_traceparent"] == headers["traceparent"] == traceparent.encode()


async def test_a_delivery_after_a_kill_joins_the_trace_of_the_process_that_received(
    tmp_path: Path, http: aiohttp.ClientSession, collector: OtlpReceiver, receiver: FlakyReceiver
) -> None:
    """The receiver is away when the gateway is killed; what the next process delivers has the first one's trace."""
    hook = site.webhook_sink(receiver.url, SECRET)
    async with traced(tmp_path, http, collector, hook) as gateway:
        gateway.start()
        await gateway.wait_fed()
        await eventually(lambda: receiver.taken, "the first event", timeout_seconds=30.0)
        await receiver.turn(Mode.UNAVAILABLE)

        def refused() -> list[SeenSpan]:
            return [span for span in collector.named("deliver hook") if span.error]

        (failed, *_) = await eventually(refused, "a failed delivery", timeout_seconds=30.0)
        assert failed.error == "server_error"
        (received,) = await collector.wait_for("receive gws", trace_id=failed.trace_id)
        gateway.kill()
        await receiver.turn(Mode.WORKING)
        gateway.start()

        def delivered() -> list[SeenSpan]:
            found = collector.named("deliver hook", trace_id=failed.trace_id)
            return [span for span in found if not span.error and span.start_ns > failed.end_ns]

        (span, *_) = await eventually(delivered, "the delivery", timeout_seconds=90.0)
        assert span.parent_id == received.span_id
        assert span.attributes["tieline.events.settled"] > 0
        assert f"00-{received.trace_id}-{received.span_id}-01" in receiver.traceparents.values()


async def test_a_command_is_in_its_caller_s_trace_and_linked_to_what_proved_it(
    tmp_path: Path, http: aiohttp.ClientSession, collector: OtlpReceiver
) -> None:
    """From the request's header to the verdict, with nobody's name in any span."""
    caller = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    agent = {"agent": "agent0001"}
    async with traced(tmp_path, http, collector, site.file_sink(), events_per_second=0) as gateway:
        gateway.start()
        await gateway.wait_fed()
        await gateway.command("agent.login", agent)
        done = await gateway.command(
            "agent.set_state",
            agent,
            {"state": "ready"},
            headers={"traceparent": "-".join(["00", *caller, "01"])},
        )
        assert done["status"] == "done", done
        (command,) = await collector.wait_for("command agent.set_state")
        assert (command.trace_id, command.parent_id, command.error) == (*caller, None)
        ((proof, _),) = command.links
        (received,) = await collector.wait_for("receive gws", trace_id=proof)
        assert received.trace_id != command.trace_id
        await collector.wait_for("deliver log", trace_id=command.trace_id)
        assert await gateway.terminate() == 0, gateway.log
        assert "agent0001" not in str(collector.spans)


@pytest.mark.peers
async def test_a_slow_delivery_leads_to_its_trace(
    tmp_path: Path, http: aiohttp.ClientSession, collector: OtlpReceiver
) -> None:
    """A real Prometheus keeps the trace's id beside the delay of a sink."""
    async with (
        traced(tmp_path, http, collector, site.file_sink()) as gateway,
        prometheus(tmp_path, http, [f"127.0.0.1:{gateway.port}"]) as server,
    ):
        gateway.start()
        (exemplar, *_) = await eventually(
            lambda: server.exemplars("tieline_sink_delay_seconds_bucket"),
            "an exemplar",
            timeout_seconds=60.0,
            poll_seconds=0.5,
        )
        trace_id = exemplar["labels"]["trace_id"]
        (span, *_) = await collector.wait_for("deliver log", trace_id=trace_id)
        assert span.error is None
        assert await gateway.metric("tieline_trace_spans_total", outcome="exported") > 0
