"""Reading what is no longer in memory: one thread with a connection of its own that never blocks the writer.

As for the writer, each row that SQLite hands over costs a turn at the interpreter lock, so a page of events comes as
one row: the numbers joined by newlines, the bodies one after the other.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gateway.contracts import DeadLetter, Held
from gateway.errors import JournalClosed, Reason
from gateway.events import StoredEvent
from gateway.journal import letters
from gateway.journal.damage import checked
from gateway.journal.dates import from_text
from gateway.journal.faults import classify, corrupt
from gateway.journal.schema import connect

T = TypeVar("T")

PAGE_BYTES = 4 << 20

_PAGE = """
SELECT count(*),
       group_concat(position || ' ' || sequence || ' ' || type || ' ' || source || ' ' || length(body),
                    char(10)),
       CAST(group_concat(body, '') AS BLOB)
FROM (
    SELECT position, sequence, type, source, body,
           sum(length(body)) OVER (ORDER BY position) - length(body) AS before
    FROM (SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?)
)
WHERE before < ?
"""
_LETTER = """
SELECT id, sink, position, event_id, event_type, reason, message, buried, body, state, sequence,
       settled, settled_by, note
FROM dead_letters
"""
_LETTERS = f"""
{_LETTER}
WHERE state = 'waiting' AND id > ?1 AND (?2 IS NULL OR sink = ?2)
ORDER BY id LIMIT ?3
"""


class Reader:
    """Blocking queries in one thread, awaited by the loop. A page of events is bounded by PAGE_BYTES."""

    def __init__(
        self, path: Path, source_names: Mapping[int, str], type_names: Mapping[int, str]
    ) -> None:
        self._path = path
        self._sources = source_names
        self._types = type_names
        self._connection = connect(path, read_only=True)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"journal reader {path.name}")
        self._closed = False

    async def _run(self, query: Callable[[], T]) -> T:
        if self._closed:
            raise JournalClosed("the journal is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, query)
        except (sqlite3.Error, OSError) as error:
            raise classify(error, self._path) from error

    async def events(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Stored events behind a position."""
        return await self._run(lambda: self._events(after, limit))

    def _events(self, after: int, limit: int) -> Sequence[StoredEvent]:
        count, columns, bodies = self._connection.execute(
            _PAGE, (after, limit, PAGE_BYTES)
        ).fetchone()
        if not count:
            return ()
        sources, types = self._sources, self._types
        events = []
        start = 0
        for line in columns.split("\n"):
            position, sequence, type_, source, length = map(int, line.split(" "))
            body = bodies[start : start + length]
            start += length
            event = StoredEvent(
                position, sequence, types.get(type_, ""), sources.get(source, ""), body
            )
            events.append(checked(self._connection, event))
        if start != len(bodies):
            raise corrupt(self._path, f"an event behind position {after} is not what was written")
        return events

    async def resume(self, feed: str) -> bytes | None:
        """The resume state of a feed."""
        return await self._one("SELECT state FROM resume WHERE feed = ?", feed)

    async def fact(self, namespace: str, key: str) -> bytes | None:
        """A small fact."""
        return await self._one(
            "SELECT value FROM facts WHERE namespace = ? AND key = ?", namespace, key
        )

    async def _one(self, query: str, *parameters: str) -> bytes | None:
        row = await self._run(lambda: self._connection.execute(query, parameters).fetchone())
        return None if row is None else row[0]

    async def facts(self, namespace: str) -> Sequence[tuple[str, bytes]]:
        """All facts of a namespace, by key."""
        query = "SELECT key, value FROM facts WHERE namespace = ? ORDER BY key"
        return await self._run(lambda: self._connection.execute(query, (namespace,)).fetchall())

    async def dead_letters(self, sink: str | None, after: int, limit: int) -> Sequence[DeadLetter]:
        """Waiting dead letters by id."""
        rows = await self._run(
            lambda: self._connection.execute(_LETTERS, (after, sink, limit)).fetchall()
        )
        return list(map(_letter, rows))

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One dead letter, whatever its state."""
        row = await self._run(
            lambda: self._connection.execute(f"{_LETTER} WHERE id = ?", (number,)).fetchone()
        )
        return None if row is None else _letter(row)

    async def held(self, sink: str) -> Held:
        """What a sink holds."""
        return await self._run(lambda: letters.held(self._connection, sink))

    async def close(self) -> None:
        """Finish the query under way and release the file. Idempotent."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._pool, self._connection.close)
        self._pool.shutdown()


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    return DeadLetter(
        id=row[0],
        sink=row[1],
        position=row[2],
        event_id=row[3],
        event_type=row[4],
        reason=Reason(row[5]),
        message=row[6],
        buried=from_text(row[7]),
        body=row[8],
        state=row[9],
        sequence=row[10],
        settled=from_text(row[11]) if row[11] else None,
        settled_by=row[12],
        note=row[13],
    )
