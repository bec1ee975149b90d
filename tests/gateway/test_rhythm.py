"""Learned rhythms: which silence is usual at which hour."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.rhythm import LearnedRhythm

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()


def events(rhythm: LearnedRhythm, begin: float, end: float, every: float) -> float:
    """Something comes in that rhythm; returns when the last came."""
    at = begin
    while at + every <= end:
        rhythm.learn(at, at + every)
        at += every
    return at


def office_week(rhythm: LearnedRhythm, start: float, last: float) -> float:
    """Five days from 8 to 18 o'clock with an event every 40 s; silence else. Returns when the last came."""
    for day in range(5):
        opening = start + day * DAY + 8 * HOUR
        rhythm.learn(last, opening)
        last = events(rhythm, opening, opening + 10 * HOUR, 40.0)
    return last


def learned(weeks: int = 3) -> tuple[LearnedRhythm, float]:
    """A rhythm after so many weeks of an office, and when the last event came."""
    rhythm, last = LearnedRhythm(), MONDAY
    for week in range(weeks):
        last = office_week(rhythm, MONDAY + week * WEEK, last)
    return rhythm, last


def test_nothing_is_expected_before_an_hour_was_watched_in_two_weeks() -> None:
    rhythm, last = learned(weeks=1)
    monday = MONDAY + WEEK
    rhythm.learn(last, monday + 9 * HOUR)
    assert rhythm.silence(monday + 9 * HOUR, monday + 9.9 * HOUR) is None


def test_a_busy_hour_expects_what_it_had() -> None:
    rhythm, last = learned()
    at = MONDAY + 3 * WEEK + 9 * HOUR
    rhythm.learn(last, at)
    silence = rhythm.silence(at, at + 300)
    assert silence is not None
    assert silence[0] == 300
    assert 35 <= silence[1] <= 45


def test_a_night_and_a_weekend_expect_nothing() -> None:
    rhythm, last = learned()
    assert rhythm.silence(last, last + 6 * HOUR) is None
    assert rhythm.silence(last, last + 30 * HOUR) is None


def test_a_feed_that_died_at_night_is_missed_in_the_morning() -> None:
    """The silence of the night does not count, and does not excuse the morning's."""
    rhythm, last = learned()
    nine = MONDAY + 3 * WEEK + 9 * HOUR
    silence = rhythm.silence(last, nine + 600)
    assert silence is not None
    assert silence[0] == HOUR + 600
    assert silence[1] < 120


def test_a_pause_over_the_border_of_two_hours_is_judged_by_both() -> None:
    rhythm, last = learned()
    at = MONDAY + 3 * WEEK + 10 * HOUR
    last = events(rhythm, at, at + HOUR - 20, 40.0)
    silence = rhythm.silence(last, at + HOUR + 15)
    assert silence is not None
    assert silence[0] < silence[1]


def test_an_hour_that_was_idle_once_expects_nothing_the_week_after() -> None:
    """A holiday is no reason to page a week later."""
    rhythm, last = learned()
    tuesday = MONDAY + 3 * WEEK + DAY
    rhythm.learn(last, tuesday + 8 * HOUR)
    last = events(rhythm, tuesday + 8 * HOUR, tuesday + 10 * HOUR, 40.0)
    next_monday = MONDAY + 4 * WEEK + 9 * HOUR
    rhythm.learn(last, next_monday)
    assert rhythm.silence(next_monday, next_monday + 0.9 * HOUR) is None


def test_an_hour_that_was_not_watched_whole_does_not_count() -> None:
    rhythm, last = learned(weeks=1)
    rhythm.interrupted()
    at = MONDAY + WEEK + 9 * HOUR
    events(rhythm, at + 1800, at + 2 * HOUR, 40.0)
    now = MONDAY + 2 * WEEK + 9.5 * HOUR
    rhythm.learn(now - 1, now)
    assert last < at
    assert rhythm.silence(now, now + 600) is None


def test_a_long_pause_is_forgotten_by_and_by() -> None:
    rhythm, last = learned()
    at = MONDAY + 3 * WEEK + 9 * HOUR
    rhythm.learn(last, at)
    rhythm.learn(at, at + 1200)
    last = events(rhythm, at + 1200, at + HOUR + 60, 40.0)
    for week in range(4, 16):
        last = office_week(rhythm, MONDAY + week * WEEK, last)
    at = MONDAY + 16 * WEEK + 9 * HOUR
    rhythm.learn(last, at)
    silence = rhythm.silence(at, at + 60)
    assert silence is not None
    assert silence[1] < 200


def test_what_was_learned_survives_a_restart() -> None:
    rhythm, last = learned()
    copy = LearnedRhythm(rhythm.dump())
    assert copy.silence(last - HOUR, last - 100) == rhythm.silence(last - HOUR, last - 100)
    assert not rhythm.changed


def test_a_state_of_another_layout_is_no_state() -> None:
    rhythm, last = learned()
    state = rhythm.dump()
    for wrong in (b"", b"\xff" + state[1:], state + b"1"):
        assert LearnedRhythm(wrong).silence(last - HOUR, last - 100) is None
