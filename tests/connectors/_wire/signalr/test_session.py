"""The state machine: names, gaps, and what is given up."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._wire.signalr.buffer import ArrivalBuffer
from connectors._wire.signalr.frames import Frame, UnreadableFrame, read_frame
from connectors._wire.signalr.session import SignalRSession
from connectors._wire.signalr.values import (
    Arrival,
    Gap,
    Invocation,
    Loss,
    Negotiated,
    SignalRResume,
    Transport,
)
from gateway.errors import NotConnected, Reason

NEGOTIATED = Negotiated(connection_id="id-1", token="secret")


def begun(cursor: str = "d-1-A,0|B,0", **options: Any) -> SignalRSession:
    """A session that is connected at time 100."""
    session = SignalRSession("https://host/signalr", ["hub"], **options)
    session.begin(NEGOTIATED, Transport.WEB_SOCKETS, 100.0)
    assert session.take(Frame(cursor=cursor, initialized=True), 100.0).arrival is None
    return session


def frame(cursor: str, *values: Any, **more: Any) -> Frame:
    entries = tuple({"H": "hub", "M": "on", "A": [value]} for value in values)
    return Frame(cursor=cursor, entries=entries, **more)


def arrival(session: SignalRSession, item: Frame, now: float = 101.0) -> Arrival:
    found = session.take(item, now).arrival
    assert found is not None
    return found


def test_messages_are_named_by_topic_and_index() -> None:
    session = begun()
    found = arrival(session, frame("d-1-A,2|B,1", "x", "y", "z"))
    assert found.messages[2] == Invocation("hub", "on", ["z"], "d-1-A,2|B,1", 2, "B,0")
    assert [m.key for m in found.messages] == ["A,0", "A,1", "B,0"]
    assert found.resume.cursor == "d-1-A,2|B,1"
    assert found.resume.seen_at == 101.0


def test_messages_that_the_cursor_does_not_name_are_counted() -> None:
    session = begun("1480000000000")
    keys = [m.key for m in arrival(session, frame("1480000000001", "x", "y")).messages]
    kept = arrival(session, frame("1480000000001", "z")).resume
    assert keys == ["#1", "#2"]
    session.restore(kept)
    assert [m.key for m in arrival(session, frame("", "w")).messages] == ["#4"]


def test_what_is_no_invocation_is_handed_on_as_it_is() -> None:
    session = begun()
    item = Frame(cursor="d-1-A,3|B,0", entries=(7, {"H": 1, "M": "x"}, {"I": "P|1", "P": {}}))
    messages = arrival(session, item).messages
    assert [(m.hub, m.method) for m in messages] == [("", "")] * 3
    assert messages[0].args == [7]


@pytest.mark.parametrize(
    ("cursor", "values", "more", "missing"),
    [
        ("d-1-A,2|B,0", "xy", {}, None),
        ("d-1-A,3|B,0", "xy", {}, 1),
        ("d-1-A,7B4|B,0", "x" * 10, {}, 1962),
        ("d-1-A,1|B,1", "x", {"groups_token": "g"}, None),
        ("d-1-A,1|B,1|K,5", "x", {}, None),
        ("d-1-A,1|B,64", "x", {"groups_token": "g"}, None),
        ("d-1-A,1|B,7D0", "x", {"groups_token": "g"}, 1900),
        ("d-1-B,1", "x", {}, None),
    ],
)
def test_a_cursor_that_runs_ahead_is_a_gap_unless_groups_explain_it(
    cursor: str, values: str, more: dict[str, Any], missing: int | None
) -> None:
    found = arrival(begun(), frame(cursor, *values, **more))
    expected = None if missing is None else Gap(Loss.BUFFER_FULL, 100.0, 101.0, missing)
    assert found.gap == expected
    assert len(found.messages) == len(values)


def test_cursors_behind_a_backplane_and_by_choice_are_not_counted() -> None:
    assert arrival(begun("s-0,1"), frame("s-0,99", "x")).gap is None
    uncounted = begun(count_messages=False)
    assert arrival(uncounted, frame("d-1-A,9|B,0", "x")).gap is None


def test_a_gap_without_messages_is_told_at_once() -> None:
    found = arrival(begun(), frame("d-1-A,9|B,0"))
    assert (found.messages, found.gap) == ([], Gap(Loss.BUFFER_FULL, 100.0, 101.0, 9))


def test_a_topic_that_begins_anew_is_a_gap_and_its_names_are_new() -> None:
    session = begun("d-1-A,50")
    first = arrival(session, frame("d-1-A,51", "x"))
    again = arrival(session, frame("d-1-A,1", "y"))
    assert again.gap is not None
    later = arrival(session, frame("d-1-A,51", *range(0x50)))
    keys = [m.key for found in (first, again, later) for m in found.messages]
    assert len(set(keys)) == len(keys)


def test_a_frame_that_comes_twice_is_taken_once() -> None:
    session = begun()
    arrival(session, frame("d-1-A,1|B,0", "x"))
    arrival(session, frame("d-1-A,2|B,0", "y"))
    assert session.take(frame("d-1-A,2|B,0", "y"), 101.0).arrival is None
    assert session.take(frame("d-1-A,1|B,0", "x"), 101.0).arrival is None
    assert session.duplicates == 2
    assert session.cursor == "d-1-A,2|B,0"


def test_messages_that_stand_twice_in_a_frame_are_taken_once() -> None:
    session = begun()
    messages = arrival(session, frame("d-1-A,2|B,0", "x", "x", "y", "y")).messages
    assert [(m.key, m.args) for m in messages] == [("A,0", ["x"]), ("A,1", ["y"])]
    assert session.duplicates == 2
    alike = arrival(session, frame("d-1-A,4|B,0", "z", "z")).messages
    assert [m.key for m in alike] == ["A,2", "A,3"]


@pytest.mark.parametrize("cursor", ["d-2-A,0|B,0", "s-0,1", "1480000000000"])
def test_a_frame_of_another_process_ends_the_connection_for_good(cursor: str) -> None:
    session = begun()
    kept = session.resume_state()
    with pytest.raises(NotConnected) as caught:
        session.take(frame(cursor, "x"), 101.0)
    assert caught.value.reason is Reason.SESSION_LOST
    assert session.judge(kept, 101.0) is Loss.SERVER_RESTARTED


@pytest.mark.parametrize("item", [Frame(error="over"), Frame(disconnect=True)])
def test_a_connection_that_the_server_ends_is_not_resumed(item: Frame) -> None:
    session = begun()
    kept = session.resume_state()
    with pytest.raises(NotConnected):
        session.take(item, 101.0)
    assert session.judge(kept, 101.0) is Loss.SESSION_LOST


@pytest.mark.parametrize(
    ("change", "now", "verdict"),
    [
        ({}, 100.0, None),
        ({}, 126.9, None),
        ({}, 127.1, Loss.EXPIRED),
        ({}, 96.0, None),
        ({}, 90.0, Loss.EXPIRED),
        ({"hubs": ("HUB",)}, 101.0, None),
        ({"hubs": ("hub", "b")}, 101.0, Loss.CHANGED),
        ({"identity": "b"}, 101.0, Loss.CHANGED),
        ({"base_url": "https://b/signalr"}, 101.0, Loss.CHANGED),
    ],
)
def test_a_kept_connection_is_judged_before_it_is_used(
    change: dict[str, Any], now: float, verdict: Loss | None
) -> None:
    kept = msgspec.structs.replace(begun().resume_state(), **change)
    session = SignalRSession("https://host/signalr", ["hub"])
    assert session.judge(kept, now) is verdict


def test_slowness_shows_before_silence_is_over() -> None:
    session = begun()
    assert not session.is_slow(113.0)
    assert session.is_slow(113.5)
    session.heard(113.5)
    assert not session.is_slow(114.0)


def test_the_resume_state_survives_json_and_hides_its_secrets() -> None:
    session = begun()
    kept = session.resume_state()
    assert msgspec.json.decode(msgspec.json.encode(kept), type=SignalRResume) == kept
    assert "secret" not in repr(kept)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["d-1-A,1", "d-1-A,5|B,2", "d-2-A,0", "s-1,1", "7", "", "d-1-"]),
            st.lists(
                st.none() | st.integers() | st.dictionaries(st.sampled_from("HMA"), st.text())
            ),
            st.dictionaries(st.sampled_from("SGTLDEI"), st.integers() | st.text() | st.booleans()),
        )
    )
)
def test_no_frames_in_any_order_make_it_stumble_or_name_two_messages_alike(
    frames: list[tuple[str, list[Any], dict[str, Any]]],
) -> None:
    session = SignalRSession("https://host/signalr", ["hub"])
    session.begin(NEGOTIATED, Transport.LONG_POLLING, 100.0)
    keys: list[str] = []
    for cursor, entries, more in frames:
        try:
            taken = session.take(read_frame(json.dumps({"C": cursor, "M": entries, **more})), 101.0)
        except UnreadableFrame:
            continue
        except NotConnected:
            break
        if taken.arrival is not None:
            keys += [message.key for message in taken.arrival.messages]
    assert len(set(keys)) == len(keys)


def waiting(*arrivals: Arrival, most: int = 100) -> ArrivalBuffer:
    buffer = ArrivalBuffer(max_messages=10, max_bytes=1_000, max_batch_messages=most)
    for item in arrivals:
        buffer.put(item, 100)
    return buffer


def test_arrivals_are_joined_up_to_a_gap_and_renewals_into_what_waits() -> None:
    session = begun()
    one = arrival(session, frame("d-1-A,1|B,0", "x"))
    two = arrival(session, frame("d-1-A,2|B,0", "y"))
    lost = arrival(session, frame("d-1-A,9|B,0", "z"))
    session.heard(105.0)
    buffer = waiting(one, two, lost, session.checkpoint())
    first, second = buffer.take(), buffer.take()
    assert [m.args for m in first.messages] == [["x"], ["y"]]
    assert (first.gap, first.resume) == (None, two.resume)
    assert second.gap == lost.gap
    assert second.resume.seen_at == 105.0
    assert not buffer


def test_a_full_buffer_says_so_and_batches_are_bounded() -> None:
    session = begun()
    arrivals = [arrival(session, frame(f"d-1-A,{n:X}|B,0", n)) for n in range(1, 10)]
    buffer = waiting(*arrivals, most=4)
    assert buffer.has_room
    buffer.put(arrival(session, frame("d-1-A,A|B,0", 10)), 100)
    assert not buffer.has_room
    assert [len(buffer.take().messages) for _ in range(3)] == [4, 4, 2]
    assert buffer.has_room
