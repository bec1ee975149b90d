"""When the resume state is written. With thousands of agents it has megabytes, and every delivery may carry it.

Between two writings the journal holds an older one. A process that is killed goes on from that: the server replays what
came after it, the mapping makes the same events of it, with the same ids, and the journal keeps one of each. So it may
lag behind, but only as far as the server's buffer of about 1000 messages a topic reaches. What the server does not
replay, and what was read instead of heard, is written at once. Pure.
"""

from __future__ import annotations

SMALL_BYTES = 65_536
"""A state up to this size is written with every delivery."""
BYTES_PER_SECOND = 1 << 20
"""A larger one makes no more than this, on average over its interval."""
MAX_SECONDS = 5.0
MAX_MESSAGES = 250
"""After so many messages it is written in any case: a quarter of the server's buffer."""


class Keeping:
    """Measures how far the stored state is behind. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._size = 0
        self._written_at = float("-inf")
        self._messages = 0
        self._owed = True

    def owe(self) -> None:
        """Something happened that nothing replays: the next delivery carries the state."""
        self._owed = True

    def is_due(self, messages: int, now: float) -> bool:
        """Whether a delivery of so many messages has to carry the state."""
        self._messages += messages
        if self._owed or self._size <= SMALL_BYTES or self._messages >= MAX_MESSAGES:
            return True
        return now - self._written_at >= min(self._size / BYTES_PER_SECOND, MAX_SECONDS)

    def written(self, size: int, now: float) -> None:
        """The state was given out, with so many bytes."""
        self._size = size
        self._written_at = now
        self._messages = 0
        self._owed = False
