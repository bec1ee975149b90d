"""One reader of the stream, from its first byte to its last.

While it keeps up it does nothing: the tail writes to it. While it is behind it helps itself, from the tail's rounds or
from the journal, and writes no more before the last piece is taken: that piece is all that is ever in memory for it. It
is told why the stream ends, and when events that it asked for are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

from gateway.api.streaming.frames import (
    event_frame,
    framed,
    notice_frame,
    opening_frame,
    place_frame,
)
from gateway.api.streaming.places import Place
from gateway.api.streaming.selection import Selection
from gateway.api.streaming.tail import Tail
from gateway.clock import Clock
from gateway.errors import JournalClosed, JournalError


class Wire(Protocol):
    """The connection to a reader."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are, without waiting. Raises ConnectionError when the reader has gone."""
        ...

    def pending(self) -> int:
        """How many bytes wait in memory because the reader does not take them. Raises ConnectionError."""
        ...


class End(StrEnum):
    """Why a stream ends."""

    LEFT = "left"
    COMPLETE = "complete"
    STALLED = "stalled"
    EXPIRED = "expired"
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
    End.EXPIRED: "your token has expired; connect again with another one and Last-Event-ID",
    End.STOPPING: "the gateway stops; connect again with Last-Event-ID",
    End.JOURNAL: "the journal cannot be read; the gateway's log says why",
    End.FAILED: "the gateway failed; its log says why",
}


class _Stalled(Exception):
    """The reader takes nothing."""


class EventReader:
    """Serves one reader. A `gateway.api.streaming.tail.Follower`.

    Attributes:
        position: the reader has everything up to it that it wants.
        sent_at: when it was last sent something.
    """

    def __init__(
        self,
        tail: Tail,
        selection: Selection,
        wire: Wire,
        *,
        clock: Clock,
        catching_up: asyncio.Semaphore,
        follow: bool,
    ) -> None:
        self.selection = selection
        self.position = 0
        self.sent_at = clock.monotonic()
        self._tail = tail
        self._wire = wire
        self._clock = clock
        self._policy = tail.policy
        self._catching_up = catching_up
        self._follow = follow
        self._end = 0
        self._left_behind = asyncio.Event()

    def push(self, chunk: bytes) -> bool:
        """Write without waiting; whether all of it was taken."""
        try:
            self._wire.write(chunk)
            return self._wire.pending() == 0
        except ConnectionError:
            return False  # `run` finds out by itself

    def left_behind(self) -> None:
        """Wake up `run`."""
        self._left_behind.set()

    async def run(self, start: Place | None) -> End:
        """Send events behind `start`, None for new ones only, until the reader leaves or there is a reason to end.

        Must be called within `Tail.reading`.
        """
        try:
            return await self._serve(start)
        except ConnectionError:
            return End.LEFT
        except _Stalled:
            return End.STALLED
        except JournalClosed:
            return End.STOPPING
        except JournalError:
            return End.JOURNAL
        finally:
            self._tail.leave(self)

    async def _serve(self, start: Place | None) -> End:
        gone = self._begin(start)
        opening = opening_frame(self._tail.name, self.position, self._policy.retry_seconds)
        await self._send(framed(opening + gone))
        while not self._tail.stopping:
            if not self._follow and self.position >= self._end:
                return End.COMPLETE
            if not self._tail.holds(self.position):
                await self._catch_up()
            elif (found := self._tail.next_round(self.position)) is not None:
                chunk = self._tail.chunk(found, self.selection, self.position)
                self.position = found.last
                await self._send(chunk)
            else:
                await self._keep_up()
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
        """Have the tail write, until it says that the reader is left behind."""
        self._left_behind.clear()
        if self._tail.join(self):
            await self._left_behind.wait()
            await self._taken()
        else:
            # It read the journal itself and is ahead of the tail, which is gathering.
            await self._clock.sleep(self._policy.gather_seconds)

    async def _catch_up(self) -> None:
        """Read a page of the journal; few do so at the same time, the others wait their turn."""
        async with self._catching_up:
            events = await self._tail.journal.read(self.position, self._policy.round_events)
        first = self._tail.journal.statistics().first_position
        following = events[0].position if events else first
        if following > self.position + 1 < first:
            facts = {"reason": "trimmed", "after": self.position, "goes_on_after": following - 1}
            await self._send(framed(notice_frame("gap", facts)))
        size = 0
        frames: list[bytes] = []
        for event in self._tail.masked(events):
            if self.selection(event):
                frames.append(event_frame(self._tail.name, event))
                size += len(frames[-1])
            self.position = event.position
            if size >= self._policy.round_bytes:
                await self._send(framed(b"".join(frames)))
                size, frames = 0, []
        if not events:
            self.position = max(self.position, first - 1)
        await self._send(framed(b"".join(frames)) if frames else b"")
        if self._clock.monotonic() - self.sent_at >= self._policy.silence_seconds:
            await self._send(framed(place_frame(self._tail.name, self.position)))

    async def _send(self, chunk: bytes) -> None:
        """Write a piece, and return when the reader has taken nearly all; others have a turn in any case."""
        if chunk:
            self._wire.write(chunk)
            self.sent_at = self._clock.monotonic()
        await asyncio.sleep(0)
        await self._taken()

    async def _taken(self) -> None:
        """Return when little of what was written is still in memory."""
        begun = self._clock.monotonic()
        async for _ in taken(self._wire, self._policy.pending_bytes, self._policy.look_seconds):
            if self._clock.monotonic() - begun >= self._policy.stalled_seconds:
                raise _Stalled


async def taken(wire: Wire, pending_bytes: int, look_seconds: float) -> AsyncIterator[None]:
    """Go on until no more than so many bytes are pending. Raises ConnectionError.

    A transport tells only its protocol when it has room, and that is the web server's; so it is asked now and then.
    """
    while wire.pending() > pending_bytes:
        yield
        await asyncio.sleep(look_seconds)
