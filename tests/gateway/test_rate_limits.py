"""Token buckets."""

from __future__ import annotations

import pytest

from gateway.rate_limits import RateLimits


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    """What is refused takes nothing, and the time until the next is told."""
    limits = RateLimits(per_second=2.0, burst=3.0)
    assert [limits.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limits.take("a", 0.0) == pytest.approx(0.5)
    assert limits.take("a", 0.25) == pytest.approx(0.25)
    assert limits.take("a", 0.5) == 0.0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A day of silence is no licence for a flood."""
    limits = RateLimits(per_second=2.0, burst=3.0)
    limits.take("a", 0.0)
    assert [limits.take("a", 86_400.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]


def test_keys_do_not_share_a_bucket() -> None:
    """One caller's flood is not another's."""
    limits = RateLimits(per_second=1.0, burst=1.0)
    assert limits.take("a", 0.0) == 0.0
    assert limits.take("b", 0.0) == 0.0
    assert limits.take("a", 0.0) > 0.0


def test_the_key_untouched_for_longest_is_forgotten_beyond_ten_thousand() -> None:
    """Memory is bounded; what is forgotten is full again."""
    limits = RateLimits(per_second=0.001, burst=1.0)
    for number in range(10_001):
        assert limits.take(number, 0.0) == 0.0
    assert limits.take(10_000, 0.0) > 0.0
    assert limits.take(0, 0.0) == 0.0
