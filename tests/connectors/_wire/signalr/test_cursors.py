"""What two cursors say about the messages between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._wire.signalr.cursors import Cursor, Step, read_cursor, step


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d-D874D79B-B,14|I,0|J,1", Cursor("d-D874D79B-", {"B": 0x14, "I": 0, "J": 1})),
        ("d-0-A,FFFFFFFFFFFFFFFF", Cursor("d-0-", {"A": 2**64 - 1})),
        ("s-0,1A|1,0", Cursor("s-", {"0": 26, "1": 0})),
        (r"s-a\|b\,c\\d,1", Cursor("s-", {r"a\|b\,c\\d": 1})),
        ("d-AB-", Cursor("d-AB-", {})),
    ],
)
def test_a_cursor_is_taken_apart(text: str, expected: Cursor) -> None:
    assert read_cursor(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1480000000000", "d-", "d-AB", "d-AB-A", "d-AB-A,", "d-AB-A,G", "d-AB-A,1|B", "x-A,1"],
)
def test_what_is_no_cursor_of_a_known_form_is_none(text: str) -> None:
    assert read_cursor(text) is None


@given(st.text())
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    read_cursor(text)
    read_cursor("d-1-" + text)


def cursor(**topics: int) -> Cursor:
    return Cursor("d-1-", topics)


@pytest.mark.parametrize(
    ("old", "new", "messages", "expected"),
    [
        (cursor(A=5), cursor(A=5), 0, Step([], 0, 0, 0, restarted=False)),
        (cursor(A=9), cursor(A=11), 2, Step(["A,9", "A,A"], 0, 0, 0, restarted=False)),
        (cursor(A=1, B=4), cursor(A=2, B=5), 2, Step(["A,1", "B,4"], 0, 0, 0, restarted=False)),
        (cursor(A=1, B=4), cursor(B=5, A=2), 2, Step(["B,4", "A,1"], 0, 0, 0, restarted=False)),
        (cursor(A=0), cursor(A=1972), 10, Step(None, 1962, 0, 0, restarted=False)),
        (cursor(A=1), cursor(A=1, K=40), 0, Step([], 0, 0, 1, restarted=False)),
        (cursor(A=1, K=40), cursor(A=2), 1, Step(["A,1"], 0, 0, 1, restarted=False)),
        (cursor(A=1), cursor(A=1, K=41), 1, Step(None, 0, 1, 1, restarted=False)),
        (cursor(A=50), cursor(A=2), 2, Step(None, 0, 2, 0, restarted=True)),
        (cursor(A=50, B=1), cursor(A=2, B=2), 1, Step(None, 0, 0, 0, restarted=True)),
        (cursor(A=0), cursor(A=2**63), 1, Step(None, 2**63 - 1, 0, 0, restarted=False)),
    ],
)
def test_a_step_counts_what_came_against_what_was_passed(
    old: Cursor, new: Cursor, messages: int, expected: Step
) -> None:
    assert step(old, new, messages) == expected


@given(
    st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 30), min_size=1),
    st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 5)), max_size=12),
)
def test_names_are_the_same_however_the_frames_are_cut(
    start: dict[str, int], moves: list[tuple[str, int]]
) -> None:
    """One frame for all names the same messages as one frame for each move, and each of them once."""
    moves = [(key, count) for key, count in moves if key in start]
    position = Cursor("d-1-", dict(start))
    singly: list[str] = []
    for key, count in moves:
        following = Cursor("d-1-", position.topics | {key: position.topics[key] + count})
        found = step(position, following, count)
        assert (found.missing, found.restarted) == (0, False)
        singly += found.keys or []
        position = following
    at_once = step(Cursor("d-1-", dict(start)), position, sum(count for _, count in moves))
    assert sorted(at_once.keys or []) == sorted(singly)
    assert len(set(singly)) == len(singly)
