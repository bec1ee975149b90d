"""The client's side of one SignalR connection after another: no sockets, no tasks, no clock.

It keeps what the protocol makes the client keep (token, cursor, groups token), turns frames into
invocations, and judges what the server never says: that messages were lost. Three things tell it.
The connection was alone for longer than the server keeps it; the cursor carries the prefix of
another server process; or it went further ahead than messages came. Joining and leaving groups, and
broadcasts that leave us out, move it too without a message: the first is known by the groups token
and the topics that come and go, the second is not, and costs a needless look at the platform's state.
Times are seconds on one time line that starts at the epoch. Source: SignalR/SignalR 2.2.1, Core
`Messaging/*`, `Transports/*`; JavaScript client of 2.4 for the timers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors._wire.signalr import cursors
from connectors._wire.signalr.cursors import Cursor
from connectors._wire.signalr.frames import Frame, Result
from connectors._wire.signalr.values import (
    Arrival,
    Gap,
    Invocation,
    Loss,
    Negotiated,
    SignalRResume,
    Transport,
)
from gateway.errors import NotConnected, Reason

MARGIN = 0.1
SLOW_AFTER = 2 / 3
# A clock that was set back a little must not cost a connection.
CLOCK_TOLERANCE_SECONDS = 5.0
REMEMBERED_FRAMES = 32
# Each joining or leaving of a group is a command in the connection's own topic; they come in bursts.
COMMANDS_PER_GROUPS_TOKEN = 100


class Taken(NamedTuple):
    """What a frame meant: news, the answer to a call, or that the transport is to be made anew."""

    arrival: Arrival | None = None
    result: Result | None = None
    reconnect: bool = False


class SignalRSession:
    """One connection at a time to one server, for a fixed list of hubs."""

    def __init__(
        self,
        base_url: str,
        hubs: Sequence[str],
        *,
        identity: str = "",
        count_messages: bool = True,
    ) -> None:
        self._base_url = base_url
        self._hubs = tuple(hubs)
        self._identity = identity
        self._count_messages = count_messages
        self.negotiated: Negotiated | None = None
        self.transport = Transport.LONG_POLLING
        self.cursor = ""
        self.groups_token = ""
        self.duplicates = 0
        self.seen_at = 0.0
        self._position: Cursor | None = None
        self._ordinal = 0
        self._epoch = 0
        self._gap: Gap | None = None
        self.lost: Loss | None = None
        self._recent: deque[str] = deque(maxlen=REMEMBERED_FRAMES)

    @property
    def connection_id(self) -> str:
        """The server's public name for the connection; empty if there is none."""
        return self.negotiated.connection_id if self.negotiated else ""

    @property
    def token(self) -> str:
        """The secret that stands for the connection; empty if there is none."""
        return self.negotiated.token if self.negotiated else ""

    @property
    def process(self) -> str:
        """The mark of the server process that the cursor belongs to; empty if it has none."""
        return self._position.prefix if self._position and self._position.counts else ""

    def judge(self, resume: SignalRResume, now: float) -> Loss | None:
        """Whether going on with a kept connection would pass something over in silence."""
        if resume.lost is not None:
            return resume.lost
        if self.lost is not None and self.connection_id == resume.connection_id:
            return self.lost
        ours = (self._base_url, self._identity, {hub.lower() for hub in self._hubs})
        theirs = (resume.base_url, resume.identity, {hub.lower() for hub in resume.hubs})
        if ours != theirs:
            return Loss.CHANGED
        away = now - resume.seen_at
        allowed = resume.negotiated.disconnect_seconds * (1 - MARGIN)
        return None if -CLOCK_TOLERANCE_SECONDS <= away < allowed else Loss.EXPIRED

    def restore(self, resume: SignalRResume) -> None:
        """Take up a kept connection."""
        self._forget()
        self.negotiated = resume.negotiated
        self.transport = resume.transport
        self.cursor = resume.cursor
        self._position = cursors.read_cursor(resume.cursor)
        self.groups_token = resume.groups_token
        self.seen_at = resume.seen_at
        self._ordinal = resume.ordinal
        self._epoch = resume.epoch

    def begin(
        self, negotiated: Negotiated, transport: Transport, now: float, gap: Gap | None = None
    ) -> None:
        """A new connection; `gap` is what was lost with the one before."""
        self._forget()
        self.negotiated = negotiated
        self.transport = transport
        self.seen_at = now
        self._gap = gap

    def heard(self, now: float) -> None:
        """The server gave a sign of life."""
        self.seen_at = now

    def is_slow(self, now: float) -> bool:
        """Whether the server has been silent for two thirds of what is normal."""
        limit = self.negotiated.keep_alive_seconds if self.negotiated else None
        return limit is not None and now - self.seen_at > limit * SLOW_AFTER

    def expires_at(self) -> float:
        """When the connection must be given up unless the server is heard before."""
        kept = self.negotiated.disconnect_seconds if self.negotiated else 0.0
        return self.seen_at + kept * (1 - MARGIN)

    def lose(self, loss: Loss) -> None:
        """The connection cannot go on: the resume state says so, and `judge` refuses it from now on."""
        self.lost = loss

    def take(self, frame: Frame, now: float) -> Taken:
        """Take in one frame.

        Raises:
            NotConnected: the server ended the connection, or another server process wrote the frame.
        """
        before = self.seen_at
        self.heard(now)
        if frame.result is not None:
            return Taken(result=frame.result)
        if frame.error is not None or frame.disconnect:
            self.lose(Loss.SESSION_LOST)
            raise NotConnected("the server ended the connection", reason=Reason.SERVER_CLOSED)
        arrival = self._arrive(frame, before, now)
        return Taken(arrival=arrival, reconnect=frame.reconnect)

    def checkpoint(self) -> Arrival:
        """An arrival without messages: it makes the connection, and when it was last heard, known to the journal."""
        gap, self._gap = self._gap, None
        return Arrival([], self.resume_state(), gap)

    def resume_state(self) -> SignalRResume:
        """What to keep for another process, with all that was taken stored."""
        if self.negotiated is None:
            raise NotConnected("there is no connection", reason=Reason.STOPPED)
        return SignalRResume(
            base_url=self._base_url,
            hubs=self._hubs,
            identity=self._identity,
            negotiated=self.negotiated,
            transport=self.transport,
            cursor=self.cursor,
            groups_token=self.groups_token,
            ordinal=self._ordinal,
            epoch=self._epoch,
            seen_at=self.seen_at,
            lost=self.lost,
        )

    def _arrive(self, frame: Frame, before: float, now: float) -> Arrival | None:
        keys: list[str] | None = None
        entries = frame.entries
        if frame.cursor:
            position = cursors.read_cursor(frame.cursor)
            self._same_process(position)
            if position is not None and position.counts:
                if entries and self._seen_before(frame.cursor):
                    self.duplicates += len(entries)
                    return None
                keys, entries = self._follow(position, frame, before, now)
            self._position = position
            self.cursor = frame.cursor
        if frame.groups_token is not None:
            self.groups_token = frame.groups_token
        if not entries and self._gap is None:
            return None
        messages = [
            self._invocation(entry, index, frame.cursor or self.cursor, keys)
            for index, entry in enumerate(entries)
        ]
        gap, self._gap = self._gap, None
        return Arrival(messages, self.resume_state(), gap)

    def _same_process(self, position: Cursor | None) -> None:
        known = self._position
        if known is None or (position is not None and position.prefix == known.prefix):
            return
        self.lose(Loss.SERVER_RESTARTED)
        raise NotConnected("another server process answers", reason=Reason.SESSION_LOST)

    def _seen_before(self, cursor: str) -> bool:
        """A server of one process never writes two frames with messages under one cursor."""
        if cursor in self._recent:
            return True
        self._recent.append(cursor)
        return False

    def _follow(
        self, position: Cursor, frame: Frame, before: float, now: float
    ) -> tuple[list[str] | None, tuple[Any, ...]]:
        entries = frame.entries
        old = self._position
        if old is None:
            return None, entries
        step = cursors.step(old, position, len(entries))
        if step.keys is None and step.surplus:
            once = _without_repetitions(entries)
            repeated = cursors.step(old, position, len(once))
            if repeated.keys is not None:
                self.duplicates += len(entries) - len(once)
                step, entries = repeated, once
        excused = step.topics_changed
        if frame.groups_token is not None:
            excused += COMMANDS_PER_GROUPS_TOKEN
        missing = step.missing - excused
        if step.restarted:
            self._epoch += 1
            self._recent.clear()
            self._gap = self._gap or Gap(Loss.BUFFER_FULL, before, now)
        elif self._count_messages and missing > 0:
            known = self._gap.missing if self._gap else 0
            total = None if known is None else known + missing
            since = self._gap.since if self._gap else before
            self._gap = Gap(Loss.BUFFER_FULL, since, now, total)
        return step.keys, entries

    def _invocation(
        self, entry: Any, index: int, cursor: str, keys: list[str] | None
    ) -> Invocation:
        if keys is not None:
            key = f"{self._epoch}/{keys[index]}" if self._epoch else keys[index]
        else:
            self._ordinal += 1
            key = f"#{self._ordinal}"
        if isinstance(entry, dict):
            hub, method, args = entry.get("H"), entry.get("M"), entry.get("A", [])
            if isinstance(hub, str) and isinstance(method, str) and isinstance(args, list):
                return Invocation(hub, method, args, cursor, index, key)
        return Invocation("", "", [entry], cursor, index, key)

    def _forget(self) -> None:
        self.negotiated = None
        self.cursor = self.groups_token = ""
        self._position = None
        self._ordinal = self._epoch = 0
        self._gap = None
        self.lost = None
        self._recent.clear()


def _without_repetitions(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """The entries without those that equal the one before them."""
    return tuple(
        entry for index, entry in enumerate(entries) if not index or entry != entries[index - 1]
    )
