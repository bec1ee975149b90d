"""Traces: the way of an event from its platform to each receiver as spans of one trace, and that of a command.

Off unless `gateway.traces` is set. Then a share of all deliveries of feeds is sampled; their events carry the context
in `traceparent`, so it survives the journal and a restart, and every delivery to a sink joins the trace. What spans are
called and what they hold stands in `tracer.py`; OpenTelemetry is known to `sdk.py` alone, behind the protocol of
`recorder.py`. See `gateway/adr/0016-traces.md`.
"""

from gateway.tracing.context import HEADER, trace_id_of
from gateway.tracing.opening import open_tracing
from gateway.tracing.recorder import SpanFigures
from gateway.tracing.settings import TracesSettings
from gateway.tracing.sinks import traced
from gateway.tracing.tracer import FeedTrace, Tracing

__all__ = [
    "HEADER",
    "FeedTrace",
    "SpanFigures",
    "TracesSettings",
    "Tracing",
    "open_tracing",
    "trace_id_of",
    "traced",
]
