"""Reading a journal that may be damaged: past every page that cannot be read, to the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.events import StoredEvent
from gateway.journal.damage import BROKEN, MISNAMED, opened
from gateway.journal.identities import id_key

SPAN = 512

_EVENTS = (
    "SELECT position, id, source, sequence, type, body FROM events"
    " WHERE position BETWEEN ? AND ? ORDER BY position"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An event whose row could be read.

    `fault` says what is wrong with it, if anything; `broken` that its body is no event, so that no sink could take it.
    """

    position: int
    key: bytes
    sequence: int
    type: str
    source: str
    body: bytes
    fault: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Positions whose page cannot be read."""

    first: int
    last: int
    reason: str


def attempt(query: Callable[[], Sequence[Any]]) -> tuple[Sequence[Any], str]:
    """The rows of a query and no reason, or no rows and why."""
    try:
        return query(), ""
    except (sqlite3.Error, OverflowError) as error:
        return [], str(error)


def rows_of(connection: sqlite3.Connection, table: str) -> tuple[list[tuple[Any, ...]], str]:
    """As many rows of a small table as can be read, and why there are not more."""
    found: list[tuple[Any, ...]] = []
    try:
        for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 a constant of schema.py
            found.append(row)  # noqa: PERF402 what came before the fault is kept
    except (sqlite3.Error, OverflowError) as error:
        return found, str(error)
    return found, ""


def _numbers(connection: sqlite3.Connection, query: str) -> tuple[list[int], str]:
    rows, reason = attempt(lambda: connection.execute(query).fetchall())
    return [row[0] for row in rows if isinstance(row[0], int)], reason


def end(connection: sqlite3.Connection) -> int:
    """The last position that the writer gave, by what it wrote of events itself."""
    newest, reason = _numbers(connection, "SELECT max(position) FROM events")
    if reason:
        # Unless something was salvaged before, the sequences of all sources add up to the last position.
        newest, _ = _numbers(connection, "SELECT sum(sequence) FROM sources")
    for query in ("SELECT value FROM marks", "SELECT max(last) FROM holes"):
        newest += _numbers(connection, query)[0]
    return max(newest, default=0)


def bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """The first position that may be stored, and the last that anybody knows of, from whatever can be read."""
    known = [end(connection)]
    for query in ("SELECT max(position) FROM consumers", "SELECT max(position) FROM ages"):
        known += _numbers(connection, query)[0]
    last = max(known)
    oldest, reason = _numbers(connection, "SELECT min(position) FROM events")
    if reason:
        return 1, last
    return (oldest[0] if oldest else last + 1), last


def events(connection: sqlite3.Connection, first: int, last: int) -> Iterator[Found | Unreadable]:
    """Every event from first to last, with what cannot be read in its place."""
    names = {
        table: dict(row[:2] for row in rows_of(connection, table)[0])
        for table in ("sources", "types")
    }
    bad: Unreadable | None = None
    for start in range(first, last + 1, SPAN):
        stop = min(start + SPAN - 1, last)
        for item in _span(connection, start, stop):
            if isinstance(item, Unreadable):
                bad = _joined(bad, item)
                continue
            if bad is not None:
                yield bad
                bad = None
            yield _judged(item, names["sources"], names["types"])
    if bad is not None:
        yield bad


def _span(
    connection: sqlite3.Connection, start: int, stop: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    """One query for many rows; if it fails, halves, until the bad rows are found."""
    rows, reason = attempt(lambda: connection.execute(_EVENTS, (start, stop)).fetchall())
    if not reason:
        yield from rows
    elif start == stop:
        yield Unreadable(first=start, last=stop, reason=reason)
    else:
        middle = (start + stop) // 2
        yield from _span(connection, start, middle)
        yield from _span(connection, middle + 1, stop)


def _joined(before: Unreadable | None, now: Unreadable) -> Unreadable:
    return now if before is None else replace(before, last=now.last)


def _judged(row: tuple[Any, ...], sources: dict[int, str], types: dict[int, str]) -> Found:
    position, key, source, sequence, type_, body = row
    named = {"source": sources.get(source, ""), "type": types.get(type_, "")}
    try:
        envelope = opened(StoredEvent(position, sequence, named["type"], named["source"], body))
    except (*BROKEN, AttributeError) as error:
        return Found(
            position=position,
            key=key,
            sequence=sequence,
            body=body,
            fault=str(error),
            broken=True,
            **named,
        )
    fault = ""
    if id_key(envelope.id) != key:
        fault = "the id is not that of the body"
    elif named != {"source": envelope.source, "type": envelope.type}:
        fault = MISNAMED
    return Found(
        position=position,
        key=id_key(envelope.id),
        sequence=sequence,
        type=envelope.type,
        source=envelope.source,
        body=body,
        fault=fault,
    )
