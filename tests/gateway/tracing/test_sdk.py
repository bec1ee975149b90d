"""Spans by OpenTelemetry, to a real receiver of OTLP over a real socket."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.tracing import TracesSettings, open_tracing
from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import SpanKind, SpanStart
from gateway.tracing.sdk import SdkRecorder
from tests.support.clock import LeapingClock
from tests.support.events import BEGIN
from tests.support.otlp import OtlpReceiver
from tests.support.processes import eventually, free_port

BEGIN_NS = int(BEGIN.timestamp()) * 10**9


class Told:
    """What is told about exports, from the thread that exports."""

    def __init__(self) -> None:
        self.works: list[bool] = []


@asynccontextmanager
async def recording(
    url: str, told: Told | None = None, **settings: Any
) -> AsyncIterator[SdkRecorder]:
    """A recorder that is closed in the end."""
    recorder = SdkRecorder(
        TracesSettings.model_validate({"endpoint": url, **settings}),
        instance="test",
        version="1",
        tell=(told or Told()).works.append,
    )
    try:
        yield recorder
    finally:
        await recorder.close(10.0)


def span(recorder: SdkRecorder, name: str = "a", **more: Any) -> TraceContext:
    """Record one."""
    one = recorder.begin(
        SpanStart(name=name, kind=SpanKind.CONSUMER, at=BEGIN, attributes={"number": 1}, **more)
    )
    one.describe({"text": "ü", "flag": True})
    one.end(BEGIN + timedelta(seconds=1))
    return one.context


async def test_a_span_arrives_as_it_was_recorded() -> None:
    """Ids, times, attributes and links, and who sends it."""
    async with OtlpReceiver() as receiver:
        parent, link = TraceContext.fresh(), TraceContext.fresh()
        async with recording(receiver.url) as recorder:
            root = span(recorder)
            child = span(recorder, "b", parent=parent, links=[link])
        one, other = receiver.spans
        assert (one.name, one.kind, one.parent_id, one.error) == ("a", "consumer", "", None)
        assert (one.trace_id, one.span_id) == (root.trace_id, root.span_id)
        assert (one.start_ns, one.end_ns) == (BEGIN_NS, BEGIN_NS + 10**9)
        assert one.attributes == {"number": 1, "text": "ü", "flag": True}
        assert one.resource["service.name"] == "tieline"
        assert one.resource["service.instance.id"] == "test"
        assert child.trace_id == other.trace_id == parent.trace_id
        assert other.parent_id == parent.span_id
        assert other.links == ((link.trace_id, link.span_id),)
        assert recorder.figures.exported == 2


async def test_a_span_gets_the_ids_that_others_know() -> None:
    """With and without a parent, and the next one has ids of its own again."""
    async with OtlpReceiver() as receiver:
        identity = TraceContext.fresh()
        parent = TraceContext.fresh(identity.trace_id)
        async with recording(receiver.url) as recorder:
            assert span(recorder, identity=identity) == identity
            assert span(recorder, parent=parent, identity=identity) == identity
            assert span(recorder).trace_id != identity.trace_id
        assert [one.parent_id for one in receiver.spans] == ["", parent.span_id, ""]


async def test_a_failure_is_a_word_and_a_status() -> None:
    """As the conventions have it."""
    async with OtlpReceiver() as receiver:
        async with recording(receiver.url) as recorder:
            one = recorder.begin(SpanStart(name="a", kind=SpanKind.PRODUCER, at=BEGIN))
            one.end(BEGIN, error="timeout")
        (seen,) = receiver.spans
        assert (seen.error, seen.attributes["error.type"]) == ("timeout", "timeout")


async def test_headers_go_along() -> None:
    """A receiver that wants to know who sends."""
    async with OtlpReceiver() as receiver:
        async with recording(receiver.url, headers={"Authorization": "Bearer sesame"}) as recorder:
            span(recorder)
        assert {headers["Authorization"] for headers in receiver.headers} == {"Bearer sesame"}


async def test_what_does_not_fit_is_left_out_and_counted() -> None:
    """A receiver that hangs costs spans: recording one is never kept waiting."""
    async with OtlpReceiver() as receiver:
        receiver.hanging = True
        async with recording(receiver.url, queue_spans=10) as recorder:
            for _ in range(25):
                span(recorder)
            assert recorder.figures.dropped == 15
            receiver.release()
            await eventually(
                lambda: recorder.figures.exported == 10, "what was kept", timeout_seconds=30.0
            )
            span(recorder)
            await eventually(
                lambda: len(receiver.spans) == 11, "what came later", timeout_seconds=30.0
            )


async def test_a_failing_receiver_is_told_once_and_so_is_its_end() -> None:
    """Not with every batch, and what it refused is counted."""
    told = Told()
    async with OtlpReceiver() as receiver:
        receiver.status = 401
        async with recording(receiver.url, told) as recorder:
            for failed in (1, 2):
                span(recorder)
                await eventually(
                    lambda failed=failed: recorder.figures.failed == failed,
                    "a failure",
                    timeout_seconds=30.0,
                )
            receiver.status = 200
            span(recorder)
            await eventually(lambda: len(told.works) == 2, "a success", timeout_seconds=30.0)
        assert told.works == [False, True]
        assert (recorder.figures.failed, recorder.figures.exported) == (2, 1)


async def test_a_receiver_that_hangs_does_not_hold_up_the_end() -> None:
    """What it has not taken by then is given up."""
    async with OtlpReceiver() as receiver:
        receiver.hanging = True
        recorder = SdkRecorder(
            TracesSettings(endpoint=receiver.url, timeout_seconds=60),
            instance="test",
            version="1",
            tell=Told().works.append,
        )
        span(recorder)
        await eventually(lambda: receiver.headers, "the request that hangs", timeout_seconds=30.0)
        # Far less than the 60 s that the exporter would wait for an answer.
        async with asyncio.timeout(30):
            await recorder.close(0.1)
            await recorder.close(0.1)
        assert receiver.spans == []


async def test_a_receiver_that_is_not_there_is_no_error_for_anybody() -> None:
    """The spans are counted as failed; nothing is raised, and nothing is logged by the library."""
    told = Told()
    async with recording(
        f"http://127.0.0.1:{free_port()}/v1/traces", told, timeout_seconds=0.5
    ) as recorder:
        span(recorder)
        await eventually(lambda: recorder.figures.failed == 1, "a failure", timeout_seconds=30.0)
    assert told.works == [False]


def opened(**settings: Any) -> None:
    values = {"endpoint": "http://127.0.0.1:1/v1/traces", **settings}
    open_tracing(
        TracesSettings.model_validate(values),
        instance="test",
        version="1",
        clock=LeapingClock(),
        tell=Told().works.append,
    )


def test_without_the_packages_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asks for traces and has no OpenTelemetry."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        opened()
    assert "tieline[otel]" in caught.value.hint


def test_a_variable_that_turns_the_library_off_is_a_contradiction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Better than traces of which every id is zero."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "TRUE")
    with pytest.raises(ConfigError, match="OTEL_SDK_DISABLED"):
        opened()


def test_certificates_that_are_not_there_stop_the_start(tmp_path: Path) -> None:
    """They would be missed at the first export only."""
    with pytest.raises(ConfigError, match="ca_file"):
        opened(ca_file=tmp_path / "none.pem")


def test_the_gateway_runs_without_the_packages() -> None:
    """The base installation has none of them: nothing loads OpenTelemetry before somebody wants traces."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None; sys.modules['google.protobuf'] = None;"
        "import gateway.app, gateway.cli, config"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.returncode, done.stderr) == (0, "")
