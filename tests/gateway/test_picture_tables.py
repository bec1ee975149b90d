"""Tables of the picture, read in pages while they change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.picture_tables import Key, Table


def keys_of(table: Table[str], limit: int, *, wanted: str = "") -> list[str]:
    """All entries that hold `wanted`, read page by page."""
    found: list[str] = []
    after: Key | None = None
    while True:
        entries, after = table.page(after, limit, lambda entry: wanted in entry)
        assert len(entries) <= limit
        found += entries
        if after is None:
            return found


def filled(*names: str, limit: int = 100) -> Table[str]:
    table: Table[str] = Table(limit)
    for name in names:
        table.put(("c", name), name)
    return table


def test_pages_follow_each_other_in_the_order_of_keys() -> None:
    """Whatever the page's size; the last one says that there are no more."""
    table = filled("d", "a", "c", "b", "e")
    for limit in (1, 2, 5, 10):
        assert keys_of(table, limit) == ["a", "b", "c", "d", "e"]
    assert table.page(None, 5, lambda _: True) == (["a", "b", "c", "d", "e"], None)


def test_a_page_holds_only_what_is_wanted() -> None:
    """And the next page is told only if something wanted is on it."""
    table = filled("a1", "b2", "c1", "d2")
    assert keys_of(table, 1, wanted="1") == ["a1", "c1"]
    assert table.page(None, 2, lambda entry: "1" in entry) == (["a1", "c1"], None)


def test_a_page_judges_no_more_entries_than_it_may() -> None:
    """Then it goes on behind the last one that it judged, wanted or not."""
    table = filled("a1", "b2", "c2", "d1", "e2")
    judged: list[str] = []

    def wanted(entry: str) -> bool:
        judged.append(entry)
        return "1" in entry

    first, after = table.page(None, 10, wanted, look_at=3)
    assert (first, after, judged) == (["a1"], ("c", "c2"), ["a1", "b2", "c2"])
    assert table.page(after, 10, wanted, look_at=3) == (["d1"], None)


def test_a_page_behind_a_key_that_has_gone_begins_at_the_next() -> None:
    """An agent may disappear between two pages."""
    table = filled("a", "b", "c")
    _, after = table.page(None, 2, lambda _: True)
    table.pop(("c", "b"))
    assert table.page(after, 2, lambda _: True) == (["c"], None)


def test_entries_that_are_there_all_the_time_are_read_once_however_much_changes_between_pages() -> (
    None
):
    """What comes or goes meanwhile may be missed; nothing else is, and nothing is read twice."""
    table = filled("b", "d", "f")
    first, after = table.page(None, 1, lambda _: True)
    for name in ("a", "c", "e"):
        table.put(("c", name), name)
    table.put(("c", "f"), "f")
    rest, _ = table.page(after, 10, lambda _: True)
    assert (first, rest) == (["b"], ["c", "d", "e", "f"])


def test_the_entry_touched_least_recently_gives_way() -> None:
    """And is no longer on any page."""
    table = filled("a", "b", limit=2)
    table.put(("c", "a"), "a")
    assert keys_of(table, 5) == ["a", "b"]
    table.put(("c", "c"), "c")
    assert keys_of(table, 5) == ["a", "c"]
    assert table.evicted == 1


def test_many_changes_without_a_reader_leave_no_trace() -> None:
    """What is remembered for the order of keys is bounded by the table itself."""
    table = filled(limit=10)
    assert keys_of(table, 5) == []
    for number in range(1_000):
        table.put(("c", str(number)), str(number))
        table.pop(("c", str(number)))
    assert len(table._added) <= 10
    assert keys_of(table, 5) == []
    for number in range(1_000):
        table.put(("c", str(number)), str(number))
        table.pop(("c", str(number)))
        assert keys_of(table, 5) == []
    assert table._order is not None
    assert len(table._order) <= 10
    table.put(("c", "z"), "z")
    assert keys_of(table, 5) == ["z"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "put", "pop", "read", "clear"]), st.integers(0, 12)),
        max_size=60,
    )
)
def test_pages_are_what_the_table_holds(steps: list[tuple[str, int]]) -> None:
    """After any series of changes and readings."""
    table: Table[int] = Table(8)
    held: dict[int, None] = {}
    for step, number in steps:
        if step == "put":
            table.put(("c", f"{number:02}"), number)
            held.pop(number, None)
            held[number] = None
            if len(held) > 8:
                del held[next(iter(held))]
        elif step == "pop":
            table.pop(("c", f"{number:02}"))
            held.pop(number, None)
        elif step == "clear":
            table.clear()
            held.clear()
        else:
            assert table.page(None, 100, lambda _: True)[0] == sorted(held)
    assert table.page(None, 100, lambda _: True)[0] == sorted(held)
    assert list(table.values()) == list(held)
