"""Filters of ids, eight side by side: one look at a word of memory answers for eight generations at once.

A filter has three bits for each id in two mebibytes. Its n-th byte stands in a *plane* beside the n-th bytes of seven
others, so the 64-bit word n of the plane holds, for eight bit positions of a filter, the bits of all eight. In the
journal's file each filter is kept by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from mmap import mmap

FILTER_BYTES = 1 << 21
COLUMNS = 8
_MASK = FILTER_BYTES * 8 - 1
_EACH = 0x0101010101010101
_NOTHING = bytes(FILTER_BYTES)


Slots = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""The three bits of each id: first one of each, then the second of each, then the third."""


def slots_of(keys: Sequence[bytes]) -> Slots:
    """Where the bits of ids stand; ids are random already."""
    numbers = struct.unpack(f"<{4 * len(keys)}I", b"".join(keys))
    first, second, third = ([one & _MASK for one in numbers[part::4]] for part in (0, 2, 1))
    return first, second, third


class Plane:
    """Eight filters of the generations in `owners`; 0 is none. Memory is taken as it is used."""

    def __init__(self) -> None:
        self.bytes = mmap(-1, FILTER_BYTES * COLUMNS)
        self.owners = [0] * COLUMNS
        self._words = memoryview(self.bytes).cast("Q")

    def candidates(self, keys: Sequence[bytes], slots: Slots) -> list[tuple[bytes, int]]:
        """The ids that are perhaps in some filter, each with a word whose byte n is 1 for the filter n."""
        words, each = self._words, _EACH
        return [
            (key, found)
            for key, one, two, three in zip(keys, *slots, strict=True)
            if (found := words[one >> 3] >> (one & 7) & words[two >> 3] >> (two & 7) & each)
            and (found := words[three >> 3] >> (three & 7) & found)
        ]


class Filter:
    """One column of a plane: answers "certainly not here" or "perhaps here"."""

    def __init__(self, plane: Plane, column: int, generation: int) -> None:
        self.plane = plane
        self._column = column
        plane.owners[column] = generation

    def add(self, keys: Sequence[bytes]) -> None:
        """Remember ids."""
        bits, column = self.plane.bytes, self._column
        for slots in slots_of(keys):
            for slot in slots:
                bits[(slot >> 3) * COLUMNS + column] |= 1 << (slot & 7)

    def load(self, bits: bytes) -> None:
        """Take what `saved` gave."""
        self.plane.bytes[self._column :: COLUMNS] = bits

    def saved(self) -> bytes:
        """The filter by itself."""
        return self.plane.bytes[self._column :: COLUMNS]

    def leave(self) -> None:
        """Make room for another generation's filter."""
        self.plane.owners[self._column] = 0
        self.load(_NOTHING)


class Planes:
    """As many planes as the generations need."""

    def __init__(self) -> None:
        self._planes: list[Plane] = []

    def new(self, generation: int) -> Filter:
        """An empty filter, in the first column that is free."""
        for plane in self._planes:
            if 0 in plane.owners:
                return Filter(plane, plane.owners.index(0), generation)
        self._planes.append(Plane())
        return Filter(self._planes[-1], 0, generation)

    def candidates(self, keys: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """The ids that are perhaps here, each with its generation; with several if it may be in any of them."""
        if not self._planes:
            return []
        slots = slots_of(keys)
        return [
            (owner, key)
            for plane in self._planes
            for key, where in plane.candidates(keys, slots)
            for column, owner in enumerate(plane.owners)
            if where >> (8 * column) & 1
        ]
