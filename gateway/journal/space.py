"""How much room the journal has: its own bound, the disk's reserve, and what the disk really accepts."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from gateway.journal.schema import PAGE_BYTES
from gateway.journal.settings import JournalSettings

CHECK_EVERY_BYTES = 1 << 20
CHECK_EVERY_SECONDS = 0.25
ROW_OVERHEAD_BYTES = 200
PROBE_BYTES = 128 << 10


def footprint(events: int, size_bytes: int) -> int:
    """What events are about to take in the file, their rows, pages and ids included."""
    return size_bytes + events * ROW_OVERHEAD_BYTES


def disk_free_bytes(folder: Path) -> int:
    """What unprivileged processes may still write to the file system of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class Space:
    """Measures seldom while there is room, every time when there is none. Used by the writer's thread only."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, settings: JournalSettings
    ) -> None:
        self._connection = connection
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._settings = settings
        self._unmeasured_bytes = 0
        self._measured_at = float("-inf")
        self.used_bytes = 0
        self.free_page_bytes = 0
        self.size_bytes = 0
        self.disk_free_bytes = 0
        self.measure(0.0)

    def measure(self, now: float) -> None:
        """Look at the file and the disk."""
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        self.used_bytes = (pages - free) * PAGE_BYTES
        self.free_page_bytes = free * PAGE_BYTES
        wal = self._wal.stat().st_size if self._wal.exists() else 0
        self.size_bytes = pages * PAGE_BYTES + wal
        self.disk_free_bytes = disk_free_bytes(self._path.parent)
        self._unmeasured_bytes = 0
        self._measured_at = now

    def room(self, needed: int, now: float, *, doubtful: bool) -> int:
        """How many bytes may be stored, of `needed`: looks again if that much has not been measured lately."""
        if (
            doubtful
            or self._unmeasured_bytes + needed > CHECK_EVERY_BYTES
            or now - self._measured_at > CHECK_EVERY_SECONDS
        ):
            self.measure(now)
        settings = self._settings
        within_bound = settings.max_bytes - self.used_bytes
        # Free pages of the file are filled before it grows.
        on_disk = self.disk_free_bytes - settings.min_free_bytes + self.free_page_bytes
        return min(within_bound, on_disk) - self._unmeasured_bytes

    def take(self, size_bytes: int) -> None:
        """Count what is about to be stored until it is measured."""
        self._unmeasured_bytes += size_bytes

    def shortage(self) -> str:
        """Why there is no room, for people."""
        settings = self._settings
        if self.disk_free_bytes - settings.min_free_bytes < settings.max_bytes - self.used_bytes:
            return (
                f"the disk has {self.disk_free_bytes} bytes free, "
                f"{settings.min_free_bytes} are kept in reserve (min_free_bytes)"
            )
        return f"it holds {self.used_bytes} bytes of at most {settings.max_bytes} (max_bytes)"

    def probe(self) -> None:
        """Find out whether the disk takes data, by writing some; raises like any write."""
        # Two transactions: pages that are freed in the one that took them are never written.
        self._connection.execute(
            "INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))", (PROBE_BYTES,)
        )
        self._connection.execute("DELETE FROM probe")
