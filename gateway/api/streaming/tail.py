"""The newest events, read from the journal once and encoded once for all readers that keep up.

While there are readers one task follows the journal. It gathers what comes for a short while, makes rounds of it and
wakes everybody: a reader costs one write for each round, however many events are in it. Readers pull; none of them can
hold the task up, and none has a queue of its own. One that falls behind what is held here reads the journal itself.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from gateway.api.streaming.frames import event_frame
from gateway.api.streaming.places import short_name
from gateway.api.streaming.selection import Choice, Selection
from gateway.clock import Clock
from gateway.contracts import Journal
from gateway.events import StoredEvent


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
        """What a reader at a position is sent of it."""
        return b"".join(
            frame
            for event, frame in zip(self._events, self._frames, strict=True)
            if event.position > position and selection(event)
        )


class Tail:
    """What readers share: rounds that follow each other without a hole, up to `position`.

    Attributes:
        journal_reads: how often the journal was read for all of them.
    """

    def __init__(self, journal: Journal, clock: Clock, policy: StreamPolicy) -> None:
        self.journal = journal
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
        self._news = asyncio.Event()
        self.position = 0
        self.readers = 0
        self.stopping = False
        self.journal_reads = 0

    def stop(self) -> None:
        """Let all readers go: the server stops."""
        self.stopping = True
        self._ring()

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

    async def wait(self) -> None:
        """Return when there is news, or after a while without. Raises what ended the task: a JournalError."""
        news = self._news
        if self._task is not None and not self._task.done() and not self.stopping:
            await news.wait()
        if self._task is not None and self._task.done():
            self._task.result()

    async def _follow(self) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.policy.tick_seconds):
                        await self.journal.wait(self.position)
                    await self._clock.sleep(self.policy.gather_seconds)
                    await self._take()
                self._ring()
        finally:
            # After this step the task is done, and those who are woken see why.
            asyncio.get_running_loop().call_soon(self._ring)

    async def _take(self) -> None:
        """Make rounds of what is there, at most as much as is held."""
        taken = 0
        while taken < self.policy.held_events:
            events = await self.journal.read(self.position, self.policy.round_events)
            self.journal_reads += 1
            if not events:
                return
            taken += len(events)
            for part in self._split(events):
                self._add(Round(self.name, self.position, part))

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

    def _ring(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
