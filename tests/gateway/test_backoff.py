"""Back-off: full jitter under a doubling ceiling."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.backoff import Backoff, BackoffPolicy

POLICY = BackoffPolicy(base_seconds=0.5, cap_seconds=60.0)


@given(st.integers(min_value=1, max_value=10_000))
def test_the_ceiling_never_exceeds_its_cap(failures: int) -> None:
    assert 0 < POLICY.ceiling(failures) <= 60.0


def test_the_ceiling_doubles() -> None:
    assert [POLICY.ceiling(n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=50))
def test_a_wait_lies_between_nothing_and_the_ceiling(seed: int, failures: int) -> None:
    backoff = Backoff(POLICY, random.Random(seed).uniform)
    for number in range(1, failures + 1):
        assert 0.0 <= backoff.failed() <= POLICY.ceiling(number)


@given(st.integers(min_value=0), st.floats(min_value=0.0, max_value=3600.0))
def test_what_the_peer_asks_is_a_floor(seed: int, asked: float) -> None:
    wait = Backoff(POLICY, random.Random(seed).uniform).failed(at_least_seconds=asked)
    assert asked <= wait <= 2 * asked


def test_success_starts_again() -> None:
    ceilings: list[float] = []

    def highest(_low: float, high: float) -> float:
        ceilings.append(high)
        return high

    backoff = Backoff(POLICY, highest)
    backoff.failed()
    backoff.failed()
    backoff.succeeded()
    backoff.failed()
    assert ceilings == [0.5, 1.0, 0.5]
