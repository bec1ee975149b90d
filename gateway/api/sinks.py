"""What the API asks about sinks and dead letters, and the views that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from gateway.api.error_view import ErrorView


class HeldKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A partition key whose events a sink holds back, because the receiver failed at the first of them.

    Attributes:
        events: how many are held.
        attempts: how often the first was offered; 0 while nothing is known against the key.
        since: from when on they wait.
    """

    key: str
    events: int
    attempts: int
    since: datetime
    next_try: datetime
    reason: str | None = None
    message: str = ""


class SinkView(msgspec.Struct, frozen=True, kw_only=True):
    """One sink.

    Attributes:
        state: `delivering`, `failing` when the last attempt failed, `opening` before the first, `paused`.
        position: everything up to there is settled; `lag` events are behind it.
        delivered, refused: counted since the process began.
        last_error: why the last attempt failed, `failures` times in a row; it is tried again at `next_try`.
        repeating_to: up to this position events are offered again, because somebody asked for it.
        held_events: events that are held back by their partition keys.
        held_keys: the keys, the longest held first, the first hundred.
    """

    name: str
    state: str
    position: int
    lag: int
    delivered: int
    refused: int
    last_error: ErrorView | None = None
    failures: int = 0
    next_try: datetime | None = None
    repeating_to: int | None = None
    held_events: int = 0
    held_keys: Sequence[HeldKeyView] = ()


class DeadLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a receiver refused for good.

    Attributes:
        id: names the letter, not the event.
        state: `waiting`, or `replayed` or `discarded` since `settled`, by `settled_by`, who left a `note`.
        reason, message: why it was refused.
        buried: when.
    """

    id: int
    sink: str
    state: str
    event_id: str
    event_type: str
    position: int
    reason: str
    message: str
    buried: datetime
    settled: datetime | None = None
    settled_by: str = ""
    note: str = ""


class DeadLetterDetail(DeadLetterView, frozen=True, kw_only=True):
    """A dead letter with its event, as CloudEvents JSON; what the sink masks is masked in it too."""

    event: Any


class SinkDesk(Protocol):
    """All sinks. Nothing here blocks on a receiver but `replay_since`, which the caller bounds."""

    def names(self) -> Sequence[str]:
        """In the order of the configuration."""
        ...

    def view(self, sink: str) -> SinkView:
        """One sink. Raises KeyError, like all that takes the name of a sink."""
        ...

    async def pause(self, sink: str) -> None:
        """Deliver nothing more until it is resumed, also after a restart."""
        ...

    async def resume(self, sink: str) -> None:
        """Go on delivering."""
        ...

    async def replay_since(self, sink: str, since: int | datetime) -> int:
        """Offer everything behind a position, or recorded since a time, once more; returns the position.

        Returns when the sink has begun there, which may be behind a delivery that is under way; cancelling the wait
        does not take the wish back. Raises a TielineError: `invalid` when the journal does not hold the position, or
        `conflict` when another wish waits.
        """
        ...

    async def dead_letters(
        self, sink: str | None, after: int, limit: int
    ) -> Sequence[DeadLetterView]:
        """Waiting dead letters behind an id, by id."""
        ...

    async def dead_letter(self, number: int) -> DeadLetterDetail | None:
        """One dead letter, whatever its state."""
        ...

    async def replay(self, ids: Sequence[int], *, requester: str) -> int:
        """Offer waiting dead letters to their sinks again; returns how many there were.

        Those of a sink that is not configured go on waiting.
        """
        ...

    async def discard(self, ids: Sequence[int], *, requester: str, note: str) -> int:
        """Give waiting dead letters up; returns how many there were."""
        ...
