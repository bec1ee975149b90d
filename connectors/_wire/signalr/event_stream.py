"""Reading `text/event-stream` (HTML Living Standard, "Server-sent events", section 9.2.6), data only."""

from __future__ import annotations


class StreamTooLong(ValueError):
    """An event is longer than we keep."""


class EventStream:
    """Cuts a stream of bytes into the data of its events. Events and lines are kept up to `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pending = bytearray()
        self._scanned = 0
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that `chunk` completes; comments and events without data give nothing.

        Raises:
            StreamTooLong: an event exceeds the bound.
        """
        self._pending += chunk
        events: list[bytes] = []
        while (end := self._pending.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._pending[:end]).removesuffix(b"\r")
            del self._pending[: end + 1]
            self._scanned = 0
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                self._data.clear()
                self._size = 0
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._size += len(line)
                if self._size > self._max_bytes:
                    raise StreamTooLong
        self._scanned = len(self._pending)
        if len(self._pending) > self._max_bytes:
            raise StreamTooLong
        return events
