"""The oracle: what a simulator published, to whom, and what became of it on the platform's side.

A test compares it with what the gateway journalled. A message the platform itself lost (nobody was subscribed, the
session expired with the message in its queue) is nobody's debt; every other one must be in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Fate(StrEnum):
    """What the platform knows of a message, from the least to the most."""

    LOST = "lost"
    """It can reach nobody any more, by the platform's own doing."""
    UNCERTAIN = "uncertain"
    """Written to a client, never acknowledged, and the session is gone: it arrived, or it did not."""
    QUEUED = "queued"
    WRITTEN = "written"
    ACKNOWLEDGED = "acknowledged"


class LostBecause(StrEnum):
    """Why the platform lost a message."""

    NO_SESSION = "no_session"
    NO_SUBSCRIPTION = "no_subscription"
    SESSION_GONE = "session_gone"
    DEAD_POLL = "dead_poll"
    STALLED = "stalled"
    OVERFLOW = "overflow"
    """Newer messages took its place in a bounded buffer."""


class Published(msgspec.Struct, gc=False):
    """One published message. `at_ms` is epoch milliseconds."""

    number: int
    agent: str
    topic: str
    message_type: str
    at_ms: int
    fate: Fate = Fate.QUEUED
    lost_because: LostBecause | None = None
    copies: int = 0
    """Sessions in whose queue the message still is."""

    @property
    def id(self) -> str:
        """What the message carries, so that receivers can name it."""
        return f"sim-{self.number}"

    @property
    def resumable(self) -> bool:
        """Whether a client that keeps its session must receive it."""
        return self.fate not in {Fate.LOST, Fate.UNCERTAIN}

    def as_record(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "id": self.id,
            "agent": self.agent,
            "topic": self.topic,
            "message_type": self.message_type,
            "at_ms": self.at_ms,
            "fate": self.fate,
            "resumable": self.resumable,
            "lost_by_platform": self.fate is Fate.LOST,
            "lost_because": self.lost_because,
        }


class Ledger:
    """Remembers at least the newest `limit` messages; much older ones are forgotten, and counted as `forgotten`.

    Numbers start at 1 and have no holes: message n has the id `sim-n`.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._limit = limit
        self._entries: list[Published] = []
        self.forgotten = 0
        """How many messages are too old to be remembered."""
        self.by_topic: Counter[str] = Counter()
        self._fates: Counter[Fate] = Counter()

    def __len__(self) -> int:
        return self.forgotten + len(self._entries)

    def record(self, *, agent: str, topic: str, message_type: str, at_ms: int) -> int:
        """Enter a message and return its number."""
        number = len(self) + 1
        self.by_topic[topic] += 1
        self._fates[Fate.QUEUED] += 1
        self._entries.append(Published(number, agent, topic, message_type, at_ms))
        if len(self._entries) >= 2 * self._limit:
            self.forgotten += len(self._entries) - self._limit
            del self._entries[: -self._limit]
        return number

    def find(self, number: int) -> Published | None:
        """The message of that number, unless it was forgotten."""
        index = number - 1 - self.forgotten
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def since(self, number: int, limit: int) -> list[Published]:
        """At most `limit` messages after number `number`, in order of publication."""
        start = max(number - self.forgotten, 0)
        return self._entries[start : start + limit]

    def counts(self) -> dict[str, int]:
        """How many messages have which fate; a forgotten one keeps its last."""
        return {fate.value: self._fates[fate] for fate in Fate}

    def queued(self, number: int, copies: int) -> None:
        """The message is in the queue of `copies` sessions."""
        if entry := self.find(number):
            entry.copies += copies

    def written(self, numbers: Iterable[int]) -> None:
        """The messages went out on a connection that was open."""
        self._raise_to(numbers, Fate.WRITTEN)

    def acknowledged(self, numbers: Iterable[int]) -> None:
        """The client said that it has them."""
        self._raise_to(numbers, Fate.ACKNOWLEDGED)

    def lost(self, numbers: Iterable[int], because: LostBecause) -> None:
        """A copy is gone before it was ever written to an open connection."""
        for number in numbers:
            entry = self.find(number)
            if entry is None:
                continue
            entry.copies = max(entry.copies - 1, 0)
            if entry.fate is Fate.QUEUED and not entry.copies:
                entry.lost_because = because
                self._move(entry, Fate.LOST)

    def abandoned(self, numbers: Iterable[int]) -> None:
        """Copies were written, not acknowledged as the session's rules demand, and the session is gone."""
        for number in numbers:
            if (entry := self.find(number)) and entry.fate is Fate.WRITTEN:
                self._move(entry, Fate.UNCERTAIN)

    def _raise_to(self, numbers: Iterable[int], fate: Fate) -> None:
        for number in numbers:
            entry = self.find(number)
            if entry is not None and entry.fate is not Fate.ACKNOWLEDGED:
                self._move(entry, fate)

    def _move(self, entry: Published, fate: Fate) -> None:
        self._fates[entry.fate] -= 1
        self._fates[fate] += 1
        entry.fate = fate
