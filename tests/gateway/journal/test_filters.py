from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal.filters import COLUMNS, Filter, Planes

FILTERS = COLUMNS + 2
"""More than one plane holds."""


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, FILTERS), st.binary(min_size=16, max_size=16)), max_size=60)
)
def test_no_id_is_ever_forgotten(added: list[tuple[int, bytes]]) -> None:
    """Each id is a candidate in the generation that it was added to, also after each filter was saved and loaded."""
    planes, again = Planes(), Planes()
    filters = [planes.new(number) for number in range(1, FILTERS + 1)]
    for number, key in added:
        filters[number - 1].add([key])
    for number, one in enumerate(filters, 1):
        again.new(number).load(one.saved())
    for tested in (planes, again):
        found = tested.candidates([key for _, key in added])
        assert set(added) <= set(found)


def test_a_full_filter_rarely_errs_and_its_neighbours_know_nothing_of_it() -> None:
    """Of a hundred thousand strangers very few are candidates; an id is one in its own generation only."""
    generator = random.Random(5)
    mine = [generator.randbytes(16) for _ in range(100_000)]
    others = [generator.randbytes(16) for _ in range(100_000)]
    planes = Planes()
    filters = [planes.new(number) for number in range(1, COLUMNS + 1)]
    filters[3].add(mine)
    assert planes.candidates(mine) == [(4, key) for key in mine]
    assert len(planes.candidates(others)) < 100


def test_a_column_that_is_free_again_is_empty() -> None:
    """The generation that takes it over knows none of the ids of the one before."""
    planes = Planes()
    first: Filter = planes.new(1)
    second = planes.new(2)
    first.add([b"a" * 16])
    second.add([b"b" * 16])
    first.leave()
    assert planes.new(3).plane is second.plane
    assert planes.candidates([b"a" * 16, b"b" * 16]) == [(2, b"b" * 16)]
