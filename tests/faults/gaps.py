"""Whether every gap is accounted for: opened and closed in turn, with bounds, a reason and what came of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.support.oracle import SeenEvent

OPENED, CLOSED = "tieline.feed.gap.opened.v1", "tieline.feed.gap.closed.v1"
MEMORYLESS = frozenset({"corrupt", "resume_unreadable"})
"""Reasons of gaps without a begin: the state that told how far the feed was is what is lost."""


@dataclass
class Account:
    """The gaps of one connector."""

    opened: Counter[str] = field(default_factory=Counter)
    """By reason."""
    still_open: list[str] = field(default_factory=list)
    """Feeds."""
    recovered: int = 0
    """Events that snapshots told."""
    unrecovered: int = 0
    """Messages that are known to be lost."""
    uncounted: int = 0
    """Gaps in which nobody can know how many were lost."""
    without_begin: Counter[str] = field(default_factory=Counter)
    """By reason; they reach back as far as one likes."""
    unsound: list[str] = field(default_factory=list)
    """What an account should have and has not."""

    def as_report(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "gaps": dict(self.opened),
            "open_gaps": self.still_open,
            "recovered": self.recovered,
            "unrecovered": self.unrecovered,
            "uncounted": self.uncounted,
            "without_begin": dict(self.without_begin),
            "unsound": self.unsound,
        }


def account(events: Iterable[SeenEvent], shifts: Collection[float] = (0.0,)) -> Account:
    """The account of one connector's gaps, whose bounds may be told while the clock was wrong by one of `shifts`."""
    made = Account()
    waiting: dict[str, list[SeenEvent]] = defaultdict(list)
    slack = max(shifts) - min(shifts)
    for event in events:
        feed = event.data.feed or ""
        if event.type == OPENED:
            made.opened[event.data.reason or ""] += 1
            waiting[feed].append(event)
            _check(event, slack, made)
        elif event.type == CLOSED:
            _check(event, slack, made)
            _close(event, waiting[feed], made)
    made.still_open = sorted(feed for feed, opened in waiting.items() for _ in opened)
    return made


def _close(closed: SeenEvent, waiting: list[SeenEvent], made: Account) -> None:
    told = closed.data
    names = (told.reason, told.from_time)
    opened = next((one for one in waiting if (one.data.reason, one.data.from_time) == names), None)
    if opened is None:
        made.unsound.append(f"{told.feed}: a gap {told.reason} was closed and not opened")
    else:
        waiting.remove(opened)
    if told.recovered is None:
        made.unsound.append(f"{told.feed}: {told.reason} does not say what was recovered")
    if told.unrecovered is msgspec.UNSET:
        made.unsound.append(f"{told.feed}: {told.reason} does not say what was not recovered")
    made.recovered += told.recovered or 0
    made.unrecovered += told.unrecovered or 0
    made.uncounted += told.unrecovered is None
    if told.from_time is None and told.reason not in MEMORYLESS:
        made.without_begin[told.reason or ""] += 1


def _check(event: SeenEvent, slack: float, made: Account) -> None:
    told = event.data
    if not (told.feed and told.reason and told.to_time):
        made.unsound.append(f"{event.type} {event.id} lacks its feed, its reason or its end")
    elif told.from_time and (told.from_time - told.to_time).total_seconds() > slack:
        made.unsound.append(f"{told.feed}: {told.reason} ends before it begins")
