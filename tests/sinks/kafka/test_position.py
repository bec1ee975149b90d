"""What the cluster remembers is read back as it was written, and only by its own journal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Reason
from sinks.kafka.position import REFUSALS_LIMIT, Held, held, metadata

POSITIONS = st.integers(min_value=1, max_value=2**63 - 1)
REFUSED = st.dictionaries(POSITIONS, st.sampled_from(Reason), max_size=REFUSALS_LIMIT)


@given(POSITIONS, REFUSED)
def test_what_was_committed_is_read_back(position: int, refused: dict[int, Reason]) -> None:
    """Position and refusals, and never more than the brokers take."""
    text = metadata("0b8e9a52-8a4c-4b0e-8f0a-2f1f3c6b7d11", refused)
    assert len(text) <= 4096
    assert held("0b8e9a52-8a4c-4b0e-8f0a-2f1f3c6b7d11", (position, text)) == Held(position, refused)


def test_another_journal_s_position_is_none() -> None:
    """Its numbers mean other events."""
    assert held("mine", (5, metadata("yours", {}))) is None
    assert held("mine", (5, "")) is None


def test_no_commit_is_no_position() -> None:
    """The first start of a sink."""
    nothing = held("mine", None)
    assert nothing is not None
    assert nothing.certain is None
    assert not nothing.covers(1)


def test_refusals_that_may_be_forgotten_hold_the_position_back() -> None:
    """Everything is covered, but only what is before the first refusal is certain."""
    known = Held(20, {12: Reason.TOO_LARGE, 15: Reason.INVALID})
    assert known.certain == 11
    assert known.covers(20)
    assert not known.covers(21)
