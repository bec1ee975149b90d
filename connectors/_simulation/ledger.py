"""The oracle: what a simulator published, to whom, and what became of it on the platform's side.

A test compares it with what the gateway journalled. A message the platform itself lost (nobody was subscribed, the
session expired with the message in its queue) is nobody's debt; every other one must be in the journal.
"""

from __future__ import annotations

from collections import Counter, deque
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


class Published(msgspec.Struct):
    """One published message. `at_ms` is epoch milliseconds."""

    id: str
    agent: str
    topic: str
    message_type: str
    at_ms: int
    fate: Fate = Fate.QUEUED
    lost_because: LostBecause | None = None
    copies: int = 0
    """Sessions in whose queue the message still is."""

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
    """Remembers the newest `limit` messages; older ones are forgotten, and counted as `forgotten`.

    Numbers start at 1 and have no holes: message n has the id `sim-n`.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._entries: deque[Published] = deque(maxlen=limit)
        self._total = 0
        self.by_topic: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._total

    @property
    def forgotten(self) -> int:
        """How many messages are too old to be remembered."""
        return self._total - len(self._entries)

    def next_id(self) -> str:
        """The id the next recorded message will carry."""
        return f"sim-{self._total + 1}"

    def record(self, *, agent: str, topic: str, message_type: str, at_ms: int) -> int:
        """Enter a message and return its number."""
        self._total += 1
        self.by_topic[topic] += 1
        entry = Published(f"sim-{self._total}", agent, topic, message_type, at_ms)
        self._entries.append(entry)
        return self._total

    def find(self, number: int) -> Published | None:
        """The message of that number, unless it was forgotten."""
        index = number - 1 - self.forgotten
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def since(self, number: int, limit: int) -> list[Published]:
        """At most `limit` messages after number `number`, in order of publication."""
        start = max(number - self.forgotten, 0)
        entries = self._entries
        return [entries[index] for index in range(start, min(start + limit, len(entries)))]

    def counts(self) -> dict[str, int]:
        """How many messages have which fate."""
        fates = Counter(entry.fate for entry in self._entries)
        return {fate.value: fates[fate] for fate in Fate}

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
                entry.fate, entry.lost_because = Fate.LOST, because

    def abandoned(self, numbers: Iterable[int]) -> None:
        """Copies were written, not acknowledged as the session's rules demand, and the session is gone."""
        for number in numbers:
            if (entry := self.find(number)) and entry.fate is Fate.WRITTEN:
                entry.fate = Fate.UNCERTAIN

    def _raise_to(self, numbers: Iterable[int], fate: Fate) -> None:
        for number in numbers:
            entry = self.find(number)
            if entry is not None and entry.fate is not Fate.ACKNOWLEDGED:
                entry.fate = fate
