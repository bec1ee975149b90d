"""A look into a journal's file from another process, while a gateway may be writing it. Blocking; changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from gateway.errors import JournalError
from gateway.events import StoredEvent
from gateway.journal.damage import checked
from gateway.journal.faults import classify
from gateway.journal.schema import check_header, check_version, connect
from gateway.journal.sealing import is_sealed

_EVENTS = """
SELECT position, events.sequence, types.name, sources.name, body
FROM events JOIN types ON types.id = events.type JOIN sources ON sources.id = events.source
WHERE position > ? ORDER BY position LIMIT ?
"""


class Letter(NamedTuple):
    """A waiting dead letter, without its body."""

    id: int
    sink: str
    position: int
    event_id: str
    event_type: str
    reason: str
    message: str
    buried: str


class JournalView:
    """Reads what is committed at the moment of each call. Raises JournalError throughout."""

    def __init__(self, path: Path) -> None:
        self._path = path
        check_header(path)
        self._connection = connect(path, read_only=True)
        try:
            check_version(self._connection, path)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def events(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Events behind a position."""
        rows = self._rows(_EVENTS, after, limit)
        return [checked(self._connection, StoredEvent(*row)) for row in rows]

    def bounds(self) -> tuple[int, int, int]:
        """First position, last position, number of events."""
        query = (
            "SELECT coalesce(min(position), 0), coalesce(max(position), 0), count(*) FROM events"
        )
        first, last, number = self._rows(query)[0]
        return first, last, number

    def consumers(self) -> Sequence[tuple[str, int]]:
        """Saved positions by name."""
        return [
            tuple(row) for row in self._rows("SELECT name, position FROM consumers ORDER BY name")
        ]

    def feeds(self) -> Sequence[tuple[str, int, bool]]:
        """Feeds with a resume state, its size in bytes, and whether it is encrypted."""
        query = "SELECT feed, length(state), substr(state, 1, 8) FROM resume ORDER BY feed"
        return [(feed, size, is_sealed(beginning)) for feed, size, beginning in self._rows(query)]

    def types(self) -> Sequence[tuple[str, int]]:
        """Event types and how many of each there are, most first."""
        query = (
            "SELECT types.name, count(*) FROM events JOIN types ON types.id = events.type"
            " GROUP BY types.name ORDER BY 2 DESC"
        )
        return [tuple(row) for row in self._rows(query)]

    def dead_letters(self, sink: str | None, limit: int) -> Sequence[Letter]:
        """Waiting dead letters by id."""
        query = (
            "SELECT id, sink, position, event_id, event_type, reason, message, buried FROM dead_letters"
            " WHERE state = 'waiting' AND (?1 IS NULL OR sink = ?1) ORDER BY id LIMIT ?2"
        )
        return [Letter(*row) for row in self._rows(query, sink, limit)]

    def _rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise classify(error, self._path) from error


def journal_path(given: Path) -> Path:
    """The journal's file, given itself or its data directory. Raises JournalError when there is none."""
    path = given / "journal.sqlite" if given.is_dir() else given
    if not path.exists():
        raise JournalError(
            f"{path}: no such file", hint="give gateway.data_dir or the journal's file in it"
        )
    return path
