"""The appends of one group: what is new, its positions and sequences, and the rows to write.

A draft changes nothing but itself; the store adopts it once the transaction is durable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

from gateway.events import StoredEvent
from gateway.journal.identities import IdIndex
from gateway.journal.sealing import Sealer
from gateway.journal.statements import insert_rows
from gateway.journal.work import Append

_EVENTS = "INSERT INTO events (position, id, source, sequence, type, body)"
_SOURCE = itemgetter(1)
_RESUME = "INSERT INTO resume (feed, state)"
_KEEP_STATE = "ON CONFLICT (feed) DO UPDATE SET state = excluded.state"
_SOURCES = "INSERT INTO sources (id, name, sequence)"
_KEEP_SEQUENCE = "ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence"


class Known(Protocol):
    """What a draft starts from."""

    last_position: int
    sources: dict[str, tuple[int, int]]
    types: dict[str, int]
    source_names: dict[int, str]
    type_names: dict[int, str]
    ids: IdIndex


class Draft:
    """New events of a group of appends.

    Attributes:
        events: the new events in order.
        keys: their ids.
        sources: the sources they come from, with number and last sequence.
        types: types that were not known before, with their numbers.
        duplicates: how many were stored already.
        results: per append, in order: stored, duplicates, newest position.
        appended_at: the wall-clock time of the transaction, in seconds.
    """

    def __init__(self, known: Known, appends: Sequence[Append]) -> None:
        self.appends = appends
        self.events: list[StoredEvent] = []
        self.keys: list[bytes] = []
        self.sources: dict[str, tuple[int, int]] = {}
        self.types: dict[str, int] = {}
        self.duplicates = 0
        self.appended_at = 0.0
        self.results: list[tuple[int, int, int]] = []
        self._known = known
        self._sequences: dict[str, int] = {}
        self._values: list[Any] = []
        self._fill()

    def _fill(self) -> None:
        keys = [row[0] for work in self.appends for row in work.rows]
        taken = self._known.ids.known(keys) if keys else set()
        clean = not taken and len(set(keys)) == len(keys)
        position = self._known.last_position
        for work in self.appends:
            rows = work.rows
            if not clean:
                new = []
                for row in rows:
                    if row[0] not in taken:
                        taken.add(row[0])
                        new.append(row)
                rows = new
            duplicates = len(work.rows) - len(rows)
            self._add(rows, position)
            position += len(rows)
            self.duplicates += duplicates
            self.results.append((len(rows), duplicates, position))
        for name, sequence in self._sequences.items():
            self.sources[name] = (self._source(name), sequence)

    def _add(self, rows: Sequence[tuple[bytes, str, str, bytes]], position: int) -> None:
        types = self._known.types
        keys, events, values = self.keys, self.events, self._values
        # An append is nearly always of one source, which is then looked up once.
        for source, run in groupby(rows, _SOURCE):
            number = self._source(source)
            sequence = self._sequences.get(source) or self._known_sequence(source)
            for key, _, type_, body in run:
                position += 1
                sequence += 1
                keys.append(key)
                events.append(StoredEvent(position, sequence, type_, source, body))
                type_number = types.get(type_) or self._type(type_)
                values += (position, key, number, sequence, type_number, body)
            self._sequences[source] = sequence

    def _known_sequence(self, source: str) -> int:
        entry = self._known.sources.get(source)
        return entry[1] if entry is not None else 0

    def _source(self, name: str) -> int:
        entry = self._known.sources.get(name) or self.sources.get(name)
        if entry is not None:
            return entry[0]
        number = len(self._known.sources) + len(self.sources) + 1
        self.sources[name] = (number, 0)
        return number

    def _type(self, name: str) -> int:
        number = self.types.get(name)
        if number is None:
            number = self.types[name] = len(self._known.types) + len(self.types) + 1
        return number

    def write(self, connection: sqlite3.Connection, sealer: Sealer) -> None:
        """Write everything into the open transaction, of each feed's resume states only the last."""
        for name, number in self.types.items():
            connection.execute("INSERT INTO types (id, name) VALUES (?, ?)", (number, name))
        if self.events:
            insert_rows(connection, _EVENTS, 6, self._values)
            sources = [
                value
                for name, (number, sequence) in self.sources.items()
                for value in (number, name, sequence)
            ]
            insert_rows(connection, _SOURCES, 3, sources, _KEEP_SEQUENCE)
        states = {work.feed: work.resume for work in self.appends if work.resume is not None}
        if states:
            if sealer:
                states = {feed: sealer.seal(feed, state) for feed, state in states.items()}
            flat = [value for pair in states.items() for value in pair]
            insert_rows(connection, _RESUME, 2, flat, _KEEP_STATE)
        # Readers may see the rows as soon as they are committed, so the names come first.
        for name, (number, _) in self.sources.items():
            self._known.source_names[number] = name
        for name, number in self.types.items():
            self._known.type_names[number] = name
