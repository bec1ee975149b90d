"""Which events wait for which, how long, and what becomes of those that wait too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.contracts import Held, HoldLimits, Setback
from gateway.delivery.holding import Change, Holding
from gateway.errors import Reason
from gateway.events import StoredEvent
from tests.contract.sink_suite import stored

START = datetime(2026, 1, 2, tzinfo=UTC)
FAILS = Setback(reason=Reason.SERVER_ERROR, message="it answered 500")
LIMITS = HoldLimits(
    retry_seconds=100.0,
    order_seconds=300.0,
    base_seconds=10.0,
    cap_seconds=40.0,
    most_events=5,
    most_bytes=1 << 20,
)


def longest(_low: float, high: float) -> float:
    """Jitter at its most, so that waits can be told beforehand."""
    return high


def wall(now: float) -> datetime:
    return START + timedelta(seconds=now)


def holding_of(*events: tuple[StoredEvent, Setback | None], **limits: float) -> Holding:
    holding = Holding(LIMITS if not limits else HoldLimits(**limits), longest)  # type: ignore[arg-type]  # numbers only
    holding.hold(events, 0.0, wall(0.0))
    return holding


def due(holding: Holding, now: float) -> list[int]:
    """Positions that may be offered now; they are under way from here on."""
    return [one.event.position for one in holding.take_due(now, 10)]


def fail_until_buried(holding: Holding, now: float = 0.0) -> tuple[float, Change]:
    """Offer the first event whenever it is due, always in vain."""
    while True:
        now += holding.seconds_to_next(now) or 0.0
        (one, *_) = holding.take_due(now, 1)
        change = holding.failed(one, FAILS, now, wall(now))
        if change.burials:
            return now, change


def test_only_the_first_event_of_a_key_is_offered_and_only_after_its_pause() -> None:
    holding = holding_of((stored(1, key="a"), FAILS), (stored(2, key="a"), None))
    assert "a" in holding
    assert due(holding, 9.9) == []
    assert due(holding, 10.0) == [1]
    assert due(holding, 99.0) == []


def test_pauses_between_attempts_grow_to_their_bound_and_honour_the_receiver() -> None:
    holding = holding_of((stored(1), FAILS), base_seconds=10.0, cap_seconds=40.0)
    now, pauses = 0.0, []
    for _ in range(4):
        pauses.append(holding.seconds_to_next(now))
        now += pauses[-1] or 0.0
        (one,) = holding.take_due(now, 1)
        holding.failed(one, FAILS, now, wall(now))
    assert pauses == [10.0, 20.0, 40.0, 40.0]
    (one,) = holding.take_due(now + 40, 1)
    asked = Setback(reason=Reason.RATE_LIMITED, message="wait", retry_after_seconds=70.0)
    holding.failed(one, asked, 0.0, wall(0.0))
    assert (holding.seconds_to_next(0.0) or 0.0) >= 70.0


def test_after_a_delivery_the_next_of_the_key_goes_at_once_with_attempts_of_its_own() -> None:
    holding = holding_of((stored(1), FAILS), (stored(2), None))
    (one,) = holding.take_due(10.0, 1)
    change = holding.delivered(one, 10.0)
    assert (change.released, change.recovered) == ([1], ["call-1"])
    assert due(holding, 10.0) == [2]
    assert holding.keys(10.0, wall(10.0))[0].attempts == 0


def test_a_key_whose_events_are_all_delivered_is_held_no_longer() -> None:
    holding = holding_of((stored(1), FAILS))
    (one,) = holding.take_due(10.0, 1)
    holding.delivered(one, 10.0)
    assert not holding
    assert (holding.events, holding.size_bytes) == (0, 0)


def test_an_event_that_is_retried_for_too_long_is_buried_and_the_next_gets_its_own_time() -> None:
    holding = holding_of((stored(1), FAILS), (stored(2), None))
    now, change = fail_until_buried(holding)
    assert now > 100.0
    (burial,) = change.burials
    assert (burial.event.position, burial.reason) == (1, Reason.SERVER_ERROR)
    assert "it answered 500; offered" in burial.message
    later, change = fail_until_buried(holding, now)
    assert change.burials[0].event.position == 2
    assert later - now > 100.0


def test_the_wait_for_order_has_a_time_of_its_own() -> None:
    """Of three that fail, the last has waited too long for the others before it was ever offered."""
    events = [(stored(n), FAILS if n == 1 else None) for n in (1, 2, 3, 4)]
    holding = holding_of(*events)
    now = 0.0
    buried = []
    while holding:
        now, change = fail_until_buried(holding, now)
        buried += [(burial.event.position, burial.reason) for burial in change.burials]
    assert buried == [
        (1, Reason.SERVER_ERROR),
        (2, Reason.SERVER_ERROR),
        (3, Reason.SERVER_ERROR),
        (4, Reason.DEADLINE),
    ]


def test_an_outage_of_the_whole_receiver_buries_nothing() -> None:
    """A day later everything is still held, and nothing is counted against the key."""
    holding = holding_of((stored(1), FAILS), (stored(2), None))
    now = 10.0
    while now < 86_400.0:
        for one in holding.take_due(now, 1):
            holding.postponed(one, 60.0, now)
        now += 60.0
    (key,) = holding.keys(now, wall(now))
    assert (key.events, key.attempts) == (2, 1)


def test_a_refused_event_is_buried_and_its_key_goes_on() -> None:
    holding = holding_of((stored(1), FAILS), (stored(2), None))
    (one,) = holding.take_due(10.0, 1)
    change = holding.refused(one, Reason.INVALID, "400", 10.0)
    assert [burial.reason for burial in change.burials] == [Reason.INVALID]
    assert due(holding, 10.0) == [2]


def test_when_there_is_no_room_the_first_of_the_key_held_longest_gives_way() -> None:
    holding = holding_of((stored(1, key="a"), FAILS), (stored(2, key="b"), FAILS))
    change = holding.hold([(stored(n, key="b"), None) for n in range(3, 8)], 5.0, wall(5.0))
    assert [burial.event.position for burial in change.burials] == [1, 2]
    assert all("no room" in burial.message for burial in change.burials)
    assert holding.events == 5
    held = {one.event.position for one in change.held_changes().held}
    assert held == {3, 4, 5, 6, 7}


def test_bytes_are_bounded_like_events() -> None:
    size = len(stored(1).body)
    holding = holding_of((stored(1), FAILS), most_bytes=2 * size + size // 2)
    change = holding.hold([(stored(n), None) for n in (2, 3)], 0.0, wall(0.0))
    assert [burial.event.position for burial in change.burials] == [1]
    assert holding.size_bytes <= 2 * size + size // 2


def test_an_event_that_is_held_already_is_not_held_twice() -> None:
    holding = holding_of((stored(1), FAILS))
    assert holding.hold([(stored(1), None)], 0.0, wall(0.0)).held == []
    assert holding.events == 1


def test_a_replayed_letter_goes_before_later_events_of_its_key_but_not_before_one_under_way() -> (
    None
):
    holding = holding_of((stored(5), FAILS), (stored(6), None))
    (under_way,) = holding.take_due(10.0, 1)
    older = holding_of((stored(2), None)).take_due(0.0, 1)
    holding.again(older, 11.0)
    holding.delivered(under_way, 12.0)
    assert due(holding, 12.0) == [2]


def test_what_is_known_survives_a_restart() -> None:
    first = Holding(LIMITS, longest)
    change = first.hold([(stored(1), FAILS), (stored(2), None)], 0.0, wall(0.0))
    second = Holding(LIMITS, longest)
    kept = Held(events=change.held, troubles=change.troubles)
    second.restore(kept, 1000.0, wall(4.0))
    assert second.seconds_to_next(1000.0) == 6.0
    now, change = fail_until_buried(second, 1000.0)
    assert now - 1000.0 < 100.0 + 40.0
    assert [burial.event.position for burial in change.burials] == [1]


def test_a_clock_that_was_set_back_lengthens_no_wait_beyond_the_retries() -> None:
    first = Holding(LIMITS, longest)
    change = first.hold([(stored(1), FAILS)], 0.0, wall(0.0))
    second = Holding(LIMITS, longest)
    second.restore(
        Held(events=change.held, troubles=change.troubles), 0.0, wall(0.0) - timedelta(days=1)
    )
    assert (second.seconds_to_next(0.0) or 0.0) <= 100.0
