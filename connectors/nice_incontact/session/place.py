"""The place of a feed in its session, and what waits to be told: answers and the time in, deliveries out. No I/O.

What follows an interruption depends on what the platform answers to the newest name that we have of the
session: events, and nothing is missing; the current states, and what was missed cannot be known.
Source: NICE inContact developer portal, "Using Events" and "Agent Session Events" (what a poll with an
older session id is answered).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.nice_incontact.mapping import Mapper, Origin, is_end, is_start
from connectors.nice_incontact.session.polled import Polled
from connectors.nice_incontact.session.state import FeedResume, decode_resume, encode_resume
from gateway.contracts.connector import Delivery, Gap
from gateway.events import Event, event_id

SEEN_EVERY_SECONDS = 60.0
"""How often a session without events is written down as seen, which bounds a later gap."""


class Place:
    """Where one feed stands.

    Attributes:
        mapper: the agent's picture.
        start: the name that joining or starting answered, with which the current states can be asked for.
        cursor: the newest name, from which the next poll goes on; empty without a session.
        left: a session was ended, by whomever; it is not for us to start another.
        owed: the key of a gap whose reconciliation is not in the stored picture.
        duplicates: events that the platform sent twice, in all sessions.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.mapper = Mapper(origin)
        self.start = ""
        self.cursor = ""
        self.left = False
        self.owed = ""
        self._repeats = 0
        self._seen_at = 0.0
        self._written_at = 0.0
        # The name whose first answer begins the session, and whether we joined what was there before us.
        self._fresh = ""
        self._joined = False
        self._events: list[Event] = []
        self._gap: Gap | None = None
        self._noticed: Gap | None = None
        self._states: tuple[Any, ...] | None = None
        self._must_write = False
        self._duplicates = 0

    @property
    def duplicates(self) -> int:
        """Events that the platform sent twice."""
        return self._duplicates + self.mapper.duplicates

    @property
    def has_gap(self) -> bool:
        """Whether a gap waits to be told: then the current states are told as its reconciliation."""
        return self._gap is not None

    @property
    def public_name(self) -> str:
        """Names the session without giving it away."""
        return event_id("session", self.start)[:16] if self.start else "none"

    def restore(self, resume: bytes | None) -> None:
        """Take up the stored state. The one in memory may be ahead of the journal, so it is not used."""
        kept = decode_resume(resume) if resume is not None else None
        in_memory, seen_at = self.cursor, self._seen_at
        self._duplicates += self.mapper.duplicates
        self.mapper = Mapper(self._origin, kept.picture if kept else None)
        self._events, self._gap, self._states = [], None, None
        self._fresh = ""
        self.owed = kept.owed if kept else ""
        self.start = kept.start if kept else ""
        self.cursor = kept.cursor if kept else ""
        self.left = kept.left if kept else self.left
        self._repeats = kept.repeats if kept else 0
        # In one process the last poll is known better than it was written down.
        same = kept is not None and kept.cursor == in_memory
        self._seen_at = max(kept.seen_at, seen_at if same else 0.0) if kept else 0.0
        # That the stop was clean is over with the first poll.
        self._must_write = kept is not None and kept.clean
        if resume is not None and kept is None:
            self._gap = Gap(key=event_id(self._origin.feed, resume.hex()), reason="corrupt")
        elif kept is not None and kept.cursor and not kept.clean and kept.cursor != in_memory:
            # A process that was killed may have taken an answer that the journal does not have.
            self._gap = self._gap_of("unclean_stop", self.cursor, self._seen_at)

    def begin(self, start: str, *, joined: bool) -> None:
        """A session was joined or started; the first answer to this name begins it."""
        self.start = self.cursor = self._fresh = start
        self._joined = joined
        self._repeats = 0
        self.left = False

    def take(self, polled: Polled, now: datetime) -> None:
        """Map the events of an answer, or keep the current states that it has in the place of events."""
        polled_with, told, whole_at = self.cursor, polled.events, self._seen_at
        answer = f"{polled_with} {self._repeats}" if self._repeats else polled_with
        self.move(polled, now)
        if not told:
            return
        fresh, self._fresh = polled_with == self._fresh, ""
        states = any(map(is_start, told))
        if fresh and self._joined and states:
            if self._gap is not None:
                # They are told by the snapshot that the supervisor asks for after the gap.
                self._states = told
                return
            self._events += self.mapper.adopt(
                told, occasion=f"start {polled_with}", received=now, reconciled=False
            )
        elif not fresh and states and self.mapper.picture.session is not None:
            # Our name was not the newest: another answer was given out for it, and nobody has it.
            self._gap = self._gap or self._gap_of("expired", polled_with, whole_at)
            self._states = told
            return
        else:
            self._events += self.mapper.map(told, cursor=answer, received=now)
        if any(map(is_end, told)):
            self.over()

    def move(self, polled: Polled, now: datetime) -> None:
        """Go on from the name that an answer has. Two answers of one name are told apart by their number."""
        moved = polled.cursor not in {"", self.cursor}
        self._repeats = 0 if moved else self._repeats + bool(polled.events)
        self.cursor = polled.cursor or self.cursor
        self.saw(now)

    def saw(self, now: datetime) -> None:
        """The platform answered."""
        self._seen_at = now.timestamp()

    def take_events(self) -> list[Event]:
        """The events that wait for the next delivery, to be told now."""
        events, self._events = self._events, []
        return events

    def take_states(self) -> tuple[Any, ...] | None:
        """The current states, if an answer had them in the place of events."""
        states, self._states = self._states, None
        return states

    def tell_tones(self, call: str, command: str, now: datetime) -> None:
        """The platform took tones of a command."""
        self._events += self.mapper.tones_sent(call, command=command, received=now)

    def tell_end(self, now: datetime) -> None:
        """The session is over, and the event that says so was not heard."""
        self._events += self.mapper.absent(occasion=f"end {self.cursor}", received=now, live=True)
        self.over()

    def tell_absence(self, now: datetime) -> None:
        """The agent has no session: told now, or after the gap by the snapshot."""
        if self._gap is None:
            occasion = f"absent {self.mapper.picture.session or ''}"
            self._events += self.mapper.absent(occasion=occasion, received=now)

    def tell_states(self, states: tuple[Any, ...] | None, occasion: str, now: datetime) -> None:
        """What leads to states that were read."""
        self._events += self.reconciled(states, occasion, now)

    def reconciled(
        self, states: tuple[Any, ...] | None, occasion: str, now: datetime
    ) -> list[Event]:
        """What leads to states that were read; without a session, to its end. The next delivery stores it."""
        self._must_write = True
        if not self.cursor:
            return self.mapper.absent(occasion=occasion, received=now, reconciled=True)
        if not states:
            return []
        if not any(map(is_start, states)):
            # No set of states: a server that had nothing but events for us.
            return self.mapper.map(states, cursor=occasion, received=now)
        return self.mapper.adopt(states, occasion=occasion, received=now, reconciled=True)

    def over(self) -> None:
        """There is no session any more. Whoever ended it does not find it started again."""
        self.start = self.cursor = self._fresh = ""
        self._states = None
        self.left = self._must_write = True

    def lose(self, reason: str) -> None:
        """The session cannot be gone on with, and what happened in it meanwhile is not known."""
        self._gap = self._gap or self._gap_of(reason, self.cursor, self._seen_at)
        self.start = self.cursor = self._fresh = ""

    def delivery(self, *, clean: bool = False, always: bool = False) -> Delivery | None:
        """What waits to be told or must be written down; `always` also if that is nothing but the place."""
        due = bool(self.cursor) and self._seen_at - self._written_at >= SEEN_EVERY_SECONDS
        if not (self._events or self._gap or self._must_write or due or always):
            return None
        events, self._events = self._events, []
        gap, self._gap = self._gap, None
        if gap is not None:
            self.owed = gap.key
        self._must_write = False
        self._written_at = self._seen_at
        resume = self._resume(clean=clean and gap is None)
        return Delivery(events=tuple(events), resume=resume, gap=gap)

    def _resume(self, *, clean: bool) -> bytes:
        return encode_resume(
            FeedResume(
                picture=self.mapper.picture,
                start=self.start,
                cursor=self.cursor,
                repeats=self._repeats,
                seen_at=self._seen_at,
                clean=clean,
                owed=self.owed,
                left=self.left,
            )
        )

    def _gap_of(self, reason: str, cursor: str, whole_at: float) -> Gap:
        """A gap since the last answer before it, in seconds since the epoch."""
        key = event_id(self._origin.feed, "gap", self.start, cursor)
        since = datetime.fromtimestamp(whole_at, UTC) if whole_at else None
        if self._noticed is None or self._noticed.key != key:
            self._noticed = Gap(key=key, reason=reason, since=since)
        # One that was told and not yet closed, seen again, closes with the words it was opened with.
        return self._noticed
