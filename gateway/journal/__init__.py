"""The embedded journal: SQLite on disk, or memory for tests and dry runs."""

from gateway.journal.durable import SqliteJournal, open_journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.notices import JournalNotice, Notice
from gateway.journal.salvage import SalvageReport, salvage
from gateway.journal.settings import JournalSettings
from gateway.journal.verify import VerifyReport, verify

__all__ = [
    "JournalNotice",
    "JournalSettings",
    "MemoryJournal",
    "Notice",
    "SalvageReport",
    "SqliteJournal",
    "VerifyReport",
    "open_journal",
    "salvage",
    "verify",
]
