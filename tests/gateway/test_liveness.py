"""Signs of life of one feed: when it counts as quiet, and what is done about it in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gateway.liveness import FeedWatch, LivenessPolicy, Step, configured_rhythm
from gateway.rhythm import LearnedRhythm

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = 3600.0


def wall(now: float) -> datetime:
    return START + timedelta(seconds=now)


def watch_of(rhythm_seconds: float | None = 60.0, **policy: float) -> FeedWatch:
    watch = FeedWatch(LivenessPolicy(**policy), rhythm_seconds=rhythm_seconds)  # type: ignore[arg-type]  # numbers only
    watch.connected(0.0)
    return watch


def steps(
    watch: FeedWatch, begin: float, end: float, every: float = 5.0
) -> list[tuple[float, Step]]:
    """What is due in that time, looked at every few seconds; a reconnection succeeds at once."""
    found = []
    now = begin
    while now < end:
        step = watch.check(now, wall(now))
        if step is not None:
            found.append((now, step))
        if step is Step.RECONNECT:
            watch.disconnected()
            watch.connected(now)
        now += every
    return found


def test_a_connected_feed_that_gives_nothing_is_found_within_twice_its_rhythm() -> None:
    watch = watch_of(60.0)
    at, step = steps(watch, 0.0, 600.0)[0]
    assert step is Step.RECONNECT
    assert 60.0 < at <= 120.0
    assert watch.quiet_since == wall(0)


def test_events_keep_it_alive() -> None:
    watch = watch_of(60.0)
    for now in range(0, 600, 50):
        watch.delivered(now, wall(now))
        assert watch.check(now + 49.0, wall(now + 49.0)) is None


def test_a_quiet_feed_is_connected_anew_then_compared_then_both_again_ever_more_rarely() -> None:
    watch = watch_of(60.0, settle_seconds=10.0)
    found = steps(watch, 0.0, 1000.0)
    assert [step for _, step in found[:4]] == [Step.RECONNECT, Step.RESYNC] * 2
    reconnects = [at for at, step in found if step is Step.RECONNECT]
    pauses = [later - earlier for earlier, later in pairwise(reconnects)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]


def test_attempts_to_wake_it_never_become_rarer_than_the_longest_pause() -> None:
    watch = watch_of(60.0, repeat_seconds=300.0)
    reconnects = [at for at, step in steps(watch, 0.0, 5000.0) if step is Step.RECONNECT]
    assert reconnects[-1] - reconnects[-2] <= 305.0


def test_the_first_event_ends_the_quiet_and_calls_off_the_comparison() -> None:
    watch = watch_of(60.0)
    assert steps(watch, 0.0, 70.0) == [(65.0, Step.RECONNECT)]
    watch.delivered(70.0, wall(70.0))
    assert watch.quiet_since is None
    assert steps(watch, 75.0, 125.0) == []


def test_silence_means_nothing_while_there_is_no_connection() -> None:
    watch = watch_of(60.0)
    watch.disconnected()
    assert steps(watch, 0.0, 600.0) == []


def test_a_rhythm_of_nothing_is_never_missed() -> None:
    assert steps(watch_of(0.0), 0.0, 100 * HOUR, every=600.0) == []


def test_a_feed_without_a_configured_rhythm_is_not_judged_before_it_is_known() -> None:
    assert steps(watch_of(None), 0.0, 100 * HOUR, every=600.0) == []


def known_office_hours() -> LearnedRhythm:
    """Three weeks in which something came every 30 s on Mondays from 8 to 12."""
    learned = LearnedRhythm()
    last = (START - timedelta(weeks=3, hours=3)).timestamp()
    for week in range(3):
        at = (START - timedelta(weeks=3 - week, hours=1)).timestamp()
        learned.learn(last, at)
        for _ in range(480):
            learned.learn(at, at + 30)
            at += 30
        last = at
    learned.learn(last, START.timestamp())
    return learned


def test_a_learned_rhythm_is_missed_within_twice_of_it_but_never_under_a_minute() -> None:
    watch = FeedWatch(LivenessPolicy(), learned=known_office_hours())
    watch.connected(0.0)
    at, step = steps(watch, 0.0, 600.0)[0]
    assert step is Step.RECONNECT
    assert 60.0 <= at <= 120.0
    assert watch.rhythm_seconds == 60.0


def test_nothing_learned_is_used_when_learning_is_off() -> None:
    watch = FeedWatch(LivenessPolicy(learn=False), learned=known_office_hours())
    watch.connected(0.0)
    assert steps(watch, 0.0, 600.0) == []


def test_a_silence_that_a_new_connection_ended_is_not_learned() -> None:
    """What was a fault is one the next time too."""
    watch = FeedWatch(LivenessPolicy(), learned=known_office_hours())
    watch.connected(0.0)
    woken = steps(watch, 0.0, 600.0)[0][0]
    watch.disconnected()
    watch.connected(woken + 1.0)
    watch.delivered(woken + 2.0, wall(woken + 2.0))
    now = woken + 2.0
    assert steps(watch, now, now + 600.0)[0][0] - now <= 120.0


def test_a_jump_of_the_wall_clock_is_no_silence() -> None:
    watch = FeedWatch(LivenessPolicy(), learned=known_office_hours())
    watch.connected(0.0)
    watch.delivered(10.0, wall(10.0))
    assert watch.check(20.0, wall(20.0 + 2 * HOUR)) is None


def test_after_a_surprise_the_platform_is_asked_once_it_has_settled() -> None:
    watch = watch_of(None, settle_seconds=10.0)
    watch.surprised(0.0)
    watch.surprised(3.0)
    assert steps(watch, 0.0, 100.0) == [(10.0, Step.RESYNC)]
    assert watch.resync_reason == "illegal_transition"


def test_surprises_one_after_the_other_ask_the_platform_rarely() -> None:
    watch = watch_of(None, settle_seconds=10.0, resync_seconds=60.0)
    asked = 0
    for now in range(300):
        watch.surprised(float(now))
        asked += watch.check(float(now), wall(now)) is Step.RESYNC
    assert asked == 5


@pytest.mark.parametrize(
    ("feed", "seconds"), [("gws/statistics", 60.0), ("gws/anna", 3600.0), ("other/x", None)]
)
def test_the_longest_glob_that_fits_gives_the_rhythm(feed: str, seconds: float | None) -> None:
    rhythms = {"gws/*": 3600.0, "*/statistics": 60.0}
    assert configured_rhythm(rhythms, feed) == seconds
