"""How long a feed is usually silent, by hour of the week, learned from its own past. Pure: every time is an argument.

The hours are those of UTC. An hour in which the feed has ever been silent throughout is one in which silence means
nothing: a centre that is closed at night is not expected to say anything then. The memory of such an hour, and of every
long pause, fades from week to week.

The state is kept in the journal: a change of its layout needs a new `LAYOUT`.
"""

from __future__ import annotations

import struct
from array import array

HOUR_SECONDS = 3600
HOURS_PER_WEEK = 168
WEEKS_TO_TRUST = 2
"""An hour of the week is judged after it was watched from beginning to end in so many weeks."""
FADE = 0.8
"""What is left of a longest pause after a week without one like it."""
IDLE_SECONDS = 0.98 * HOUR_SECONDS
LAYOUT = struct.Struct(f"<B{HOURS_PER_WEEK}f{HOURS_PER_WEEK}B")
LAYOUT_VERSION = 1


class LearnedRhythm:
    """The longest pause within each hour of the week. Pauses that cross hours count in each with their part."""

    def __init__(self, state: bytes | None = None) -> None:
        self._longest = array("f", bytes(4 * HOURS_PER_WEEK))
        self._weeks = array("B", bytes(HOURS_PER_WEEK))
        self._hour: int | None = None
        self._whole = False
        self._present = 0.0
        self.changed = False
        if state is not None and len(state) == LAYOUT.size and state[0] == LAYOUT_VERSION:
            _, *values = LAYOUT.unpack(state)
            self._longest = array("f", values[:HOURS_PER_WEEK])
            self._weeks = array("B", values[HOURS_PER_WEEK:])

    def dump(self) -> bytes:
        """What `__init__` takes in another process; the hour that is not over yet is left out."""
        self.changed = False
        return LAYOUT.pack(LAYOUT_VERSION, *self._longest, *self._weeks)

    def interrupted(self) -> None:
        """The feed is not watched for a while: the present hour will not be a whole one."""
        self._hour = None

    def learn(self, begin: float, end: float) -> None:
        """There was nothing between two events, or between the start of watching and the first, in Unix seconds."""
        if end <= begin:
            return
        hour = int(begin // HOUR_SECONDS)
        if hour != self._hour:
            self._hour, self._present = hour, 0.0
            self._whole = begin == hour * HOUR_SECONDS
        last = int(end // HOUR_SECONDS)
        while hour < last:
            border = (hour + 1) * HOUR_SECONDS
            self._present = max(self._present, border - begin)
            self._close(hour)
            begin, hour = border, hour + 1
            self._hour, self._whole, self._present = hour, True, 0.0
        self._present = max(self._present, end - begin)

    def _close(self, hour: int) -> None:
        slot = hour % HOURS_PER_WEEK
        self._longest[slot] = max(self._present, self._longest[slot] * FADE)
        if self._whole:
            self._weeks[slot] = min(255, self._weeks[slot] + 1)
        self.changed = True

    def silence(self, begin: float, now: float) -> tuple[float, float] | None:
        """How long the feed has been silent in hours that are usually busy, and how long it may be, in seconds.

        `begin` is the last event. None when nothing can be said about the present hour.
        """
        hour = int(now // HOUR_SECONDS)
        usual = self._usual(hour)
        if usual is None:
            return None
        first = int(begin // HOUR_SECONDS)
        if first == hour:
            return now - begin, usual
        busy = hour
        earliest = max(first, hour - HOURS_PER_WEEK)
        while busy > earliest and self._usual(busy - 1) is not None:
            busy -= 1
        before = self._usual(hour - 1) if busy < hour else None
        # A pause over the border between two busy hours was learned as two parts.
        return now - max(begin, busy * HOUR_SECONDS), usual + (before or 0.0)

    def _usual(self, hour: int) -> float | None:
        slot = hour % HOURS_PER_WEEK
        longest = max(self._longest[slot], self._present if hour == self._hour else 0.0)
        if self._weeks[slot] < WEEKS_TO_TRUST or longest >= IDLE_SECONDS:
            return None
        return longest
