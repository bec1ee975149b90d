"""How arrivals are joined into batches."""

from __future__ import annotations

from connectors._wire.bayeux.buffer import ArrivalBuffer
from connectors._wire.bayeux.values import (
    Arrival,
    BayeuxResume,
    Event,
    Gap,
    Mark,
    SubscriptionRefused,
)
from gateway.errors import Reason

LOST = Gap(Reason.SESSION_LOST, 1.0, 2.0)


def arrival(
    *ordinals: int, client_id: str = "c1", gap: Gap | None = None, refused: str = ""
) -> Arrival:
    return Arrival(
        [Event("/e", f"{client_id}-{ordinal}", ordinal) for ordinal in ordinals],
        Mark(client_id, ordinal=max(ordinals, default=0)),
        BayeuxResume(client_id, ordinal=max(ordinals, default=0)),
        gap,
        (SubscriptionRefused(refused, "403::no"),) if refused else (),
    )


def filled(*arrivals: Arrival, max_batch_messages: int = 100) -> ArrivalBuffer:
    buffer = ArrivalBuffer(max_messages=4, max_bytes=100, max_batch_messages=max_batch_messages)
    for item in arrivals:
        buffer.put(item, 10)
    return buffer


def test_arrivals_of_one_session_become_one_with_the_latest_state() -> None:
    buffer = filled(arrival(1, 2, refused="/a"), arrival(3, refused="/b"))
    joined = buffer.take()
    assert [event.ordinal for event in joined.events] == [1, 2, 3]
    assert (joined.mark.ordinal, joined.resume.ordinal) == (3, 3)
    assert [item.channel for item in joined.refused] == ["/a", "/b"]
    assert not buffer


def test_a_gap_lies_before_the_events_that_follow_it_and_stays_with_them() -> None:
    buffer = filled(arrival(1), arrival(2, gap=LOST), arrival(3))
    assert buffer.take().gap is None
    after = buffer.take()
    assert [event.ordinal for event in after.events] == [2, 3]
    assert after.gap is LOST


def test_events_of_two_sessions_are_never_joined() -> None:
    buffer = filled(arrival(5), arrival(1, client_id="c2"))
    assert [buffer.take().mark.client_id, buffer.take().mark.client_id] == ["c1", "c2"]


def test_a_batch_grows_no_further_than_its_bound() -> None:
    buffer = filled(arrival(1), arrival(2), arrival(3), max_batch_messages=2)
    assert [len(buffer.take().events), len(buffer.take().events)] == [2, 1]


def test_room_is_counted_in_events_and_in_bytes_and_comes_back() -> None:
    buffer = filled(arrival(1, 2, 3))
    assert buffer.has_room
    buffer.put(arrival(4), 10)
    assert not buffer.has_room
    buffer.take()
    assert buffer.has_room
    buffer.put(arrival(5), 100)
    assert not buffer.has_room
    buffer.clear()
    assert buffer.has_room
