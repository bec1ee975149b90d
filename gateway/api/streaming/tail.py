"""The newest events, read from the journal once, encoded once, and given to all readers that keep up.

While there are readers one task follows the journal. It gathers what comes for a short while, makes rounds of it, and
writes each round to every reader that has taken all before it: one write for each reader, of bytes that all with the
same choice share. Nothing waits for a reader. One that does not take a write leaves this company and helps itself: from
the rounds that are held here, or from the journal, until it has caught up.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

from gateway.api.streaming.frames import event_frame, framed, place_frame
from gateway.api.streaming.places import short_name
from gateway.api.streaming.selection import Choice, Selection
from gateway.clock import Clock
from gateway.contracts import Journal
from gateway.events import StoredEvent
from gateway.masking import Masker


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolicy:
    """Bounds and times of streams.

    Attributes:
        readers: the most at the same time.
        held_events, held_bytes: what is kept in memory for readers that keep up.
        round_events, round_bytes: the most in one write to a reader; a larger event goes alone.
        shared_bytes: how much of what readers with the same choice share is remembered.
        gather_seconds: how long events are gathered before they go out.
        tick_seconds: how often those who wait are woken when nothing comes.
        silence_seconds: a reader that was sent nothing for as long is sent its place.
        pending_bytes: a reader gets nothing more while so much of what was written to it waits in our memory.
        look_seconds: how often it is looked whether such a reader has taken it.
        stalled_seconds: a reader that does not take what was written for as long is told and closed.
        farewell_seconds: how long it may take to hear why.
        catching_up: how many read the journal themselves at the same time.
        retry_seconds: how long a reader is asked to wait before it connects again.
    """

    readers: int = 1_000
    held_events: int = 10_000
    held_bytes: int = 8 << 20
    round_events: int = 500
    round_bytes: int = 64 << 10
    shared_bytes: int = 4 << 20
    gather_seconds: float = 0.05
    tick_seconds: float = 5.0
    silence_seconds: float = 10.0
    pending_bytes: int = 16 << 10
    look_seconds: float = 0.02
    stalled_seconds: float = 20.0
    farewell_seconds: float = 5.0
    catching_up: int = 4
    retry_seconds: float = 3.0


class Round:
    """Events that go out together.

    Attributes:
        after, last: the events are all those behind position `after`, up to and including `last`.
    """

    def __init__(self, journal: str, after: int, events: Sequence[StoredEvent]) -> None:
        self.after = after
        self.last = events[-1].position
        self._events = events
        self._frames = [event_frame(journal, event) for event in events]
        self.size_bytes = sum(map(len, self._frames))

    def __len__(self) -> int:
        return len(self._events)

    def chunk(self, selection: Selection, position: int) -> bytes:
        """What a reader at a position is sent of it, ready to be written; empty when it wants nothing of it."""
        frames = b"".join(
            frame
            for event, frame in zip(self._events, self._frames, strict=True)
            if event.position > position and selection(event)
        )
        return framed(frames) if frames else b""


class Follower(Protocol):
    """A reader that has taken everything up to the end of the tail.

    Attributes:
        position: it has everything up to there.
        sent_at: when it was last sent something, in monotonic seconds.
    """

    selection: Selection
    position: int
    sent_at: float

    def push(self, chunk: bytes) -> bool:
        """Write without waiting; whether all of it was taken."""
        ...

    def left_behind(self) -> None:
        """It follows no longer: it did not take a write, or the tail has ended."""
        ...


class Tail:
    """What readers share: rounds that follow each other without a hole, up to `position`.

    Attributes:
        journal_reads: how often the journal was read for all of them.
    """

    def __init__(self, journal: Journal, clock: Clock, policy: StreamPolicy, mask: Masker) -> None:
        self.journal = journal
        self._mask = mask
        self.name = short_name(journal.id)
        self.policy = policy
        self._clock = clock
        self._rounds: list[Round] = []
        self._held_events = 0
        self._held_bytes = 0
        self._selections: WeakValueDictionary[Choice, Selection] = WeakValueDictionary()
        self._shared: OrderedDict[tuple[int, Selection], bytes] = OrderedDict()
        self._shared_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._followers: dict[Follower, None] = {}
        self.position = 0
        self.readers = 0
        self.stopping = False
        self.journal_reads = 0

    def stop(self) -> None:
        """Let all readers go: the server stops."""
        self.stopping = True
        self._dismiss()

    def selection(self, choice: Choice) -> Selection:
        """The one selection that all readers with the same choice share."""
        return self._selections.setdefault(choice, Selection(choice))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Count as a reader; the first one starts the task, the last one ends it."""
        self.readers += 1
        try:
            if self._task is None:
                self.position = self.journal.statistics().last_position
                self._task = asyncio.create_task(self._follow(), name="event stream")
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                await self._end()

    async def _end(self) -> None:
        task, self._task = self._task, None
        self._rounds.clear()
        self._held_events = self._held_bytes = 0
        self._shared.clear()
        self._shared_bytes = 0
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # every reader that was there has raised it

    def holds(self, position: int) -> bool:
        """Whether everything behind a position is here; if not, the reader reads the journal itself."""
        return position >= (self._rounds[0].after if self._rounds else self.position)

    def next_round(self, position: int) -> Round | None:
        """The round with the event behind a position that is held; None if there is nothing yet."""
        if position >= self.position:
            return None
        if position >= self._rounds[-1].after:
            return self._rounds[-1]
        return self._rounds[bisect_right(self._rounds, position, key=lambda held: held.last)]

    def chunk(self, found: Round, selection: Selection, position: int) -> bytes:
        """What a reader at a position is sent of a round; made once for all that want the same of all of it."""
        if position > found.after:
            return found.chunk(selection, position)
        key = (found.last, selection)
        made = self._shared.get(key)
        if made is None:
            made = self._shared[key] = found.chunk(selection, position)
            self._shared_bytes += len(made)
            while self._shared_bytes > self.policy.shared_bytes and len(self._shared) > 1:
                self._shared_bytes -= len(self._shared.popitem(last=False)[1])
        return made

    def join(self, follower: Follower) -> bool:
        """Have rounds written to a reader that stands at the end; whether it does, and there is one.

        Raises what ended the task: a JournalError.
        """
        if self._task is not None and self._task.done():
            self._task.result()
        if self.stopping or follower.position != self.position:
            return False
        self._followers[follower] = None
        return True

    def leave(self, follower: Follower) -> None:
        """Write nothing more to a reader."""
        self._followers.pop(follower, None)

    async def _follow(self) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.policy.tick_seconds):
                        await self.journal.wait(self.position)
                    await self._clock.sleep(self.policy.gather_seconds)
                    await self._take()
                self._show_life()
        finally:
            # After this step the task is done, and those who are dismissed see why.
            asyncio.get_running_loop().call_soon(self._dismiss)

    def _dismiss(self) -> None:
        followers, self._followers = self._followers, {}
        for follower in followers:
            follower.left_behind()

    def _write(self, follower: Follower, chunk: bytes) -> None:
        follower.sent_at = self._clock.monotonic()
        if not follower.push(chunk):
            self.leave(follower)
            follower.left_behind()

    def _give(self, added: Round) -> None:
        for follower in list(self._followers):
            follower.position = added.last
            chunk = self.chunk(added, follower.selection, added.after)
            if chunk:
                self._write(follower, chunk)

    def _show_life(self) -> None:
        """Send their place to those who were sent nothing for long."""
        since = self._clock.monotonic() - self.policy.silence_seconds
        silent = [one for one in self._followers if one.sent_at <= since]
        chunk = framed(place_frame(self.name, self.position)) if silent else b""
        for follower in silent:
            self._write(follower, chunk)

    def masked(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The events as readers may see them."""
        return [self._mask(event) for event in events]

    async def _take(self) -> None:
        """Make rounds of what is there, at most as much as is held."""
        taken = 0
        while taken < self.policy.held_events:
            events = await self.journal.read(self.position, self.policy.round_events)
            self.journal_reads += 1
            if not events:
                return
            taken += len(events)
            for part in self._split(self.masked(events)):
                added = Round(self.name, self.position, part)
                self._add(added)
                self._give(added)

    def _split(self, events: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
        """Cut into parts of at most `round_bytes`, at least one event each."""
        parts: list[list[StoredEvent]] = []
        size = 0
        for event in events:
            size += len(event.body)
            if not parts or size > self.policy.round_bytes:
                parts.append([])
                size = len(event.body)
            parts[-1].append(event)
        return parts

    def _add(self, added: Round) -> None:
        self._rounds.append(added)
        self._held_events += len(added)
        self._held_bytes += added.size_bytes
        self.position = added.last
        leaving = 0
        while leaving < len(self._rounds) - 1 and (
            self._held_events > self.policy.held_events or self._held_bytes > self.policy.held_bytes
        ):
            self._held_events -= len(self._rounds[leaving])
            self._held_bytes -= self._rounds[leaving].size_bytes
            leaving += 1
        del self._rounds[:leaving]
