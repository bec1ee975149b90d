from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.contracts import Journal
from gateway.journal import JournalSettings, MemoryJournal, open_journal
from tests.contract.journal_suite import BEGIN, JournalSuite


class TickingClock:
    """Time stands still until it is moved; sleeping takes its time all the same."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        """The beginning plus what was advanced."""
        return BEGIN + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """What was advanced."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop."""
        await asyncio.sleep(seconds)


class SqliteHarness:
    """Journals in files of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._clock = TickingClock()

    async def make(self, settings: JournalSettings | None = None) -> Journal:
        """A new file."""
        self._made += 1
        path = self._folder / f"journal-{self._made}.sqlite"
        return await open_journal(path, settings or JournalSettings(), self._clock)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.advance(seconds)


class MemoryHarness:
    """Journals in memory."""

    def __init__(self) -> None:
        self._clock = TickingClock()

    async def make(self, settings: JournalSettings | None = None) -> Journal:
        """A new object."""
        return MemoryJournal(settings, self._clock)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.advance(seconds)


class TestSqliteJournal(JournalSuite):
    """The journal on SQLite, with everything in memory."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SqliteHarness:
        """A folder for files."""
        return SqliteHarness(tmp_path)


class TestSqliteJournalWithoutCache(JournalSuite):
    """The same, read from the file."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SqliteHarness:
        """A folder for files, and a cache that holds one event."""
        return UncachedHarness(tmp_path)


class UncachedHarness(SqliteHarness):
    """Journals whose cache holds one event only."""

    async def make(self, settings: JournalSettings | None = None) -> Journal:
        """A new file."""
        uncached = (settings or JournalSettings()).model_copy(update={"cache_events": 1})
        return await super().make(uncached)


class TestMemoryJournal(JournalSuite):
    """The journal in memory."""

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        """Nothing is needed."""
        return MemoryHarness()
