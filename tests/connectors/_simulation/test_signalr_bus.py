"""The rings and cursors of the simulated SignalR server."""

from __future__ import annotations

import pytest

from connectors._simulation.signalr_bus import Entry, MessageBus, Topic


def filled(count: int, buffer_size: int = 1000) -> Topic:
    topic = Topic("h-hub", "A", buffer_size, 0.0)
    for number in range(count):
        topic.add(Entry(b"", number))
    return topic


@pytest.mark.parametrize(
    ("published", "kept"),
    [(1000, 1000), (1100, 1100), (1250, 1250), (1251, 1001), (3014, 1014), (3038, 1038)],
)
def test_a_ring_keeps_a_buffer_and_at_most_a_quarter_more(published: int, kept: int) -> None:
    """As observed of a genuine server: of 3,000 with 38 in the last fragment, the last 1,038 are left."""
    topic = filled(published)
    entries, after = topic.read(0, 5000)
    assert [entry.number for entry in entries] == list(range(published - kept, published))
    assert after == published


def test_what_goes_is_told_with_its_index() -> None:
    topic = filled(1250)
    evicted = topic.add(Entry(b"", 1250))
    assert [index for index, _ in evicted] == list(range(250))
    assert [entry.number for _, entry in evicted] == list(range(250))


def test_a_buffer_is_never_smaller_than_32() -> None:
    assert len(filled(40, buffer_size=1).read(0, 100)[0]) == 40


def test_a_reader_ahead_of_the_ring_is_put_at_its_end() -> None:
    assert filled(3).read(9, 10) == ([], 3)


def test_at_most_the_limit_is_read_and_the_rest_later() -> None:
    topic = filled(15)
    first, after = topic.read(0, 10)
    rest, end = topic.read(after, 10)
    assert [entry.number for entry in first + rest] == list(range(15))
    assert (after, end) == (10, 15)


def test_an_overflow_lets_the_index_jump_without_entries() -> None:
    topic = filled(5)
    assert len(topic.overflow(2000)) == 5
    topic.add(Entry(b"", 99))
    assert [entry.number for entry in topic.read(5, 10)[0]] == [99]
    assert topic.next == 2006


def test_a_cursor_names_every_topic_with_its_next_index_in_hexadecimal() -> None:
    bus = MessageBus(1000, 100)
    one, other = bus.topic("h-hub", 0), bus.topic("c-1", 0)
    cursor = bus.cursor([(one, 20), (other, 1)])
    assert cursor == f"{bus.prefix}A,14|B,1"
    assert bus.positions(cursor) == {"A": 20, "B": 1}


@pytest.mark.parametrize("cursor", ["", "d-00000000-A,1", "nonsense", "d-"])
def test_a_cursor_of_another_process_says_nothing(cursor: str) -> None:
    assert MessageBus(1000, 100).positions(cursor) == {}


def test_a_broken_cursor_of_this_process_says_nothing() -> None:
    bus = MessageBus(1000, 100)
    assert bus.positions(bus.prefix + "A,zz|") == {}


def test_short_names_go_on_after_the_alphabet() -> None:
    bus = MessageBus(1000, 100)
    names = [bus.topic(f"t{number}", 0).name for number in range(28)]
    assert names[25:] == ["Z", "AA", "AB"]


def test_an_unused_topic_is_forgotten_after_its_time() -> None:
    bus = MessageBus(1000, 100)
    bus.topic("used", 0)
    bus.topic("unused", 0)
    assert [topic.key for topic in bus.expire(101, ["used"])] == ["unused"]
    assert list(bus.topics) == ["used"]
