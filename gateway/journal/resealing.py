"""Bringing stored resume states under the key of now: at the opening, and when keys change. Blocking.

What was stored in the clear, or under an older key, is overwritten, not left in free pages: `secure_delete` is complete
meanwhile. So after one opening an older key has nothing left to read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import JournalFull, ResumeUnreadable
from gateway.journal.faults import classify
from gateway.journal.sealing import Sealer

_BEGINNING_BYTES = 64


def reseal_all(connection: sqlite3.Connection, path: Path, sealer: Sealer) -> Sequence[str]:
    """Bring every state under the key of now, in a transaction of its own; feeds whose state cannot be read.

    On a full disk each waits for its next writing. Raises sqlite3.Error for anything else.
    """
    before = connection.total_changes
    try:
        connection.execute("BEGIN IMMEDIATE")
        unreadable = reseal(connection, sealer)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not isinstance(classify(error, path), JournalFull):
            raise
        return ()
    if connection.total_changes != before:
        # The log still holds the states as they were.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return unreadable


def reseal(connection: sqlite3.Connection, sealer: Sealer, *before: Sealer) -> Sequence[str]:
    """Store every state as `sealer` would, in the open transaction; returns feeds whose state none of them can read.

    Those are left as they are: their key may be found again.
    """
    beginnings = connection.execute(
        "SELECT feed, substr(state, 1, ?) FROM resume", (_BEGINNING_BYTES,)
    ).fetchall()
    due = [feed for feed, beginning in beginnings if not sealer.is_current(beginning)]
    if not due:
        return ()
    unreadable = []
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    try:
        for feed in due:
            (stored,) = connection.execute(
                "SELECT state FROM resume WHERE feed = ?", (feed,)
            ).fetchone()
            state = _first_reading(feed, stored, (sealer, *before))
            if state is None:
                unreadable.append(feed)
            else:
                connection.execute(
                    "UPDATE resume SET state = ? WHERE feed = ?", (sealer.seal(feed, state), feed)
                )
    finally:
        connection.execute("PRAGMA secure_delete = FAST").fetchone()
    return unreadable


def _first_reading(feed: str, stored: bytes, sealers: Sequence[Sealer]) -> bytes | None:
    for sealer in sealers:
        try:
            return sealer.unseal(feed, stored)
        except ResumeUnreadable:
            continue
    return None
