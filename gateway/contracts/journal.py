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
    """An event that did not reach a sink.

    Attributes:
        sequence: that of the event, 0 when it was buried by a gateway that did not keep it.
        state: waiting, replayed or discarded; since `settled`, by `settled_by`, who may have left a `note`.
    """

    id: int
    sink: str
    position: int
    sequence: int = 0
    event_id: str
    event_type: str
    reason: Reason
    message: str
    buried: datetime
    body: bytes
    state: str = "waiting"
    settled: datetime | None = None
    settled_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burial:
    """A dead letter to be: which event, and why."""

    event: StoredEvent
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEvent:
    """An event that a sink's position has passed, but that still has to be delivered behind others of its key.

    Attributes:
        key: the partition key.
        since: from when on it waits.
    """

    event: StoredEvent
    key: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTrouble:
    """What is known about a key at whose first held event a receiver failed.

    Attributes:
        attempts: how often that event was offered.
        failing_since: when it was offered first.
        next_try: when it is offered again.
    """

    key: str
    attempts: int
    failing_since: datetime
    next_try: datetime
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChanges:
    """How a consumer's held events change.

    Attributes:
        held: events that are held from now on; one that is held already stays as it is.
        released: positions of events that are held no longer: delivered, or buried by the same commit.
        troubles: what is known from now on about these keys.
        recovered: keys about which nothing is known any more.
    """

    held: Sequence[HeldEvent] = ()
    released: Sequence[int] = ()
    troubles: Sequence[KeyTrouble] = ()
    recovered: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Everything that a consumer holds, in order of position."""

    events: Sequence[HeldEvent] = ()
    troubles: Sequence[KeyTrouble] = ()


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
    """The durable log between feeds and sinks.

    All methods may be called concurrently, by tasks of one event loop, which none of them blocks. A write whose caller
    is cancelled may or may not happen; `append`, `commit`, `put` and `forget` may be asked the same again. Besides what
    a method names, each may raise JournalFull (no room, nothing was written), JournalCorrupt (the file cannot be
    trusted: nothing more is written), JournalClosed, and for other faults of the disk JournalError.
    """

    @property
    def id(self) -> str:
        """Names this journal for ever: positions of another one mean nothing here."""
        ...

    async def append(self, feed: str, events: Sequence[Event], resume: bytes | None) -> Appended:
        """Store events and, if given, the feed's resume state, in one transaction; durable when it returns.

        Appends of one feed keep their order; appends of many feeds share one fsync. Events whose id is already
        stored are left out and counted. Waits while too much is on its way to the disk. Raises JournalFull: nothing
        was written, wait with `wait_for_room`.
        """
        ...

    async def wait_for_room(self) -> None:
        """Return when an append that was refused as full is worth another try. Cancel-safe."""
        ...

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Durable events behind a position, in order, at most `limit`; empty at the end.

        In the place of one whose bytes are damaged stands a DamagedEvent.
        """
        ...

    async def wait(self, after: int) -> None:
        """Return when there is an event behind a position. Cancel-safe."""
        ...

    async def resume(self, feed: str) -> bytes | None:
        """The last resume state of a feed. Raises ResumeUnreadable: there is one that cannot be decrypted."""
        ...

    async def position(self, consumer: str) -> int | None:
        """The saved position of a consumer, None if it has never saved one."""
        ...

    async def commit(
        self,
        consumer: str,
        position: int,
        burials: Sequence[Burial] = (),
        held: HeldChanges | None = None,
    ) -> None:
        """Save a consumer's position, what it refused and what it holds, in one transaction; durable when it returns.

        A consumer is registered by its first commit; from then on nothing behind its position is trimmed. What is held
        is kept beside the events, so the position may pass it. A position may be saved that lies before the last one.
        """
        ...

    async def held(self, consumer: str) -> Held:
        """What a consumer holds."""
        ...

    async def forget(self, consumer: str) -> None:
        """Drop a consumer, its claim on events and what it holds back; its dead letters stay."""
        ...

    async def dead_letters(
        self, *, sink: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[DeadLetter]:
        """Waiting dead letters by id."""
        ...

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One dead letter, whatever its state; settled ones are kept as long as events are."""
        ...

    async def discard_dead_letters(
        self, sink: str, ids: Sequence[int], *, by: str, note: str
    ) -> int:
        """Settle waiting dead letters of a sink as discarded; returns how many were waiting."""
        ...

    async def exhume(self, sink: str, ids: Sequence[int], *, by: str) -> Sequence[HeldEvent]:
        """Settle waiting dead letters of a sink as replayed, and hold their events, in one transaction.

        Returns the events in order of position; letters that do not wait are left out, and go on waiting if their event
        is damaged (reason `corrupt`): there is nothing left to deliver.
        """
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
