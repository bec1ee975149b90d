"""Places in the journal as the ids of streamed events: which journal, and which position in it. Pure.

A position of another journal means nothing, so the id names the journal: after a restore from a copy a reader is told
that its place is gone, where a bare number would silently skip or repeat events.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

PATTERN = r"^([0-9a-f]{8}-)?[0-9]{1,18}$"
_NAME_BYTES = 4


class Place(NamedTuple):
    """A position, and the short name of its journal; None if the reader did not say which."""

    position: int
    journal: str | None = None


def short_name(journal_id: str) -> str:
    """A journal's name in ids: 8 hexadecimal digits."""
    return blake2b(journal_id.encode(), digest_size=_NAME_BYTES).hexdigest()


def parse(text: str) -> Place:
    """The place that a text of `PATTERN` names."""
    journal, _, position = text.rpartition("-")
    return Place(int(position), journal or None)
