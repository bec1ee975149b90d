"""What a run with faults is judged by: what was published, what arrived where, and what every loss is explained by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.gaps import CLOSED, Account, account
from tests.support import oracle
from tests.support.oracle import Published, SeenEvent

SLACK_SECONDS = 10.0
"""A gap's bounds are those that the gateway knows: a message may be on its way at both ends."""


@dataclass
class Verdict:
    """What was found about one connector."""

    published: int = 0
    seen: int = 0
    lost: list[str] = field(default_factory=list)
    """Could be had, and was not."""
    lost_by_platform: int = 0
    unexplained: list[str] = field(default_factory=list)
    """Lost by the platform, and inside no stated gap."""
    between_polls: int = 0
    """The same, of a platform that is polled: what changes back before the next poll is seen by nobody."""
    gaps: Account = field(default_factory=Account)

    def failures(self) -> list[str]:
        """The promises that were not kept, with examples."""
        found = {
            "lost": self.lost,
            "outside of every gap": self.unexplained,
            "gaps never closed": self.gaps.still_open,
            "bad accounts of gaps": self.gaps.unsound,
        }
        return [f"{len(these)} {what}: {these[:5]}" for what, these in found.items() if these]

    def as_report(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "published": self.published,
            "seen": self.seen,
            "lost": len(self.lost),
            "lost_by_platform": self.lost_by_platform,
            "unexplained": len(self.unexplained),
            "between_polls": self.between_polls,
            **self.gaps.as_report(),
            "examples": [*self.lost[:10], *self.unexplained[:10]],
        }


def judge(
    events: Sequence[SeenEvent],
    published: Sequence[Published],
    *,
    polled: bool,
    jumps: Iterable[float] = (),
) -> Verdict:
    """Compare what one connector's events are with what its platform published.

    A `polled` platform replays nothing: what changed and changed back while it could not be asked is lost, and has to
    be inside a gap. `jumps` are the seconds by which the gateway's clock was wrong at times: gaps may be told in such
    a time.
    """
    verdict = Verdict(published=len(published))
    seen = oracle.references(events)
    verdict.seen = len(seen)
    owed = set() if polled else oracle.owed(published)
    missing = [one for one in published if one.id in owed and one.id not in seen]
    verdict.lost = [f"{one.id} of {one.agent}, {one.fate}" for one in missing]
    shifts = [0.0, *jumps]
    gaps = [_straightened(begin, end, shifts) for begin, end in _gaps(events)]
    verdict.gaps = account(events, shifts)
    listening = _first_connection(events)
    for one in published:
        moment = one.at_ms / 1000
        if one.id in owed or one.id in seen or moment < listening:
            continue
        verdict.lost_by_platform += one.fate == "lost"
        if not any(
            begin - SLACK_SECONDS <= moment + shift <= end + SLACK_SECONDS
            for begin, end in gaps
            for shift in shifts
        ):
            verdict.between_polls += polled
            if not polled:
                verdict.unexplained.append(f"{one.id} of {one.agent}, {one.fate}")
    return verdict


def _first_connection(events: Sequence[SeenEvent]) -> float:
    """When all feeds listened for the first time: before that nothing was missed."""
    for event in events:
        if event.type == "tieline.feed.connected.v1" and event.recordedtime is not None:
            return event.recordedtime.timestamp() + SLACK_SECONDS
    return float("inf")


def _gaps(events: Sequence[SeenEvent]) -> Iterable[tuple[float, float]]:
    """Begin and end of every gap; one that does not know its begin reaches back without end."""
    for event in events:
        if event.type == CLOSED:
            begin, end = event.data.from_time, event.data.to_time
            yield _seconds(begin, float("-inf")), _seconds(end, float("inf"))


def _straightened(begin: float, end: float, shifts: Sequence[float]) -> tuple[float, float]:
    """The shortest that a gap can have been that ends before it begins: the clock jumped meanwhile."""
    if begin <= end:
        return begin, end
    possible = [
        (begin - early, end - late)
        for early in shifts
        for late in shifts
        if begin - early <= end - late
    ]
    return min(possible, key=lambda gap: gap[1] - gap[0], default=(begin, end))


def _seconds(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else moment.timestamp()


def by_connector(events: Iterable[SeenEvent]) -> Mapping[str, list[SeenEvent]]:
    """Events by the connector that they came from."""
    found: dict[str, list[SeenEvent]] = {}
    for event in events:
        found.setdefault(event.source.split("/")[2], []).append(event)
    return found
