"""What a journal tells its owner, for telemetry. Called in the loop; must not raise and not block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Notice(StrEnum):
    """What happened."""

    FULL = "full"
    ROOM = "room"
    TRIMMED = "trimmed"
    TRIMMED_UNDELIVERED = "trimmed_undelivered"
    CORRUPT = "corrupt"
    RESUME_UNREADABLE = "resume_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalNotice:
    """A change of a journal's condition, told once. `events` is how many it concerns."""

    notice: Notice
    message: str
    events: int = 0


OnNotice = Callable[[JournalNotice], None]


def ignore(_notice: JournalNotice) -> None:
    """Tell nobody."""
