"""One table of the live picture: bounded, and read in pages that follow each other without holes. Pure.

Entries are kept in the order in which they were touched, for what gives way, and read in the order of their keys, so
that a page says where the next one begins however much has changed in between. The order of keys is made when a page
is read: nothing is paid for it while nobody reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, ValuesView
from typing import Generic, TypeVar

E = TypeVar("E")
Key = tuple[str, str]


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
        self._removed = False
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
                self._order, self._added = None, []
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self._removed = True
            self.evicted += 1

    def pop(self, key: Key) -> None:
        """Remove an entry, if it is there."""
        if self._entries.pop(key, None) is not None:
            self._removed = True

    def clear(self) -> None:
        """Remove all."""
        self._entries.clear()
        self._order, self._added = None, []

    def page(
        self, after: Key | None, limit: int, wanted: Callable[[E], bool]
    ) -> tuple[list[E], Key | None]:
        """At most `limit` wanted entries behind a key, in the order of keys, and the key that the next page follows.

        The key is None when there are no more. It need not be in the table any longer.
        """
        found: list[E] = []
        last: Key | None = None
        for key in self._keys_behind(after):
            entry = self._entries[key]
            if not wanted(entry):
                continue
            if len(found) == limit:
                return found, last
            found.append(entry)
            last = key
        return found, None

    def _keys_behind(self, after: Key | None) -> Iterator[Key]:
        order = self._ordered()
        start = 0 if after is None else bisect_right(order, after)
        return (order[place] for place in range(start, len(order)))

    def _ordered(self) -> list[Key]:
        known = self._entries
        if self._order is None:
            self._order = sorted(known)
        elif self._added or self._removed:
            # One sorted run and a short tail cost a sort hardly more than looking at each key. A key that was
            # removed and came again stands in both.
            keys = dict.fromkeys([*self._order, *self._added])
            self._order = sorted(key for key in keys if key in known)
        self._added, self._removed = [], False
        return self._order
