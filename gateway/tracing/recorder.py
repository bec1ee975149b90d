"""What the gateway asks of a tracing library: spans that are begun, described and ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from gateway.tracing.context import TraceContext

Attributes = Mapping[str, str | int | bool]


class SpanKind(Enum):
    """What a span's work is to others. Source: OpenTelemetry specification, Trace API, "SpanKind"."""

    INTERNAL = "internal"
    CONSUMER = "consumer"
    PRODUCER = "producer"
    SERVER = "server"


@dataclass(slots=True)
class SpanFigures:
    """What became of spans; each is counted once.

    Attributes:
        exported: the receiver took them.
        failed: the receiver did not take them within the time of an export.
        dropped: there was no room for them.
    """

    exported: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanStart:
    """How a span begins.

    Attributes:
        name: few different ones: no ids in it.
        kind: see `SpanKind`.
        at: when it began, which may be long ago.
        parent: of the same trace; None for the first span of a trace.
        identity: the ids that it shall have, because others know them already; in the trace of `parent`.
        attributes: no personal data, no secrets.
        links: spans of other traces that it has to do with.
    """

    name: str
    kind: SpanKind
    at: datetime
    parent: TraceContext | None = None
    identity: TraceContext | None = None
    attributes: Attributes = field(default_factory=dict)
    links: Sequence[TraceContext] = ()


class OpenSpan(Protocol):
    """A span that has begun."""

    @property
    def context(self) -> TraceContext:
        """How others refer to it."""
        ...

    def describe(self, attributes: Attributes) -> None:
        """Add attributes; not after `end`."""
        ...

    def end(self, at: datetime, *, error: str | None = None) -> None:
        """It is over; with `error`, a bounded word, because it failed. Called once."""
        ...


class SpanRecorder(Protocol):
    """Records spans and hands them on behind everybody's back. Belongs to one event loop."""

    @property
    def figures(self) -> SpanFigures:
        """Counts; the same object all the time."""
        ...

    def begin(self, start: SpanStart) -> OpenSpan:
        """Begin a span."""
        ...

    async def close(self, seconds: float) -> None:
        """Hand on what waits, for so long at the most; the rest is dropped. Idempotent."""
        ...
