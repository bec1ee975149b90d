"""What SQLite and the operating system report, classified once into the journal's errors.

Source: SQLite documentation, "Result and Error Codes".
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from gateway.errors import JournalCorrupt, JournalError, JournalFull, Reason

_PRIMARY = 0xFF
_FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_UNWRITABLE = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_IO_CODES = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    }
)


def corrupt(path: Path, what: str) -> JournalCorrupt:
    """The error for a damaged file, with the way out."""
    return JournalCorrupt(
        f"journal {path} is damaged: {what}",
        hint=f"stop the gateway and run `tieline journal verify {path}`; "
        "it tells what is readable and can copy that into a new file",
    )


def full(path: Path, what: str) -> JournalFull:
    """The error for no room."""
    return JournalFull(
        f"no room in journal {path}: {what}",
        hint="free disk space, raise the journal's max_bytes, or let the slowest sink catch up",
    )


def classify(error: BaseException, path: Path) -> JournalError:
    """The journal's error for one of SQLite's, of the operating system's or of a bad value."""
    if isinstance(error, JournalError):
        return error
    if isinstance(error, sqlite3.Error):
        return _classify_sqlite(error, path)
    if isinstance(error, OSError):
        if error.errno in _FULL_ERRNO:
            return full(path, error.strerror or "the disk is full")
        return JournalError(f"journal {path}: {error.strerror or error}", reason=Reason.DISK_ERROR)
    return JournalError(
        f"journal {path} cannot store this: {type(error).__name__}: {error}", reason=Reason.INVALID
    )


def _classify_sqlite(error: sqlite3.Error, path: Path) -> JournalError:
    # Errors that the sqlite3 module raises by itself (a value too big, a bad type) have no code.
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & _PRIMARY if isinstance(code, int) else None
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return corrupt(path, str(error))
    if primary == sqlite3.SQLITE_FULL:
        return full(path, str(error))
    if code in _UNWRITABLE:
        # So SQLite reports a quota, a limit of the file's size, or no room for the index of its log; and a disk that
        # fails is no place to write to either.
        return full(path, "the disk takes no more data (over quota, or failing)")
    if primary in _IO_CODES:
        name = getattr(error, "sqlite_errorname", "")
        return JournalError(
            f"journal {path}: {error} {name}".rstrip(),
            reason=Reason.DISK_ERROR,
            hint="look at the disk and at the permissions of the data directory",
        )
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return JournalError(
            f"journal {path} is locked by another program",
            reason=Reason.CONFLICT,
            hint="close whatever has the file open for writing",
        )
    return JournalError(
        f"journal {path} cannot store this: {type(error).__name__}: {error}", reason=Reason.INVALID
    )


def is_fatal(error: JournalError) -> bool:
    """Whether nothing can be trusted to the file any more."""
    return isinstance(error, JournalCorrupt)
