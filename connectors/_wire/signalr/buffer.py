"""Where arrivals wait for the consumer: bounded, and joined into as few as connections and gaps allow.

When it is full its owner stops reading: the server then keeps the messages in its own buffer, and
should that run over, the cursor tells.
"""

from __future__ import annotations

from collections import deque

import msgspec

from connectors._wire.signalr.values import Arrival


class ArrivalBuffer:
    """A queue of arrivals bounded in messages and in bytes of the frames that brought them."""

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
        """Whether another frame may be read; one may exceed the bound, for it is taken whole."""
        return self._messages < self._max_messages and self._bytes < self._max_bytes

    def put(self, arrival: Arrival, size: int) -> None:
        """Add an arrival whose frame had `size` bytes."""
        if self._arrivals and not (arrival.messages or arrival.gap):
            # It only renews the state that a waiting arrival already carries.
            last, before = self._arrivals.pop()
            self._arrivals.append((msgspec.structs.replace(last, resume=arrival.resume), before))
            return
        self._arrivals.append((arrival, size))
        self._messages += len(arrival.messages)
        self._bytes += size

    def take(self) -> Arrival:
        """The oldest arrivals as one, as long as there is no gap between them.

        Raises:
            IndexError: there is none.
        """
        first, size = self._arrivals.popleft()
        messages = list(first.messages)
        resume = first.resume
        while self._arrivals and len(messages) < self._max_batch_messages:
            following, more = self._arrivals[0]
            if following.gap is not None:
                break
            self._arrivals.popleft()
            size += more
            messages += following.messages
            resume = following.resume
        self._messages -= len(messages)
        self._bytes -= size
        return Arrival(messages, resume, first.gap)

    def clear(self) -> None:
        """Forget all."""
        self._arrivals.clear()
        self._messages = self._bytes = 0
