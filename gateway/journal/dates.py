"""Times in the journal's file: UTC, of fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(time: datetime) -> str:
    """A time as stored."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text)
