"""Where arrivals wait for the consumer: bounded, and joined into as few as the sessions and gaps between them allow.

When it is full its owner stops asking the server for more; one reply may exceed the bound, for it
is taken whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from connectors._wire.bayeux.values import Arrival, Event


class ArrivalBuffer:
    """A queue of arrivals bounded in events and in bytes of the replies that brought them."""

    def __init__(self, *, max_messages: int, max_bytes: int, max_batch_messages: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_batch_messages = max_batch_messages
        self._arrivals: deque[tuple[Arrival, int]] = deque()
        self._messages = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._arrivals)

    @property
    def has_room(self) -> bool:
        """Whether another reply may be asked for."""
        return self._messages < self._max_messages and self._bytes < self._max_bytes

    def put(self, arrival: Arrival, size: int) -> None:
        """Add an arrival whose reply had `size` bytes."""
        self._arrivals.append((arrival, size))
        self._messages += len(arrival.events)
        self._bytes += size

    def take(self) -> Arrival:
        """The oldest arrivals as one, as long as they are of one session with no gap between.

        Raises:
            IndexError: there is none.
        """
        joined, size = self._arrivals.popleft()
        if not self._arrivals:
            self._messages = self._bytes = 0
            return joined
        events = list(joined.events)
        while self._arrivals and len(events) < self._max_batch_messages:
            following, more = self._arrivals[0]
            if following.gap is not None or following.mark.client_id != joined.mark.client_id:
                break
            self._arrivals.popleft()
            size += more
            events += following.events
            joined = msgspec.structs.replace(
                following, gap=joined.gap, refused=joined.refused + following.refused
            )
        self._messages -= len(events)
        self._bytes -= size
        return msgspec.structs.replace(joined, events=events)

    def waiting(self) -> Iterator[Event]:
        """The events that are still to be taken, oldest first."""
        return (event for arrival, _ in self._arrivals for event in arrival.events)

    def clear(self) -> None:
        """Forget all."""
        self._arrivals.clear()
        self._messages = self._bytes = 0
