"""The contract of the journal: the durable log between feeds and sinks, free of any storage engine.

The order is the guarantee: journal first, acknowledge the platform second, deliver third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.errors import Reason
from gateway.events import Event, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that did not reach a sink. `state` is waiting, replayed or discarded."""

    id: int
    sink: str
    position: int
    event_id: str
    event_type: str
    reason: Reason
    message: str
    buried: datetime
    body: bytes
    state: str = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burial:
    """A dead letter to be: which event, and why."""

    event: StoredEvent
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What an append did: how many were new, how many the journal already had, and the newest position."""

    stored: int
    duplicates: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatistics:
    """Figures of a journal.

    `lag` is in events per consumer; `trimmed_undelivered` counts events that a policy removed before all had them.
    """

    first_position: int
    last_position: int
    events: int
    size_bytes: int
    appended: int
    duplicates: int
    commits: int
    full: bool
    trimmed: int
    trimmed_undelivered: int
    lag: Mapping[str, int] = field(default_factory=dict)


class Journal(Protocol):
    """The durable log between feeds and sinks. All methods may be called concurrently."""

    @property
    def id(self) -> str:
        """Names this journal for ever: positions of another one mean nothing here."""
        ...

    async def append(self, feed: str, events: Sequence[Event], resume: bytes | None) -> Appended:
        """Store events and, if given, the feed's resume state, in one transaction; durable when it returns.

        Appends of one feed keep their order; appends of many feeds share one fsync. Events whose id is already
        stored are
        left out and counted. Raises JournalFull: nothing was written, wait with `wait_for_room`. If cancelled, the
        append
        may or may not happen: append the same again.
        """
        ...

    async def wait_for_room(self) -> None:
        """Return when an append that was refused as full is worth another try."""
        ...

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Durable events behind a position, in order, at most `limit`; empty at the end."""
        ...

    async def wait(self, after: int) -> None:
        """Return when there is an event behind a position. Cancel-safe."""
        ...

    async def resume(self, feed: str) -> bytes | None:
        """The last resume state of a feed."""
        ...

    async def position(self, consumer: str) -> int | None:
        """The saved position of a consumer, None if it has never saved one."""
        ...

    async def commit(self, consumer: str, position: int, burials: Sequence[Burial] = ()) -> None:
        """Save a consumer's position and bury what it refused, in one transaction; durable when it returns.

        A consumer is registered by its first commit; from then on nothing behind its position is trimmed.
        """
        ...

    async def forget(self, consumer: str) -> None:
        """Drop a consumer and its claim on events: for sinks that the configuration no longer has."""
        ...

    async def dead_letters(
        self, *, sink: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[DeadLetter]:
        """Waiting dead letters by id."""
        ...

    async def settle_dead_letters(self, ids: Sequence[int], state: str) -> int:
        """Mark waiting dead letters as replayed or discarded; returns how many were waiting."""
        ...

    async def put(self, namespace: str, key: str, value: bytes | None) -> None:
        """Keep a small fact durably, or remove it: commands, pictures. Durable when it returns."""
        ...

    async def put_if_absent(self, namespace: str, key: str, value: bytes) -> bytes | None:
        """Keep a small fact if the key is free; otherwise return the value that is there. Atomic."""
        ...

    async def get(self, namespace: str, key: str) -> bytes | None:
        """A small fact."""
        ...

    async def items(self, namespace: str) -> Sequence[tuple[str, bytes]]:
        """All small facts of a namespace, by key."""
        ...

    async def trim(self) -> int:
        """Apply the retention policy once; returns how many events were removed."""
        ...

    def statistics(self) -> JournalStatistics:
        """Figures, without I/O."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and release the files. Idempotent."""
        ...
