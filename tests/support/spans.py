"""A recorder of spans that keeps them, for tests of what is traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.tracing.context import TraceContext
from gateway.tracing.recorder import Attributes, SpanFigures, SpanKind


@dataclass
class KeptSpan:
    """One span; `ended` is None until it is."""

    name: str
    kind: SpanKind
    context: TraceContext
    parent: TraceContext | None
    attributes: dict[str, str | int | bool]
    links: Sequence[TraceContext]
    began: datetime
    ended: datetime | None = None
    error: str | None = None

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

    def begin(
        self,
        name: str,
        kind: SpanKind,
        *,
        at: datetime,
        parent: TraceContext | None = None,
        identity: TraceContext | None = None,
        attributes: Attributes,
        links: Sequence[TraceContext] = (),
    ) -> KeptSpan:
        """Begin and keep a span."""
        context = identity or TraceContext.fresh(parent.trace_id if parent else None)
        span = KeptSpan(name, kind, context, parent, dict(attributes), tuple(links), at)
        self.spans.append(span)
        return span

    async def close(self, seconds: float) -> None:
        """Remember that it was closed."""
        assert seconds > 0
        self.closed = True

    def named(self, name: str) -> list[KeptSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]
