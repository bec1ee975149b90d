"""Held events and dead letters in the file: what a position has passed and still has to be settled. Blocking.

Everything here runs inside a transaction of the writer, but for `held`, which reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.contracts import Held, HeldChanges, HeldEvent, KeyTrouble
from gateway.errors import Reason
from gateway.events import StoredEvent
from gateway.journal.damage import BROKEN, checked, opened
from gateway.journal.dates import to_text
from gateway.journal.statements import insert_rows

BURIAL = (
    "INSERT OR IGNORE INTO dead_letters"
    " (sink, position, event_id, event_type, reason, message, buried, body, sequence, source)"
)
BURIAL_COLUMNS = 10
PARAMETERS_AT_ONCE = 500

_HOLD = "INSERT OR IGNORE INTO held (sink, position, key, since, sequence, type, source, body)"
_TROUBLE = (
    "INSERT OR REPLACE INTO held_keys"
    " (sink, key, attempts, failing_since, next_try, reason, message)"
)
_EVENTS = (
    "SELECT position, sequence, type, source, body, key, since FROM held"
    " WHERE sink = ? ORDER BY position"
)
_TROUBLES = (
    "SELECT key, attempts, failing_since, next_try, reason, message FROM held_keys"
    " WHERE sink = ? ORDER BY key"
)
_WAITING = (
    "SELECT id, position, sequence, event_type, source, body FROM dead_letters"
    " WHERE state = 'waiting' AND sink = ? AND reason != ? AND id IN ({marks}) ORDER BY position"
)
_SETTLE = (
    "UPDATE dead_letters SET state = ?, settled = ?, settled_by = ?, note = ?"
    " WHERE state = 'waiting' AND sink = ? AND id IN ({marks})"
)


def write_changes(connection: sqlite3.Connection, sink: str, changes: HeldChanges) -> None:
    """Apply what changed about the events that a sink holds."""
    _hold(connection, sink, changes.held)
    connection.executemany(
        "DELETE FROM held WHERE sink = ? AND position = ?",
        [(sink, position) for position in changes.released],
    )
    values: list[Any] = []
    for trouble in changes.troubles:
        values += (
            sink,
            trouble.key,
            trouble.attempts,
            trouble.failing_since.timestamp(),
            trouble.next_try.timestamp(),
            trouble.reason.value,
            trouble.message,
        )
    insert_rows(connection, _TROUBLE, 7, values)
    connection.executemany(
        "DELETE FROM held_keys WHERE sink = ? AND key = ?",
        [(sink, key) for key in changes.recovered],
    )


def _hold(connection: sqlite3.Connection, sink: str, events: Sequence[HeldEvent]) -> None:
    values: list[Any] = []
    for held in events:
        event = held.event
        values += (sink, event.position, held.key, held.since.timestamp())
        values += (event.sequence, event.type, event.source, event.body)
    insert_rows(connection, _HOLD, 8, values)


def held(connection: sqlite3.Connection, sink: str) -> Held:
    """What a sink holds."""
    return Held(
        events=[
            HeldEvent(
                event=checked(connection, StoredEvent(*row[:5])), key=row[5], since=_moment(row[6])
            )
            for row in connection.execute(_EVENTS, (sink,))
        ],
        troubles=[
            KeyTrouble(
                key=row[0],
                attempts=row[1],
                failing_since=_moment(row[2]),
                next_try=_moment(row[3]),
                reason=Reason(row[4]),
                message=row[5],
            )
            for row in connection.execute(_TROUBLES, (sink,))
        ],
    )


def discard(
    connection: sqlite3.Connection,
    sink: str,
    ids: Sequence[int],
    *,
    by: str,
    note: str,
    now: datetime,
) -> int:
    """Settle waiting letters as discarded; returns how many were waiting."""
    return _settle(connection, sink, ids, ("discarded", to_text(now), by, note))


def exhume(
    connection: sqlite3.Connection, sink: str, ids: Sequence[int], *, by: str, now: datetime
) -> list[HeldEvent]:
    """Settle waiting letters as replayed and hold their events, but for damaged ones: there is nothing to deliver."""
    events: list[HeldEvent] = []
    found: list[int] = []
    for part in _parts(ids):
        query = _WAITING.format(marks=_marks(part))
        for number, position, sequence, type_, source, body in connection.execute(
            query, (sink, Reason.CORRUPT.value, *part)
        ):
            try:
                again = _held_again(position, sequence, type_, source, body, now)
            except BROKEN:
                continue
            found.append(number)
            events.append(again)
    _hold(connection, sink, events)
    _settle(connection, sink, found, ("replayed", to_text(now), by, ""))
    return sorted(events, key=lambda one: one.event.position)


def _held_again(
    position: int, sequence: int, type_: str, source: str, body: bytes, now: datetime
) -> HeldEvent:
    event = StoredEvent(position, sequence, type_, source, body)
    if not source:
        # Buried before letters had a source of their own; the body always has one.
        event = StoredEvent(position, sequence, type_, event.envelope.source, body)
    return HeldEvent(event=event, key=opened(event).partitionkey, since=now)


def _settle(
    connection: sqlite3.Connection, sink: str, ids: Sequence[int], how: tuple[str, str, str, str]
) -> int:
    return sum(
        connection.execute(_SETTLE.format(marks=_marks(part)), (*how, sink, *part)).rowcount
        for part in _parts(ids)
    )


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """SQLite bounds the parameters of one statement."""
    for start in range(0, len(ids), PARAMETERS_AT_ONCE):
        yield ids[start : start + PARAMETERS_AT_ONCE]


def _marks(part: Sequence[int]) -> str:
    return ",".join("?" * len(part))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
