"""The embedded journal: SQLite on disk, or memory for tests and dry runs."""

from gateway.journal.durable import SqliteJournal, open_journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.notices import JournalNotice, Notice
from gateway.journal.settings import JournalSettings

__all__ = [
    "JournalNotice",
    "JournalSettings",
    "MemoryJournal",
    "Notice",
    "SqliteJournal",
    "open_journal",
]
