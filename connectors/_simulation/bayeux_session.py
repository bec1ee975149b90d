"""One client's session on the simulated Bayeux server: its queue, its subscriptions, its acknowledgements.

The acknowledge extension (CometD reference, "Acknowledgment Extension"): every /meta/connect reply closes a batch and
names its number; the client's next /meta/connect names the last batch it has; until then the batch stays in the queue
and is sent again, together with what came after it, whenever a reply goes out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from connectors._simulation.ledger import LostBecause


class Recorder(Protocol):
    """Who wants to know what becomes of messages; they are known by number."""

    def queued(self, number: int, copies: int) -> None:
        """The message is in the queues of so many sessions."""

    def written(self, numbers: Iterable[int]) -> None:
        """They went out on an open connection."""

    def acknowledged(self, numbers: Iterable[int]) -> None:
        """The client has them."""

    def lost(self, numbers: Iterable[int], because: LostBecause) -> None:
        """They can no longer reach this client."""

    def abandoned(self, numbers: Iterable[int]) -> None:
        """They were written, and nobody will ever know whether they arrived."""


class Wake(Enum):
    """Why a held /meta/connect goes on."""

    MESSAGES = auto()
    TIMEOUT = auto()
    SUPERSEDED = auto()
    """Another /meta/connect of the same session came: this one is answered with an HTTP error."""


class QueuedMessage(NamedTuple):
    """An encoded message, its number for the recorder, and the batch it belongs to."""

    frame: bytes
    number: int
    batch: int


def matches(pattern: str, channel: str) -> bool:
    """Whether a subscription to `pattern` receives `channel` (Bayeux 1.0, section 2.2.1 on globbing)."""
    if pattern.endswith("/**"):
        return channel.startswith(pattern[:-2])
    if pattern.endswith("/*"):
        return channel.rpartition("/")[0] == pattern[:-2]
    return pattern == channel


@dataclass(slots=True, eq=False)
class ServerSession:
    """The server's side of one clientId.

    The queue is bounded by the server's `max_queue`; when it is full the session is removed, so that its client is
    told by a 402 instead of missing messages unknowingly.
    """

    client_id: str
    browser_id: str
    owner: str
    """Whose messages it may hear: the user of the HTTP session."""
    context: object
    """The HTTP session it was made on; it dies with that."""
    recorder: Recorder
    acknowledging: bool = False
    expires_at: float | None = None
    """When it is removed unless a /meta/connect comes first; none while one is held. Monotonic seconds."""
    held: asyncio.Future[Wake] | None = None
    batch: int = 1
    fresh: int = 0
    """Messages at the end of the queue that no reply has carried yet."""
    removed: bool = False
    disconnected: bool = False
    """Removed because its client said so."""
    _queue: deque[QueuedMessage] = field(default_factory=deque)
    _subscriptions: set[str] = field(default_factory=set)
    _listens: dict[str, bool] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def subscriptions(self) -> frozenset[str]:
        """The channels and patterns subscribed to."""
        return frozenset(self._subscriptions)

    def subscribe(self, channels: Iterable[str]) -> None:
        """Add subscriptions; those there already stay."""
        self._subscriptions.update(channels)
        self._listens.clear()

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Remove subscriptions; those not there are no error."""
        self._subscriptions.difference_update(channels)
        self._listens.clear()

    def listens_to(self, channel: str) -> bool:
        """Whether a message on the channel is for this session, however many subscriptions match."""
        try:
            return self._listens[channel]
        except KeyError:
            found = any(matches(pattern, channel) for pattern in self._subscriptions)
            self._listens[channel] = found
            return found

    def offer(self, frame: bytes, number: int) -> None:
        """Queue a message."""
        self._queue.append(QueuedMessage(frame, number, self.batch))
        self.fresh += 1

    def wake(self, why: Wake) -> None:
        """Let the held /meta/connect, if there is one, go on."""
        if self.held is not None and not self.held.done():
            self.held.set_result(why)

    def acknowledge(self, batch: int) -> None:
        """Forget every message up to that batch."""
        numbers = []
        while self._queue and self._queue[0].batch <= batch:
            numbers.append(self._queue.popleft().number)
        self.fresh = min(self.fresh, len(self._queue))
        self.recorder.acknowledged(numbers)

    def close_batch(self) -> int:
        """End the current batch, which a /meta/connect reply is about to carry, and return its number."""
        number = self.batch
        self.batch += 1
        return number

    def drain(self, *, connection_open: bool) -> list[bytes]:
        """The messages for a reply. Without acknowledgements they leave the queue, even if nobody is there to read."""
        if not self._queue:
            return []
        frames = [message.frame for message in self._queue]
        numbers = [message.number for message in self._queue]
        self.fresh = 0
        if not self.acknowledging:
            self._queue.clear()
        if connection_open:
            self.recorder.written(numbers)
        elif not self.acknowledging:
            self.recorder.lost(numbers, LostBecause.DEAD_POLL)
        return frames

    def remove(self, because: LostBecause, *, by_client: bool) -> None:
        """End the session: what was never written is lost, what was written and unconfirmed is uncertain."""
        self.removed, self.disconnected = True, by_client
        unsent = list(self._queue)[len(self._queue) - self.fresh :]
        sent = list(self._queue)[: len(self._queue) - self.fresh]
        self.recorder.lost((message.number for message in unsent), because)
        if not by_client:
            self.recorder.lost((message.number for message in sent), because)
            self.recorder.abandoned(message.number for message in sent)
        self._queue.clear()
        self.fresh = 0
        self.wake(Wake.MESSAGES)
