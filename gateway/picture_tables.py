"""One table of the live picture: bounded, and read in pages that follow each other without holes. Pure.

Entries are kept in the order in which they were touched, for what gives way, and read in the order of their keys, so
that a page says where the next one begins however much has changed in between. The order of keys is made when a page
is read: nothing is paid for it while nobody reads. It may hold keys that are no longer in the table, and keys twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, ValuesView
from typing import Generic, TypeVar

E = TypeVar("E")
Key = tuple[str, str]

_FEW = 100


class Table(Generic[E]):
    """Entries by (connector, id). At most `limit`; then the entry touched least recently gives way.

    Attributes:
        evicted: how many entries gave way.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, E] = OrderedDict()
        # None: nobody has read for long, and the next reading sorts all.
        self._order: list[Key] | None = None
        self._added: list[Key] = []
        self._stale = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> ValuesView[E]:
        """All entries, those touched least recently first."""
        return self._entries.values()

    def get(self, key: Key) -> E | None:
        """The entry with this key."""
        return self._entries.get(key)

    def put(self, key: Key, entry: E) -> None:
        """Set an entry, which counts as touching it."""
        if self._order is not None and key not in self._entries:
            self._added.append(key)
            if len(self._added) > self._limit:
                self._order, self._added, self._stale = None, [], 0
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self._stale += 1
            self.evicted += 1

    def pop(self, key: Key) -> None:
        """Remove an entry, if it is there."""
        if self._entries.pop(key, None) is not None:
            self._stale += 1

    def clear(self) -> None:
        """Remove all."""
        self._entries.clear()
        self._order, self._added, self._stale = None, [], 0

    def page(
        self,
        after: Key | None,
        limit: int,
        wanted: Callable[[E], bool],
        *,
        look_at: int | None = None,
    ) -> tuple[list[E], Key | None]:
        """At most `limit` wanted entries behind a key, in the order of keys, and the key that the next page follows.

        The key is None when there are no more. It need not be in the table any longer. No more than `look_at` entries
        are judged, so that the caller can give others a turn and go on.
        """
        found: list[E] = []
        last: Key | None = None
        looked = 0
        for key, entry in self._behind(after):
            if looked == look_at:
                return found, last
            looked += 1
            if not wanted(entry):
                last = key
                continue
            if len(found) == limit:
                return found, last
            found.append(entry)
            last = key
        return found, None

    def _behind(self, after: Key | None) -> Iterator[tuple[Key, E]]:
        order, entries = self._ordered(), self._entries
        before = after
        for place in range(0 if after is None else bisect_right(order, after), len(order)):
            key = order[place]
            if key != before and (entry := entries.get(key)) is not None:
                yield key, entry
            before = key

    def _ordered(self) -> list[Key]:
        if self._order is None or self._stale > len(self._entries):
            self._order = sorted(self._entries)
            self._stale = 0
        elif len(self._added) <= _FEW:
            for key in self._added:
                place = bisect_left(self._order, key)
                if place == len(self._order) or self._order[place] != key:
                    self._order.insert(place, key)
        else:
            # One sorted run and a tail: the sort costs little more than looking at each key.
            self._order += self._added
            self._order.sort()
        self._added = []
        return self._order
