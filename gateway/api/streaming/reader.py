"""One reader of the stream, from its first byte to its last.

A reader pulls: from the shared tail while it keeps up, from the journal itself while it is behind. All that is ever in
memory for it is what one write did not get rid of. It is told why the stream ends, and when events that it asked for
are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from gateway.api.streaming.frames import event_frame, notice_frame, opening_frame, place_frame
from gateway.api.streaming.places import Place
from gateway.api.streaming.selection import Selection
from gateway.api.streaming.tail import Tail
from gateway.clock import Clock
from gateway.errors import JournalClosed, JournalError

Write = Callable[[bytes], Awaitable[None]]
"""Sends bytes; returns when there is room for more. Raises ConnectionError when the reader has gone."""


class End(StrEnum):
    """Why a stream ends."""

    LEFT = "left"
    COMPLETE = "complete"
    STALLED = "stalled"
    STOPPING = "stopping"
    JOURNAL = "journal"
    FAILED = "failed"

    @property
    def notice(self) -> bytes:
        """What is said to the reader; nothing to one that has left."""
        if self is End.LEFT:
            return b""
        return notice_frame("closed", {"reason": self, "detail": _SAID[self]})


_SAID = {
    End.COMPLETE: "everything that was there has been sent",
    End.STALLED: "you did not take what was sent; connect again with Last-Event-ID",
    End.STOPPING: "the gateway stops; connect again with Last-Event-ID",
    End.JOURNAL: "the journal cannot be read; the gateway's log says why",
    End.FAILED: "the gateway failed; its log says why",
}


class EventReader:
    """Serves one reader.

    Attributes:
        position: the reader has everything up to it that it wants.
    """

    def __init__(
        self,
        tail: Tail,
        selection: Selection,
        write: Write,
        *,
        clock: Clock,
        catching_up: asyncio.Semaphore,
        follow: bool,
    ) -> None:
        self._tail = tail
        self._selection = selection
        self._write = write
        self._clock = clock
        self._policy = tail.policy
        self._catching_up = catching_up
        self._follow = follow
        self._end = 0
        self._sent_at = clock.monotonic()
        self.position = 0

    async def run(self, start: Place | None) -> End:
        """Send events behind `start`, None for new ones only, until the reader leaves or there is a reason to end.

        Must be called within `Tail.reading`.
        """
        try:
            return await self._serve(start)
        except ConnectionError:
            return End.LEFT
        except TimeoutError:
            return End.STALLED
        except JournalClosed:
            return End.STOPPING
        except JournalError:
            return End.JOURNAL

    async def _serve(self, start: Place | None) -> End:
        gone = self._begin(start)
        await self._send(opening_frame(self._tail.name, self.position, self._policy.retry_seconds))
        if gone:
            await self._send(gone)
        while not self._tail.stopping:
            if not self._follow and self.position >= self._end:
                return End.COMPLETE
            if self._tail.holds(self.position):
                await self._keep_up()
            else:
                await self._catch_up()
        return End.STOPPING

    def _begin(self, start: Place | None) -> bytes:
        """Set the position; returns what to say when the place that was asked for is not of this journal."""
        figures = self._tail.journal.statistics()
        self._end = self.position = figures.last_position
        if start is None:
            return b""
        of_this = start.journal in {None, self._tail.name}
        if of_this and start.position <= figures.last_position:
            self.position = start.position
            return b""
        # Everything may be news to this reader.
        self.position = figures.first_position - 1
        return notice_frame(
            "gap",
            {
                "reason": "not_yet_written" if of_this else "other_journal",
                "after": start.position,
                "goes_on_after": self.position,
            },
        )

    async def _keep_up(self) -> None:
        found = self._tail.next_round(self.position)
        if found is None:
            await self._tail.wait()
        else:
            chunk = self._tail.chunk(found, self._selection, self.position)
            self.position = found.last
            if chunk:
                await self._send(chunk)
            if self.position < self._tail.position:
                await asyncio.sleep(0)  # others have a turn before the next round
        await self._show_life()

    async def _catch_up(self) -> None:
        """Read a page of the journal; few do so at the same time, the others wait their turn."""
        async with self._catching_up:
            events = await self._tail.journal.read(self.position, self._policy.round_events)
        first = self._tail.journal.statistics().first_position
        following = events[0].position if events else first
        if following > self.position + 1 < first:
            facts = {"reason": "trimmed", "after": self.position, "goes_on_after": following - 1}
            await self._send(notice_frame("gap", facts))
        size = 0
        frames: list[bytes] = []
        for event in events:
            if self._selection(event):
                frames.append(event_frame(self._tail.name, event))
                size += len(frames[-1])
            self.position = event.position
            if size >= self._policy.round_bytes:
                await self._send(b"".join(frames))
                size, frames = 0, []
        if not events:
            self.position = max(self.position, first - 1)
        if frames:
            await self._send(b"".join(frames))
        await self._show_life()
        # A journal that answers from memory and a reader that wants nothing of it would leave no turn to others.
        await asyncio.sleep(0)

    async def _show_life(self) -> None:
        if self._clock.monotonic() - self._sent_at >= self._policy.silence_seconds:
            await self._send(place_frame(self._tail.name, self.position))

    async def _send(self, chunk: bytes) -> None:
        async with asyncio.timeout(self._policy.stalled_seconds):
            await self._write(chunk)
        self._sent_at = self._clock.monotonic()
