"""Where in the journal an operator wants a sink to begin again."""

from __future__ import annotations

from datetime import datetime

from gateway.contracts import Journal
from gateway.errors import Reason, TielineError


async def place(journal: Journal, *, position: int | None, time: datetime | None) -> int:
    """The position behind which to begin: the given one, or the last before what was recorded at `time` or later.

    Raises a TielineError with the reason `invalid`: not exactly one is given, or the journal does not hold it any more.
    """
    if (position is None) is (time is None):
        raise TielineError("give either `position` or `time`", reason=Reason.INVALID)
    figures = journal.statistics()
    oldest = figures.first_position - 1
    if position is None:
        assert time is not None  # noqa: S101 - exactly one is given
        return await _before(journal, time, oldest, figures.last_position)
    if not oldest <= position <= figures.last_position:
        removed = "older events were removed by the journal's retention"
        ahead = "the journal ends there; give the position of an event that it has"
        raise TielineError(
            f"`position` must lie between {oldest} and {figures.last_position}, but is {position}",
            reason=Reason.INVALID,
            hint=removed if position < oldest else ahead,
        )
    return position


async def _before(journal: Journal, time: datetime, low: int, high: int) -> int:
    """The journal is in order of recording, feed by feed, so a few looks find the place."""
    if time.tzinfo is None:
        raise TielineError("`time` needs an offset from UTC, such as Z", reason=Reason.INVALID)
    while low < high:
        middle = (low + high) // 2
        found = await journal.read(middle, 1)
        if not found:
            high = middle
        elif datetime.fromisoformat(found[0].envelope.recordedtime) < time:
            low = found[0].position
        else:
            high = middle
    return low
