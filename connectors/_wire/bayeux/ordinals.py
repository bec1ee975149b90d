"""Numbers the events of one session so that an event re-sent after a restart has the number it had before.

With the acknowledge extension a connect reply holds every event after the batch number that its
request acknowledged, the unacknowledged ones first and in order (CometD documentation,
"Acknowledge extension"). So counting starts at the ordinal that belongs to that number, and what
was seen before is skipped. Without it every event is sent once, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Any

from connectors._wire.bayeux.values import Event, Mark

Raw = tuple[str, Any]


class Ordinals:
    """The count of one session's events."""

    def __init__(self, client_id: str, *, ack_enabled: bool, start: Mark | None = None) -> None:
        start = start or Mark()
        self.client_id = client_id
        self.ack_enabled = ack_enabled
        self.ack = start.ack
        self.base = start.ordinal
        self._seen = start.ordinal
        self._side = start.side_ordinal
        self._latest = (self.ack, self.base)
        # What the server would re-send, kept to tell a re-sent event from a new one. It is as large as what the
        # consumer has not stored yet, which the owner of this object bounds.
        self._unstored: deque[Event] = deque()

    @property
    def unstored(self) -> bool:
        """Whether there are events which the server is to keep until they are stored."""
        return bool(self._unstored)

    @property
    def mark(self) -> Mark:
        """How far all that was numbered reaches."""
        if not self.ack_enabled:
            return Mark(self.client_id, 0, self._seen, self._side)
        ack, ordinal = self._latest
        return Mark(self.client_id, ack, ordinal, self._side)

    def number(self, raw: list[Raw], *, base: int, ack: int | None) -> list[Event]:
        """The events of a reply that were not seen before, numbered.

        `base` is the ordinal that belonged to the number acknowledged by the request, `ack` the
        batch number of the reply or none if the reply is not one to a connect.
        """
        if not self.ack_enabled:
            first = self._seen + 1
            self._seen += len(raw)
            return _numbered(raw, count(first))
        if ack is None:
            first = self._side + 1
            self._side += len(raw)
            return _numbered(raw, count(-first, -1))
        again = self._seen - base
        fresh = raw[again:] if self._is_repetition(raw, base) else raw
        events = _numbered(fresh, count(self._seen + 1))
        self._unstored.extend(events)
        self._seen += len(events)
        self._latest = (ack, self._seen)
        if not self._unstored:
            self.ack, self.base = ack, self._seen
        return events

    def stored(self, mark: Mark) -> None:
        """What was handed out with `mark` is durable: the next connect may acknowledge it."""
        if mark.client_id != self.client_id or not self.ack_enabled or mark.ordinal < self.base:
            return
        self.ack, self.base = max(self.ack, mark.ack), mark.ordinal
        while self._unstored and self._unstored[0].ordinal <= mark.ordinal:
            self._unstored.popleft()

    def _is_repetition(self, raw: list[Raw], base: int) -> bool:
        """Whether the reply begins with what was seen: news of a server that does not re-send must not be skipped."""
        for channel, data, ordinal in self._unstored:
            index = ordinal - base - 1
            if 0 <= index < len(raw) and raw[index] != (channel, data):
                return False
        return True


def _numbered(raw: list[Raw], ordinals: Iterator[int]) -> list[Event]:
    return [
        Event(channel, data, ordinal)
        for (channel, data), ordinal in zip(raw, ordinals, strict=False)
    ]
