"""What is known of the cluster says of each event whether it is there, and marks never pass what only memory knows."""

from __future__ import annotations

from sinks.kafka.encoding import position_in
from sinks.kafka.progress import Partition, Progress

FIRST, SECOND = Partition("calls", 0), Partition("calls", 1)


def test_what_is_settled_or_was_found_is_covered() -> None:
    """A repetition never is."""
    progress = Progress("mine", settled=10, written={13})
    assert [at for at in range(8, 16) if progress.covers(at)] == [8, 9, 10, 13]
    assert not progress.covers(-9)


def test_nothing_is_known_at_first() -> None:
    """The first start of a sink."""
    progress = Progress("mine")
    assert progress.restore({})
    assert progress.settled is None
    assert not progress.covers(1)


def test_marks_are_read_back() -> None:
    """By a new process of the same gateway."""
    progress = Progress("mine")
    progress.settle(41)
    progress.passed(FIRST, 7)
    progress.passed(SECOND, 0)
    again = Progress("mine")
    assert again.restore(progress.marks())
    assert again.settled == 41
    assert again.offsets == {FIRST: 7, SECOND: 0}
    assert again.marks() == {}


def test_a_mark_before_anything_was_settled_settles_nothing() -> None:
    """It is written before the first event."""
    progress = Progress("mine")
    progress.passed(FIRST, 3)
    again = Progress("mine")
    assert again.restore(progress.marks())
    assert again.settled is None
    assert again.offsets == {FIRST: 3}


def test_another_journal_s_marks_are_none() -> None:
    """Its numbers mean other events."""
    progress = Progress("mine")
    assert not progress.restore({FIRST: (5, "yours 4"), SECOND: (5, "")})
    assert progress.settled is None
    assert progress.offsets == {}


def test_what_an_earlier_connection_knew_is_newer_than_marks() -> None:
    """It is read on from there."""
    progress = Progress("mine", settled=50, offsets={FIRST: 90})
    assert progress.restore({FIRST: (80, "mine 40"), SECOND: (3, "mine 40")})
    assert progress.settled == 50
    assert progress.offsets == {FIRST: 90, SECOND: 3}


def test_no_mark_passes_what_only_memory_knows() -> None:
    """Until everything that was found is settled; then it is forgotten and marked."""
    progress = Progress("mine", settled=10, written={13, 15})
    progress.passed(FIRST, 99)
    assert progress.marks() == {}
    progress.settle(14)
    assert progress.marks() == {}
    progress.settle(15)
    assert progress.written == set()
    assert progress.marks() == {FIRST: (99, "mine 15")}


def test_what_was_marked_is_not_marked_again() -> None:
    """Unless more was written meanwhile."""
    progress = Progress("mine", settled=1)
    progress.passed(FIRST, 5)
    progress.passed(SECOND, 5)
    marks = progress.marks()
    progress.passed(SECOND, 6)
    progress.marked(marks)
    assert progress.marks() == {SECOND: (6, "mine 1")}


def test_a_record_s_position_counts_only_in_its_own_journal() -> None:
    """Another gateway may write to the same topic."""
    assert position_in(b"mine 12", "mine") == 12
    assert position_in(b"yours 12", "mine") is None
    assert position_in(b"mine", "mine") is None
    assert position_in(b"\xff", "mine") is None
