"""The newest events, in memory and durable: what consumers that keep up read."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.events import StoredEvent

_SLACK = 1_024


class Tail:
    """A bounded run of events without a hole, ending at the newest one."""

    def __init__(self, last_position: int, max_events: int, max_bytes: int) -> None:
        self.last_position = last_position
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: list[StoredEvent] = []
        self._start = 0
        self._bytes = 0

    def extend(self, events: Sequence[StoredEvent]) -> None:
        """Add durable events; the oldest ones make room."""
        self._events += events
        self.last_position = events[-1].position
        self._bytes += sum([len(event.body) for event in events])
        run, start = self._events, self._start
        while len(run) - start > self._max_events or (
            self._bytes > self._max_bytes and len(run) - start > 1
        ):
            self._bytes -= len(run[start].body)
            start += 1
        # Events before the start are freed in slices, for each deletion moves the whole list.
        if start > _SLACK:
            del run[:start]
            start = 0
        self._start = start

    def read(self, after: int, limit: int) -> Sequence[StoredEvent] | None:
        """Events behind a position; None if they are no longer, or not yet completely, in memory."""
        if after >= self.last_position:
            return ()
        held = len(self._events) - self._start
        skipped = after - (self.last_position - held)
        if skipped < 0:
            return None
        start = self._start + skipped
        return self._events[start : start + limit]
