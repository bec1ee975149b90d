"""The context of a trace as text. Pure.

Source: W3C Trace Context (Recommendation), sections 3.2 "Traceparent Header" and 3.2.4 "Versioning of traceparent".
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple, Self

HEADER = "traceparent"
SAMPLED = 0x01

_VERSION_0 = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LATER = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


class TraceContext(NamedTuple):
    """One span as others refer to it. The ids are lower-case hexadecimal, 32 and 16 digits."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The context, or None: what does not follow the standard is ignored, as the standard asks."""
        match = _VERSION_0.fullmatch(text)
        if match is None and not text.startswith("00"):
            match = _LATER.fullmatch(text)
        if match is None:
            return None
        trace_id, span_id, flags = match.groups()
        if not int(trace_id, 16) or not int(span_id, 16):
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & SAMPLED))

    @classmethod
    def fresh(cls, trace_id: str | None = None) -> Self:
        """A sampled context with ids that nobody has had, in this trace if one is given."""
        return cls(trace_id or secrets.token_hex(16), secrets.token_hex(8))

    def __str__(self) -> str:
        """As `traceparent` has it."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The id of the trace, None if the text is no sampled context."""
    context = TraceContext.parse(traceparent) if traceparent else None
    return context.trace_id if context is not None and context.sampled else None
