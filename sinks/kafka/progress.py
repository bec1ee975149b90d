"""How far the events of a journal are in the cluster, and how that is written down; no I/O.

Two things together say which events are there: everything up to one position is settled, and of what comes behind it
the partitions themselves tell, because each record carries its position. A mark is written for each partition from
time to time: the offset from which such records may still be found, as the offset of a consumer group, and with it the
settled position, as its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Partition(NamedTuple):
    """A topic and the number of one of its partitions, named as in aiokafka, which takes it for its own."""

    topic: str
    partition: int


Offsets = Mapping[Partition, tuple[int, str]]
"""By partition: an offset and its metadata."""


@dataclass(slots=True)
class Progress:
    """One sink's; it outlives connections.

    Attributes:
        journal: the id of the journal that positions belong to.
        settled: everything up to there was written, or was refused and is a dead letter by now; None if nobody knows.
        written: positions behind `settled` that are in the cluster.
        offsets: by partition, the offset before which nothing is left to look for.
        unmarked: partitions whose mark is behind their offset.
    """

    journal: str
    settled: int | None = None
    written: set[int] = field(default_factory=set)
    offsets: dict[Partition, int] = field(default_factory=dict)
    unmarked: set[Partition] = field(default_factory=set)

    def covers(self, position: int) -> bool:
        """Whether the event at this position was delivered; a repetition (negative) never was."""
        if position in self.written:
            return True
        return self.settled is not None and 0 < position <= self.settled

    def settle(self, position: int) -> None:
        """Nothing is left to do up to this position."""
        if self.settled is None or position > self.settled:
            self.settled = position
            if self.written and max(self.written) <= position:
                self.written.clear()

    def passed(self, partition: Partition, offset: int) -> None:
        """All there is in a partition before an offset is settled, or among `written`."""
        if self.offsets.get(partition) != offset:
            self.offsets[partition] = offset
            self.unmarked.add(partition)

    def marks(self) -> Offsets:
        """What to write down now; nothing while a mark would pass records that are known only here."""
        if self.written:
            return {}
        text = self.mark_text
        return {partition: (self.offsets[partition], text) for partition in self.unmarked}

    @property
    def mark_text(self) -> str:
        """The metadata of a mark that is written now."""
        return f"{self.journal} {self.settled or 0}"

    def marked(self, marks: Offsets) -> None:
        """These marks are written down."""
        for partition, (offset, _) in marks.items():
            if self.offsets[partition] == offset:
                self.unmarked.discard(partition)

    def restore(self, marks: Offsets) -> bool:
        """Begin with what is written down; False if another journal's marks are among it, which say nothing.

        What is known already, from an earlier connection, is newer.
        """
        ours = True
        for partition, (offset, text) in marks.items():
            owner, _, position = text.partition(" ")
            if owner != self.journal or not position.isdecimal():
                ours = False
                continue
            if int(position):
                self.settle(int(position))
            self.offsets.setdefault(partition, offset)
        return ours
