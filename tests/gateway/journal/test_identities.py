from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.events import event_id
from gateway.journal import identities
from gateway.journal.identities import IdIndex, id_key
from gateway.journal.schema import create_tables

MERGE = 64
GENERATION = 200


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Tables in memory, and an index that merges and seals soon."""
    monkeypatch.setattr(identities, "MERGE_IDS", MERGE)
    monkeypatch.setattr(identities, "GENERATION_IDS", GENERATION)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create_tables(connection)
        yield connection


def store(connection: sqlite3.Connection, index: IdIndex, keys: list[bytes], first: int) -> None:
    """Store events with these ids, as a committed group does, and merge what is to be merged."""
    connection.executemany(
        "INSERT INTO events VALUES (?, ?, 1, 1, 1, x'')",
        [(first + place, key) for place, key in enumerate(keys)],
    )
    index.add(keys, first + len(keys) - 1)
    while index.merging:
        index.write_chunk()
        index.committed()


def test_it_knows_exactly_what_was_stored(connection: sqlite3.Connection) -> None:
    """Before and after merges, over generations, and after a restart: no id too many, none too few."""
    index = IdIndex(connection)
    generator = random.Random(3)
    stored: list[bytes] = []
    for _ in range(40):
        keys = [generator.randbytes(16) for _ in range(30)]
        store(connection, index, keys, len(stored) + 1)
        stored += keys
        strangers = [generator.randbytes(16) for _ in range(30)]
        asked = generator.sample(stored, 20) + strangers
        assert index.known(asked) == set(asked) - set(strangers)
    again = IdIndex(connection)
    assert again.known(stored) == set(stored)
    assert connection.execute("SELECT count(*) FROM generations").fetchone()[0] > 2


def test_an_undone_merge_forgets_nothing(connection: sqlite3.Connection) -> None:
    """When the transaction of a chunk is rolled back, the ids are still known and are merged later."""
    index = IdIndex(connection)
    keys = [os.urandom(16) for _ in range(MERGE)]
    connection.executemany(
        "INSERT INTO events VALUES (?, ?, 1, 1, 1, x'')", list(enumerate(keys, start=1))
    )
    index.add(keys, MERGE)
    connection.execute("BEGIN")
    index.write_chunk()
    connection.execute("ROLLBACK")
    index.rolled_back()
    assert index.known(keys) == set(keys)
    while index.merging:
        index.write_chunk()
        index.committed()
    assert index.known(keys) == set(keys)
    assert IdIndex(connection).known(keys) == set(keys)


def test_generations_of_trimmed_events_are_dropped(connection: sqlite3.Connection) -> None:
    """When all events of an old generation are gone its ids go, and only its."""
    index = IdIndex(connection)
    keys = [os.urandom(16) for _ in range(GENERATION * 3)]
    for start in range(0, len(keys), 100):
        store(connection, index, keys[start : start + 100], start + 1)
    first = GENERATION * 2
    connection.execute("DELETE FROM events WHERE position < ?", (first,))
    while index.droppable(first):
        index.drop_chunk(50)
    assert index.known(keys[first - 1 :]) == set(keys[first - 1 :])
    assert not index.known(keys[:GENERATION])
    (left,) = connection.execute("SELECT count(*) FROM ids").fetchone()
    assert left <= GENERATION * 2


@pytest.mark.parametrize("text", ["", "x", "é" * 40, "A" * 32, " " * 32, "0" * 31 + "g"])
def test_any_text_has_a_key(text: str) -> None:
    """Ids of other forms are hashed; their key is not that of a similar id."""
    assert len(id_key(text)) == 16
    assert id_key(text) != id_key(text.lower() + "0")


def test_our_ids_are_their_own_keys() -> None:
    """What `event_id` makes is kept as the bytes it spells."""
    identity = event_id("feed", 1)
    assert id_key(identity).hex() == identity
