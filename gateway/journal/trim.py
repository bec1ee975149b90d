"""Retention: removes the oldest events in small slices, so that appends between them hardly wait (see `pacing`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from gateway.journal.settings import JournalSettings
from gateway.journal.space import Space

KEEP_FRACTION = 0.95
LOOSE_FRACTION = 0.25
TIGHT_FRACTION = 0.10


class Trimmer:
    """Decides what goes; the store runs `remove` and `vacuum`, each in a transaction of its own."""

    def __init__(
        self, connection: sqlite3.Connection, settings: JournalSettings, space: Space
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._space = space
        self._age_target = 0
        self._shrinking = False
        self._keep_bytes = 0.0
        self._vacuuming = False
        self.active = False

    def start(self, now: float) -> None:
        """Begin to apply the policy, as of this wall-clock time in seconds."""
        (target,) = self._connection.execute(
            "SELECT max(position) FROM ages WHERE appended <= ?",
            (now - self._settings.max_age_seconds,),
        ).fetchone()
        self._age_target = target or 0
        self._shrinking = self._space.used_bytes > self._settings.max_bytes
        self._keep_bytes = self._settings.max_bytes * KEEP_FRACTION
        self.active = True

    def start_shrinking(self, shortage_bytes: int) -> None:
        """Begin to make this much room, and some more, because a size bound or the disk stands in the way."""
        keep = (self._space.used_bytes - shortage_bytes) * KEEP_FRACTION
        self._keep_bytes = min(self._keep_bytes, keep) if self._shrinking else keep
        self._shrinking = True
        self.active = True

    def next_target(self, first: int, last: int, consumers: Mapping[str, int], events: int) -> int:
        """The position up to which the next slice of so many events goes; 0 when the policy is met."""
        limit = last
        if consumers and not self._settings.trim_undelivered:
            limit = min(limit, *consumers.values())
        if self._shrinking:
            self._shrinking = self._space.used_bytes > self._keep_bytes
        wanted = limit if self._shrinking else min(limit, self._age_target)
        if first <= wanted:
            return min(wanted, first + events - 1)
        self.active = self._shrinking = False
        return 0

    def remove(self, target: int, last: int, now: float) -> tuple[int, int]:
        """Delete up to a position; returns how many went, and the first position that is left."""
        execute = self._connection.execute
        removed = execute("DELETE FROM events WHERE position <= ?", (target,)).rowcount
        execute("DELETE FROM ages WHERE position <= ?", (target,))
        execute("INSERT OR REPLACE INTO marks VALUES ('last', ?)", (last,))
        execute(
            "DELETE FROM dead_letters WHERE state != 'waiting' AND buried < "
            "strftime('%Y-%m-%dT%H:%M:%S', ?, 'unixepoch')",
            (now - self._settings.max_age_seconds,),
        )
        (first,) = execute("SELECT min(position) FROM events").fetchone()
        return removed, first or last + 1

    def loose(self) -> bool:
        """Whether free pages should go back to the file system.

        They are kept for the next events, unless they are a large part of the file.
        """
        pages = self._space.used_bytes + self._space.free_page_bytes
        fraction = TIGHT_FRACTION if self._vacuuming else LOOSE_FRACTION
        self._vacuuming = self._space.free_page_bytes > fraction * pages
        return self._vacuuming

    def vacuum(self, pages: int) -> None:
        """Give so many free pages back, in one transaction.

        A statement without columns is stepped but once by `execute`, which frees one page.
        """
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")
