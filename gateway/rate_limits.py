"""How often something may be done: token buckets over a time that is passed in. Pure."""

from __future__ import annotations

from collections.abc import Hashable

_MOST_KEYS = 10_000


class RateLimits:
    """One bucket for each key: `burst` at once, then `per_second` in the long run."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        """What is left in the bucket, and when that was."""

    def take(self, key: Hashable, now_seconds: float) -> float:
        """Take one; returns 0, or the seconds until there is one again, when nothing was taken.

        A bucket is bounded by what it holds; of too many, the one untouched for longest is forgotten, which is full.
        """
        left, since = self._buckets.pop(key, (self._burst, now_seconds))
        left = min(self._burst, left + (now_seconds - since) * self._per_second)
        missing = 1.0 - left
        self._buckets[key] = (left if missing > 0 else left - 1.0, now_seconds)
        if len(self._buckets) > _MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
        return max(0.0, missing / self._per_second)
