"""How much housekeeping is done at once, and how long it rests in between.

The writer's thread does both, so an append that comes during a slice waits for the rest of it: slices are short, and
most appends meet none. Pure: it is told how long things took.
"""

from __future__ import annotations

from typing import NamedTuple

SLICE_SECONDS = 0.003
REST_SHARE = 4.0
MAX_REST_SECONDS = 0.25
CHECKPOINT_SLICES = 4
"""After so many slices what they wrote goes from the log into the file, lest a later append has all of it to do."""


class Amounts(NamedTuple):
    """Bounds of what one slice does of something."""

    least: int
    most: int


TRIM_EVENTS = Amounts(100, 1_000)
VACUUM_PAGES = Amounts(10, 500)
DROP_IDS = Amounts(500, 16_000)


class Pace:
    """Amounts that follow what slices of their kind took."""

    def __init__(self) -> None:
        self._amounts: dict[Amounts, int] = {}
        self._slices = 0
        self._removed = self._appended = 0

    def begin(self, removed: int, appended: int) -> None:
        """A trim begins: the totals of what was removed and appended so far."""
        self._removed, self._appended = removed, appended

    def lags(self, removed: int, appended: int) -> bool:
        """Whether less than twice of what came since the trim began went: then it must not rest."""
        return removed - self._removed < 2 * (appended - self._appended)

    def amount(self, kind: Amounts, *, hurry: bool = False) -> int:
        """How much of this the next slice does."""
        return kind.most if hurry else self._amounts.get(kind, kind.least)

    def done(self, kind: Amounts, seconds: float, *, hurry: bool = False) -> float:
        """A slice took so long, its commit included; returns how many seconds to rest."""
        self._slices += 1
        amount = self._amounts.get(kind, kind.least)
        if seconds > SLICE_SECONDS and not hurry:
            self._amounts[kind] = max(kind.least, amount // 2)
        elif seconds < SLICE_SECONDS / 2:
            self._amounts[kind] = min(kind.most, amount * 2)
        return 0.0 if hurry else _rest(seconds)

    def checkpoint_due(self, *, at_least: int = CHECKPOINT_SLICES) -> bool:
        """Whether so many slices are only in the log."""
        return self._slices >= at_least

    def checkpointed(self, seconds: float, *, hurry: bool = False) -> float:
        """A checkpoint took so long; returns how many seconds to rest."""
        self._slices = 0
        return 0.0 if hurry else _rest(seconds)


def _rest(seconds: float) -> float:
    return min(MAX_REST_SECONDS, REST_SHARE * seconds)
