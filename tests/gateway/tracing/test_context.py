"""The header `traceparent`, as W3C Trace Context has it."""

from __future__ import annotations

import pytest

from gateway.tracing.context import TraceContext, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-adds", True),
    ],
)
def test_a_valid_header_is_read(text: str, *, sampled: bool) -> None:
    """Of later versions what this one knows; of the flags the one that it knows."""
    assert TraceContext.parse(text) == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01 ",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"0g-{TRACE}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"\N{ARABIC-INDIC DIGIT ZERO}0-{TRACE}-{SPAN}-01",
    ],
)
def test_anything_else_counts_as_none(text: str) -> None:
    """A wrong header is ignored, never an error."""
    assert TraceContext.parse(text) is None
    assert trace_id_of(text) is None


def test_what_is_written_is_read_again() -> None:
    """Fresh ids are valid, each other ones, in the trace that is asked for."""
    one, other = TraceContext.fresh(), TraceContext.fresh()
    assert TraceContext.parse(str(one)) == one
    assert one.trace_id != other.trace_id
    child = TraceContext.fresh(one.trace_id)
    assert (child.trace_id, child.span_id != one.span_id) == (one.trace_id, True)


def test_only_a_sampled_trace_is_worth_showing() -> None:
    """An exemplar must not lead to a trace that nobody kept."""
    assert trace_id_of(f"00-{TRACE}-{SPAN}-01") == TRACE
    assert trace_id_of(f"00-{TRACE}-{SPAN}-00") is None
    assert trace_id_of(None) is None
