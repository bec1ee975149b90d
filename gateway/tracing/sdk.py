"""Spans by OpenTelemetry: the only module that imports it. Sent over OTLP by a thread of the library.

The library's queue is never full, because ours is bounded first: how many spans were left out is counted, and an event
is never kept waiting for a span. Its log records are silenced; a failing receiver is told once, by `tell`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as ApiSpan
from opentelemetry.trace import SpanKind as ApiSpanKind

from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import Attributes, OpenSpan, SpanFigures, SpanKind, SpanStart
from gateway.tracing.settings import TracesSettings

_KINDS = {
    SpanKind.INTERNAL: ApiSpanKind.INTERNAL,
    SpanKind.CONSUMER: ApiSpanKind.CONSUMER,
    SpanKind.PRODUCER: ApiSpanKind.PRODUCER,
    SpanKind.SERVER: ApiSpanKind.SERVER,
}
_BATCH_SPANS = 512
_EXPORT_EVERY_MS = 1000.0


class _Ids(RandomIdGenerator):
    """Random ids, but for a span whose ids others know already."""

    def __init__(self) -> None:
        self.wanted: TraceContext | None = None

    def generate_span_id(self) -> int:
        return int(self.wanted.span_id, 16) if self.wanted else super().generate_span_id()

    def generate_trace_id(self) -> int:
        return int(self.wanted.trace_id, 16) if self.wanted else super().generate_trace_id()


class _Gate(SpanProcessor):
    """Lets only so many spans wait. `ended` is counted by the loop, the others by the exporting thread."""

    def __init__(self, behind: SpanProcessor, figures: SpanFigures, most_waiting: int) -> None:
        self._behind = behind
        self._figures = figures
        self._most_waiting = most_waiting
        self._passed = 0

    def on_end(self, span: ReadableSpan) -> None:
        figures = self._figures
        if self._passed - figures.exported - figures.failed >= self._most_waiting:
            figures.dropped += 1
            return
        self._passed += 1
        self._behind.on_end(span)


class _Teller(SpanExporter):
    """Counts what is exported and what is not, and tells when that changes."""

    def __init__(
        self, exporter: SpanExporter, figures: SpanFigures, tell: Callable[[bool], None]
    ) -> None:
        self._exporter = exporter
        self._figures = figures
        self._tell = tell
        self._works = True
        self.ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.ended:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        works = result is SpanExportResult.SUCCESS
        if works:
            self._figures.exported += len(spans)
        else:
            self._figures.failed += len(spans)
        if works is not self._works and not self.ended:
            self._works = works
            self._tell(works)
        return result

    def shutdown(self) -> None:
        if not self.ended:
            self.end()

    def end(self) -> None:
        """Export nothing more; a pause between two attempts ends."""
        self.ended = True
        self._exporter.shutdown()


class _SdkSpan:
    def __init__(self, span: ApiSpan) -> None:
        self._span = span

    @property
    def context(self) -> TraceContext:
        """Its ids."""
        context = self._span.get_span_context()
        return TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}")

    def describe(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(dict(attributes))

    def end(self, at: datetime, *, error: str | None = None) -> None:
        """End it."""
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end(_nanoseconds(at))


class SdkRecorder:
    """A `gateway.tracing.recorder.SpanRecorder`."""

    def __init__(
        self, settings: TracesSettings, *, instance: str, version: str, tell: Callable[[bool], None]
    ) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        self._figures = SpanFigures()
        self._ids = _Ids()
        self._teller = _Teller(
            OTLPSpanExporter(
                endpoint=settings.endpoint,
                certificate_file=str(settings.ca_file) if settings.ca_file else None,
                headers={
                    name: value.get_secret_value() for name, value in settings.headers.items()
                },
                timeout=settings.timeout_seconds,
            ),
            self._figures,
            tell,
        )
        self._batches = BatchSpanProcessor(
            self._teller,
            max_queue_size=settings.queue_spans + _BATCH_SPANS,
            schedule_delay_millis=_EXPORT_EVERY_MS,
            max_export_batch_size=min(_BATCH_SPANS, settings.queue_spans),
        )
        self._gate = _Gate(self._batches, self._figures, settings.queue_spans)
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create(
                {
                    "service.name": "tieline",
                    "service.version": version,
                    "service.instance.id": instance,
                }
            ),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        provider.add_span_processor(self._gate)
        self._tracer = provider.get_tracer("tieline", version)

    @property
    def figures(self) -> SpanFigures:
        """Counts."""
        return self._figures

    def begin(self, start: SpanStart) -> OpenSpan:
        """Begin a span."""
        self._ids.wanted = start.identity
        span = self._tracer.start_span(
            start.name,
            context=_context(start.parent),
            kind=_KINDS[start.kind],
            attributes=dict(start.attributes),
            links=[Link(_remote(one)) for one in start.links],
            start_time=_nanoseconds(start.at),
        )
        self._ids.wanted = None
        return _SdkSpan(span)

    async def close(self, seconds: float) -> None:
        """Send what waits, for so long at the most."""
        if self._teller.ended:
            return
        finished = asyncio.Event()
        loop = asyncio.get_running_loop()

        def finish() -> None:
            self._batches.shutdown()  # type: ignore[no-untyped-call] # the library left it without types
            with suppress(RuntimeError):  # the loop did not wait so long
                loop.call_soon_threadsafe(finished.set)

        # Not a thread of the loop's pool: the end of the loop would wait for it, whatever the receiver does.
        threading.Thread(target=finish, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await finished.wait()
        if not self._teller.ended:
            self._teller.end()


def _context(parent: TraceContext | None) -> Context:
    """What a span is begun in: never what happens to be current."""
    if parent is None:
        return Context()
    return set_span_in_context(NonRecordingSpan(_remote(parent)), Context())


def _remote(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
