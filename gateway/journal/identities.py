"""Which event ids the journal already has: exact, and as cheap at ten million as at ten.

Ids are random, so an ordinary index would dirty one page of the file for every event. Instead the newest ids are kept
in memory only (they are in `events`, so a restart finds them again) and go to the `ids` table in sorted chunks, into
the newest *generation*. A generation that has GENERATION_IDS is sealed and never written again; it is dropped whole
once all its events are trimmed. A filter per generation (see `filters`) answers nearly every question about a new id
without reading the file.

All methods run in the writer's thread, inside its transaction where they write; `committed` follows the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from gateway.events.envelope import ID_BYTES
from gateway.journal.filters import Filter, Planes

MERGE_IDS = 65_536
CHUNKS = 16
LOAD_IDS = 4_096
GENERATION_IDS = 1_000_000

_INSERT = """
WITH RECURSIVE chunk(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM chunk WHERE place + 1 < ?3)
INSERT OR IGNORE INTO ids (generation, id) SELECT ?1, substr(?2, 1 + 16 * place, 16) FROM chunk
"""
_SELECT = """
WITH RECURSIVE chunk(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM chunk WHERE place + 1 < ?3)
SELECT ids.id FROM chunk CROSS JOIN ids
WHERE ids.generation = CAST(substr(?1, 1 + 10 * place, 10) AS INTEGER)
AND ids.id = substr(?2, 1 + 16 * place, 16)
"""


def id_key(text: str) -> bytes:
    """The 16 bytes under which an id is remembered: those it spells, or a hash of any other text."""
    if len(text) == 2 * ID_BYTES:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            pass
        else:
            if key.hex() == text:
                return key
    return blake2b(text.encode(), digest_size=ID_BYTES).digest()


@dataclass(slots=True)
class _Generation:
    id: int
    filter: Filter
    count: int = 0
    last_position: int = 0
    sealed: bool = False


@dataclass(slots=True)
class _Merge:
    """Ids on their way into the file, split by their first bits so that no sort holds the interpreter for long.

    Attributes:
        ids: all of them.
        chunks: what is left to write.
        position: the newest position they cover.
        written: whether the last chunk is written but not committed.
    """

    ids: set[bytes]
    chunks: list[list[bytes]]
    position: int
    written: bool = False


class IdIndex:
    """The ids of all stored events."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._recent: set[bytes] = set()
        self._recent_position = 0
        self._merge: _Merge | None = None
        self._generations: list[_Generation] = []
        self._planes = Planes()
        self._load()

    def _load(self) -> None:
        rows = self._connection.execute(
            "SELECT id, count, last_position, filter FROM generations ORDER BY id"
        )
        for number, count, last_position, bits in rows:
            generation = _Generation(
                number, self._planes.new(number), count, last_position, sealed=bits is not None
            )
            if bits is not None:
                generation.filter.load(bits)
            else:
                cursor = self._connection.execute(
                    "SELECT id FROM ids WHERE generation = ?", (number,)
                )
                while part := cursor.fetchmany(LOAD_IDS):
                    generation.filter.add([key for (key,) in part])
            self._generations.append(generation)
        merged = self._connection.execute(
            "SELECT value FROM marks WHERE name = 'merged'"
        ).fetchone()
        self._recent_position = merged[0] if merged else 0
        for position, key in self._connection.execute(
            "SELECT position, id FROM events WHERE position > ? ORDER BY position",
            (self._recent_position,),
        ):
            self._recent.add(key)
            self._recent_position = position

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the ids that are stored already."""
        found = self._recent.intersection(keys)
        if self._merge is not None:
            found.update(self._merge.ids.intersection(keys))
        perhaps = [one for one in self._planes.candidates(keys) if one[1] not in found]
        if perhaps:
            generations = "".join([f"{generation:010}" for generation, _ in perhaps])
            asked = b"".join([key for _, key in perhaps])
            rows = self._connection.execute(_SELECT, (generations, asked, len(perhaps)))
            found.update([key for (key,) in rows.fetchall()])
        return found

    def add(self, keys: Iterable[bytes], position: int) -> None:
        """Remember ids of events that are now committed, the last at `position`."""
        self._recent.update(keys)
        self._recent_position = position
        if self._merge is None and len(self._recent) >= MERGE_IDS:
            ids, self._recent = self._recent, set()
            chunks: list[list[bytes]] = [[] for _ in range(CHUNKS)]
            for key in ids:
                chunks[key[0] * CHUNKS >> 8].append(key)
            self._merge = _Merge(ids, [chunk for chunk in reversed(chunks) if chunk], position)

    @property
    def merging(self) -> bool:
        """Whether `write_chunk` has something to do."""
        return self._merge is not None

    def write_chunk(self) -> None:
        """Write the next sorted chunk of ids; to be committed, or undone by `rolled_back`."""
        merge = self._merge
        if merge is None:
            return
        if not self._generations or self._generations[-1].sealed:
            self._open_generation()
        generation = self._generations[-1]
        chunk = sorted(merge.chunks[-1])
        done = len(merge.chunks) == 1
        merge.written = True
        generation.filter.add(chunk)
        self._connection.execute(_INSERT, (generation.id, b"".join(chunk), len(chunk)))
        count = generation.count + len(chunk)
        sealed = generation.filter.saved() if done and count >= GENERATION_IDS else None
        self._connection.execute(
            "UPDATE generations SET last_position = ?, count = ?, filter = ? WHERE id = ?",
            (merge.position, count, sealed, generation.id),
        )
        if done:
            self._connection.execute(
                "INSERT OR REPLACE INTO marks VALUES ('merged', ?)", (merge.position,)
            )

    def _open_generation(self) -> None:
        number = self._generations[-1].id + 1 if self._generations else 1
        self._connection.execute(
            "INSERT OR IGNORE INTO generations VALUES (?, 0, 0, NULL)", (number,)
        )
        self._generations.append(_Generation(number, self._planes.new(number)))

    def committed(self) -> None:
        """The transaction of `write_chunk` is durable."""
        merge = self._merge
        if merge is None or not merge.written:
            return
        generation = self._generations[-1]
        generation.count += len(merge.chunks.pop())
        generation.last_position = merge.position
        merge.written = False
        if not merge.chunks:
            generation.sealed = generation.count >= GENERATION_IDS
            self._merge = None

    def rolled_back(self) -> None:
        """The transaction of `write_chunk` did not happen."""
        if self._merge is not None and self._merge.written:
            self._merge.written = False
            if self._generations[-1].count == 0:
                self._generations.pop().filter.leave()

    def droppable(self, first_position: int) -> bool:
        """Whether all events of the oldest generation are gone; the newest generation always stays."""
        return len(self._generations) > 1 and self._generations[0].last_position < first_position

    def drop_chunk(self, count: int) -> None:
        """Delete so many ids of the oldest generation, in a transaction of its own."""
        oldest = self._generations[0].id
        removed = self._connection.execute(
            "DELETE FROM ids WHERE generation = ?1 AND id <= (SELECT max(id) FROM "
            "(SELECT id FROM ids WHERE generation = ?1 ORDER BY id LIMIT ?2))",
            (oldest, count),
        ).rowcount
        if removed <= 0:
            self._connection.execute("DELETE FROM generations WHERE id = ?", (oldest,))
            self._generations.pop(0).filter.leave()
