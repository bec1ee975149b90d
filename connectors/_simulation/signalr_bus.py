"""The message bus of a simulated SignalR 2.2 server: a ring of messages per topic, and cursors into the rings.

As in Microsoft.AspNet.SignalR.Core 2.2 (Messaging: MessageBus, MessageStore, Cursor): messages live in fragments of a
quarter of the buffer, at most five of them, so a topic keeps between one and one and a quarter buffers; a reader that
is behind the oldest fragment continues there without being told; a cursor is a prefix of the process followed by the
next index of every topic, under names made short.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from typing import NamedTuple

FRAGMENTS = 4
SMALLEST_BUFFER = 32
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Command(NamedTuple):
    """What the server tells a connection itself, in the place of a message: it advances the index all the same."""

    name: str
    """`initialize`, `join`, `leave` or `abort`."""
    group: str = ""
    """The topic of the group."""
    since: int = 0
    """Where in the group's topic the membership begins."""


class Entry(NamedTuple):
    """One place in a ring: an encoded hub invocation with its number for the recorder, or a command."""

    frame: bytes
    number: int
    command: Command | None = None


class Topic:
    """A ring. `first` is the index of the oldest entry, `next` that of the one to come."""

    __slots__ = ("_entries", "_fragment", "first", "key", "last_used", "name")

    def __init__(self, key: str, name: str, buffer_size: int, now: float) -> None:
        self.key = key
        self.name = name
        """Its short name in cursors."""
        self.last_used = now
        self.first = 0
        self._fragment = max(buffer_size, SMALLEST_BUFFER) // FRAGMENTS
        self._entries: deque[Entry] = deque()

    @property
    def next(self) -> int:
        """The index of the entry to come."""
        return self.first + len(self._entries)

    def add(self, entry: Entry) -> list[tuple[int, Entry]]:
        """Append an entry; returns what had to go, with its index."""
        evicted = []
        if self.next % self._fragment == 0:
            keep_from = self.next - FRAGMENTS * self._fragment
            evicted = self._evict(keep_from)
        self._entries.append(entry)
        return evicted

    def overflow(self, skipped: int) -> list[tuple[int, Entry]]:
        """Act as if so many more entries had come and gone; returns what had to go."""
        evicted = self._evict(self.next)
        self.first += skipped
        return evicted

    def _evict(self, keep_from: int) -> list[tuple[int, Entry]]:
        evicted = []
        while self.first < keep_from and self._entries:
            evicted.append((self.first, self._entries.popleft()))
            self.first += 1
        return evicted

    def read(self, start: int, limit: int) -> tuple[list[Entry], int]:
        """At most `limit` entries from `start`, or from the oldest if that is gone; and where to go on."""
        if start >= self.next:
            return [], self.next
        begin = max(start - self.first, 0)
        end = min(begin + limit, len(self._entries))
        return [self._entries[index] for index in range(begin, end)], self.first + end

    def between(self, start: int, end: int) -> Iterator[Entry]:
        """The entries still there with indexes from `start` up to, not including, `end`."""
        for index in range(max(start, self.first), min(end, self.next)):
            yield self._entries[index - self.first]


class MessageBus:
    """The topics of one server process; a topic nobody used for `ttl_seconds` is forgotten."""

    def __init__(self, buffer_size: int, ttl_seconds: float) -> None:
        self._buffer_size = buffer_size
        self._ttl = ttl_seconds
        self._names = count()
        self.topics: dict[str, Topic] = {}
        self.prefix = f"d-{secrets.token_hex(4).upper()}-"
        """What cursors of this process begin with."""

    def topic(self, key: str, now: float) -> Topic:
        """The topic, made when it does not exist."""
        topic = self.topics.get(key)
        if topic is None:
            topic = Topic(key, _short(next(self._names)), self._buffer_size, now)
            self.topics[key] = topic
        topic.last_used = now
        return topic

    def expire(self, now: float, in_use: Iterable[str]) -> list[Topic]:
        """Forget the topics whose time is up; returns them."""
        used = frozenset(in_use)
        doomed = [
            topic
            for topic in self.topics.values()
            if topic.key not in used and now - topic.last_used > self._ttl
        ]
        for topic in doomed:
            del self.topics[topic.key]
        return doomed

    def cursor(self, positions: Iterable[tuple[Topic, int]]) -> str:
        """The `messageId` that stands for these positions."""
        return self.prefix + "|".join(f"{topic.name},{index:X}" for topic, index in positions)

    def positions(self, cursor: str) -> dict[str, int]:
        """Index by short name; empty for a cursor of another process, or one that is none."""
        if not cursor.startswith(self.prefix):
            return {}
        try:
            pairs = [part.split(",") for part in cursor[len(self.prefix) :].split("|")]
            return {name: int(index, 16) for name, index in pairs}
        except ValueError:
            return {}


def _short(number: int) -> str:
    name = ""
    while True:
        number, digit = divmod(number, len(ALPHABET))
        name = ALPHABET[digit] + name
        if not number:
            return name
        number -= 1
