"""A recorder of spans that keeps them, for tests of what is traced."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import Attributes, SpanFigures, SpanStart


@dataclass
class KeptSpan:
    """One span; `ended` is None until it is."""

    start: SpanStart
    context: TraceContext
    attributes: dict[str, str | int | bool]
    ended: datetime | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.start.name

    @property
    def parent(self) -> TraceContext | None:
        """Its parent."""
        return self.start.parent

    def describe(self, attributes: Attributes) -> None:
        """Add attributes, as long as it is open."""
        assert self.ended is None
        self.attributes |= attributes

    def end(self, at: datetime, *, error: str | None = None) -> None:
        """End it, once."""
        assert self.ended is None
        self.ended = at
        self.error = error


@dataclass
class KeptSpans:
    """A `gateway.tracing.recorder.SpanRecorder`; `spans` in the order in which they began."""

    spans: list[KeptSpan] = field(default_factory=list)
    figures: SpanFigures = field(default_factory=SpanFigures)
    closed: bool = False

    def begin(self, start: SpanStart) -> KeptSpan:
        """Begin and keep a span."""
        trace_id = start.parent.trace_id if start.parent else None
        span = KeptSpan(
            start, start.identity or TraceContext.fresh(trace_id), dict(start.attributes)
        )
        self.spans.append(span)
        return span

    async def close(self, seconds: float) -> None:
        """Remember that it was closed."""
        assert seconds > 0
        self.closed = True

    def named(self, name: str) -> list[KeptSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]
