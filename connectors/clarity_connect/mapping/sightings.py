"""Hub methods that the settings do not name: each is new once. The vendor documents none of them."""

from __future__ import annotations

MAX_NAMES = 200
MAX_NAME = 200
OTHERS = "(others)"
"""Stands for all that came after the first `MAX_NAMES`."""


class Sightings:
    """Counts unmapped methods by `hub.method`, and remembers which of them nobody has been told of.

    Attributes:
        counts: how often each was called.
        untold: those that were seen for the first time since the owner last emptied it.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.untold: list[str] = []

    def note(self, topic: str) -> bool:
        """A method was called; whether for the first time. Beyond the bound only `OTHERS` is counted, new once."""
        name = topic[:MAX_NAME]
        if name not in self.counts and len(self.counts) >= MAX_NAMES:
            name = OTHERS
        first = name not in self.counts
        self.counts[name] = self.counts.get(name, 0) + 1
        if first:
            self.untold.append(name)
        return first
