"""Journals in memory for tests of what stands around a journal."""

from __future__ import annotations

from gateway.clock import Clock, SystemClock
from gateway.journal import JournalSettings, MemoryJournal


def memory_journal(*, clock: Clock | None = None, **settings: int) -> MemoryJournal:
    """An empty journal; `settings` are those of `JournalSettings`."""
    return MemoryJournal(JournalSettings.model_construct(**settings), clock or SystemClock())
