"""Polling at a rhythm: one request at a time, each under a deadline, slower when the server asks for it.

For feeds whose platform has nothing but requests. A poller waits until the next poll is due, lets
the caller ask, and remembers when that was; what is asked, and what an answer means, is the
caller's. It does not repeat what failed: the error goes to whoever supervises the feed, which then
connects anew. The one exception is HTTP 429 (RFC 6585 section 4): a server that says "slow down" is
alive, so the poll is put off for as long as it asks (`Retry-After`, RFC 9110 section 10.2.3) and the
feed goes on; if it says so again and again, that is an error like any other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from connectors._wire.http_errors import as_lost
from gateway.clock import Clock
from gateway.contracts import Gap
from gateway.errors import ConnectionFailed, NotConnected, Reason
from gateway.events import event_id

_T = TypeVar("_T")
MISSED_INTERVALS = 3


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """When polls are due.

    Attributes:
        interval_seconds: from the beginning of one poll to the beginning of the next. A poll that takes longer
            is followed by the next at once, never overtaken by it.
        jitter: the part of the interval by which each poll may come sooner, so that many pollers
            that began together do not stay together.
        deadline_seconds: longest time that one poll may take.
        max_put_off_seconds: longest time that the server can put a poll off.
        most_put_offs: after so many in a row without an answer between, it is an error.
    """

    interval_seconds: float
    jitter: float = 0.1
    deadline_seconds: float = 30.0
    max_put_off_seconds: float = 3600.0
    most_put_offs: int = 5


def missed(feed: str, before: datetime, now: datetime, interval_seconds: float) -> Gap | None:
    """The gap of a feed that was polled last at `before`, if that is longer ago than three intervals.

    What changes and changes back between two polls is never seen; after so long a time that is worth a word.
    """
    if (now - before).total_seconds() <= MISSED_INTERVALS * interval_seconds:
        return None
    return Gap(key=event_id("gap", feed, before.isoformat()), reason="not_polled", since=before)


class Poller:
    """The rhythm of one feed. `restart` when it connects, then `poll` again and again, from one task."""

    def __init__(
        self,
        rhythm: Rhythm,
        *,
        clock: Clock,
        peer: str,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._rhythm = rhythm
        self._clock = clock
        self._peer = peer
        self._uniform = uniform
        self._due = clock.monotonic()
        self._put_offs = 0
        self.polls = 0
        """Polls that were answered."""
        self.put_off = 0
        """Polls that the server put off."""

    def restart(self) -> None:
        """The next poll is due at once."""
        self._due = self._clock.monotonic()
        self._put_offs = 0

    @property
    def due_in_seconds(self) -> float:
        """How long until the next poll; 0 if it is due."""
        return max(0.0, self._due - self._clock.monotonic())

    async def poll(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Wait until a poll is due, ask, and return the answer.

        Cancelled while it waits, it waits on in the next call; cancelled while it asks, the next
        call asks again at once, so `ask` must change nothing before it returns.
        Raises NotConnected (also for what is NotReady while connecting), AuthRejected,
        ProtocolViolation.
        """
        while True:
            if (wait := self.due_in_seconds) > 0:
                await self._clock.sleep(wait)
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._rhythm.deadline_seconds):
                    answer = await ask()
            except TimeoutError as error:
                raise NotConnected(
                    f"{self._peer} did not answer a poll within "
                    f"{self._rhythm.deadline_seconds:g} s",
                    reason=Reason.TIMEOUT,
                ) from error
            except ConnectionFailed as error:
                self._slow_down(error)
                continue
            self._put_offs = 0
            self.polls += 1
            self._due = began + self._interval()
            return answer

    def _interval(self) -> float:
        rhythm = self._rhythm
        return rhythm.interval_seconds * (1.0 - self._uniform(0.0, rhythm.jitter))

    def _slow_down(self, error: ConnectionFailed) -> None:
        """Put the next poll off if that is what the server asks for, otherwise raise."""
        rhythm = self._rhythm
        self._put_offs += 1
        if error.reason is not Reason.RATE_LIMITED or self._put_offs > rhythm.most_put_offs:
            raise as_lost(error) from None
        asked = error.retry_after_seconds
        wait = rhythm.interval_seconds * 2.0**self._put_offs if asked is None else asked
        # Late by up to the jitter: whoever was put off together shall not come back together.
        wait = min(wait, rhythm.max_put_off_seconds) * (1.0 + self._uniform(0.0, rhythm.jitter))
        self.put_off += 1
        self._due = self._clock.monotonic() + wait
