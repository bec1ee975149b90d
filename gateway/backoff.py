"""When to try again: full jitter over an exponential ceiling. Pure; the random source is passed in.

Full jitter (a uniform draw between zero and the ceiling) spreads a crowd of feeds that lost the same server better than
jitter around the ceiling does; see M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffPolicy:
    """The ceiling starts at `base_seconds`, doubles with each failure, and stops at `cap_seconds`."""

    base_seconds: float = 0.5
    cap_seconds: float = 60.0

    def ceiling(self, failures: int) -> float:
        """The longest wait after that many failures in a row (1 is the first)."""
        return min(self.cap_seconds, self.base_seconds * 2.0 ** min(failures - 1, 32))


class Backoff:
    """Counts failures in a row and draws the next wait."""

    def __init__(self, policy: BackoffPolicy, uniform: Callable[[float, float], float]) -> None:
        self._policy = policy
        self._uniform = uniform
        self.failures = 0

    def succeeded(self) -> None:
        """Start again from the base."""
        self.failures = 0

    def failed(self, *, at_least_seconds: float | None = None) -> float:
        """Count a failure; return how many seconds to wait.

        `at_least_seconds` is what the peer asked for: it is a floor, on top of which the jitter still spreads the
        crowd.
        """
        self.failures += 1
        draw = self._uniform(0.0, self._policy.ceiling(self.failures))
        return draw if at_least_seconds is None else at_least_seconds + min(draw, at_least_seconds)
