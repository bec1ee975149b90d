"""A journal that forgets everything with its process: for tests and dry runs. Same contract, same suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from gateway.clock import Clock, SystemClock
from gateway.contracts import (
    Appended,
    Burial,
    DeadLetter,
    Held,
    HeldChanges,
    HeldEvent,
    JournalStatistics,
    KeyTrouble,
)
from gateway.errors import JournalClosed, JournalFull, Reason
from gateway.events import Event, StoredEvent
from gateway.journal.dates import from_text
from gateway.journal.encoding import burial_rows, rows_of
from gateway.journal.settings import JournalSettings
from gateway.journal.waiting import Bell

ROW_OVERHEAD_BYTES = 100


@dataclass(slots=True)
class _Entry:
    event: StoredEvent
    key: bytes
    appended: float


@dataclass(slots=True)
class _Counters:
    appended: int = 0
    duplicates: int = 0
    commits: int = 0
    trimmed: int = 0
    undelivered: int = 0


@dataclass(slots=True)
class _Room:
    full: bool = False
    bell: Bell = field(default_factory=Bell)


class MemoryJournal:
    """A `gateway.contracts.Journal` in memory. Bounded by the same `max_bytes`."""

    def __init__(self, settings: JournalSettings | None = None, clock: Clock | None = None) -> None:
        self._settings = settings or JournalSettings()
        self._clock = clock or SystemClock()
        self._id = uuid4().hex
        self._entries: list[_Entry] = []
        self._keys: set[bytes] = set()
        self._last = 0
        self._bytes = 0
        self._sequences: Counter[str] = Counter()
        self._resume: dict[str, bytes] = {}
        self._consumers: dict[str, int] = {}
        self._letters: dict[int, DeadLetter] = {}
        self._last_letter = 0
        self._sources: dict[int, str] = {}
        self._held: dict[tuple[str, int], HeldEvent] = {}
        self._troubles: dict[tuple[str, str], KeyTrouble] = {}
        self._facts: dict[tuple[str, str], bytes] = {}
        self._counters = _Counters()
        self._news = Bell()
        self._room = _Room()
        self._closed = False

    @property
    def id(self) -> str:
        """Another one for each object."""
        return self._id

    def _check_open(self) -> None:
        if self._closed:
            raise JournalClosed("the journal is closed")

    async def append(self, feed: str, events: Sequence[Event], resume: bytes | None) -> Appended:
        """Store events and resume state."""
        self._check_open()
        rows = rows_of(events)
        taken = set()
        new = []
        for row in rows:
            if row.key not in self._keys and row.key not in taken:
                taken.add(row.key)
                new.append(row)
        needed = sum(len(row.body) + ROW_OVERHEAD_BYTES for row in new)
        self._make_room(needed)
        now = self._clock.now().timestamp()
        for row in new:
            self._last += 1
            self._sequences[row.source] += 1
            event = StoredEvent(
                self._last, self._sequences[row.source], row.type, row.source, row.body
            )
            self._entries.append(_Entry(event, row.key, now))
        self._keys |= taken
        self._bytes += needed
        if resume is not None:
            self._resume[feed] = bytes(resume)
        self._counters.appended += len(new)
        self._counters.duplicates += len(rows) - len(new)
        self._counters.commits += 1
        if new:
            self._news.ring()
        return Appended(stored=len(new), duplicates=len(rows) - len(new), position=self._last)

    def _make_room(self, needed: int) -> None:
        settings = self._settings
        excess = self._bytes + needed - settings.max_bytes
        if excess > 0:
            self._remove(self._oldest(excess))
        if self._bytes + needed > settings.max_bytes:
            self._room.full = True
            raise JournalFull(
                f"no room in memory: {self._bytes} bytes of at most {settings.max_bytes}",
                hint="raise the journal's max_bytes, or let the slowest sink catch up",
            )
        self._room_again()

    def _room_again(self) -> None:
        self._room.full = False
        self._room.bell.ring()

    def _limit(self) -> int:
        if self._settings.trim_undelivered:
            return self._last
        return min(self._consumers.values(), default=self._last)

    def _oldest(self, size_bytes: int) -> int:
        """How many of the oldest entries that may go make up this size, or all of them."""
        limit = self._limit()
        count = freed = 0
        for entry in self._entries:
            if freed >= size_bytes or entry.event.position > limit:
                break
            freed += len(entry.event.body) + ROW_OVERHEAD_BYTES
            count += 1
        return count

    def _remove(self, count: int) -> None:
        slowest = min(self._consumers.values(), default=self._last)
        for entry in self._entries[:count]:
            self._bytes -= len(entry.event.body) + ROW_OVERHEAD_BYTES
            self._keys.discard(entry.key)
            self._counters.undelivered += entry.event.position > slowest
        del self._entries[:count]
        self._counters.trimmed += count

    async def wait_for_room(self) -> None:
        """Return when a consumer's progress has made room."""
        self._check_open()
        if self._room.full:
            await self._room.bell.wait()

    def _first(self) -> int:
        return self._entries[0].event.position if self._entries else self._last + 1

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Events behind a position."""
        self._check_open()
        start = max(0, after - self._first() + 1)
        return [entry.event for entry in self._entries[start : start + limit]]

    async def wait(self, after: int) -> None:
        """Return when there is an event behind a position."""
        self._check_open()
        while self._last <= after:
            await self._news.wait()

    async def resume(self, feed: str) -> bytes | None:
        """The last resume state of a feed."""
        self._check_open()
        return self._resume.get(feed)

    async def position(self, consumer: str) -> int | None:
        """The saved position of a consumer."""
        self._check_open()
        return self._consumers.get(consumer)

    async def commit(
        self,
        consumer: str,
        position: int,
        burials: Sequence[Burial] = (),
        held: HeldChanges | None = None,
    ) -> None:
        """Save a position, bury what was refused and keep what is held."""
        self._check_open()
        rows = burial_rows(consumer, burials, self._clock)
        waiting = {(letter.sink, letter.position) for letter in self._waiting()}
        for row in rows:
            if (row.sink, row.position) in waiting:
                continue
            self._last_letter += 1
            values = row._asdict() | {
                "reason": Reason(row.reason),
                "buried": from_text(row.buried),
            }
            self._sources[self._last_letter] = values.pop("source")
            self._letters[self._last_letter] = DeadLetter(id=self._last_letter, **values)
        self._consumers[consumer] = position
        if held is not None:
            self._change_held(consumer, held)
        self._counters.commits += 1
        self._reconsider_room()

    def _change_held(self, consumer: str, changes: HeldChanges) -> None:
        for one in changes.held:
            self._held.setdefault((consumer, one.event.position), one)
        for position in changes.released:
            self._held.pop((consumer, position), None)
        for trouble in changes.troubles:
            self._troubles[consumer, trouble.key] = trouble
        for key in changes.recovered:
            self._troubles.pop((consumer, key), None)

    async def held(self, consumer: str) -> Held:
        """What a consumer holds."""
        self._check_open()
        return Held(
            events=[one for (name, _), one in sorted(self._held.items()) if name == consumer],
            troubles=[one for (name, _), one in sorted(self._troubles.items()) if name == consumer],
        )

    def _reconsider_room(self) -> None:
        if self._room.full and self._oldest(1):
            self._room_again()

    async def forget(self, consumer: str) -> None:
        """Drop a consumer, its claim on events and what it holds back."""
        self._check_open()
        self._consumers.pop(consumer, None)
        self._held = {place: one for place, one in self._held.items() if place[0] != consumer}
        self._troubles = {
            place: one for place, one in self._troubles.items() if place[0] != consumer
        }
        self._reconsider_room()

    def _waiting(self) -> list[DeadLetter]:
        return [letter for letter in self._letters.values() if letter.state == "waiting"]

    async def dead_letters(
        self, *, sink: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[DeadLetter]:
        """Waiting dead letters by id."""
        self._check_open()
        letters = [
            letter
            for letter in self._waiting()
            if letter.id > after and sink in {None, letter.sink}
        ]
        return letters[:limit]

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One dead letter, whatever its state."""
        self._check_open()
        return self._letters.get(number)

    async def discard_dead_letters(
        self, sink: str, ids: Sequence[int], *, by: str, note: str
    ) -> int:
        """Settle waiting dead letters as discarded."""
        return len(self._settle(sink, ids, state="discarded", settled_by=by, note=note))

    async def exhume(self, sink: str, ids: Sequence[int], *, by: str) -> Sequence[HeldEvent]:
        """Settle waiting dead letters as replayed and hold their events."""
        damaged = {one.id for one in self._waiting() if one.reason is Reason.CORRUPT}
        sound = [number for number in ids if number not in damaged]
        events = [
            StoredEvent(
                letter.position,
                letter.sequence,
                letter.event_type,
                self._sources[letter.id],
                letter.body,
            )
            for letter in self._settle(sink, sound, state="replayed", settled_by=by)
        ]
        now = self._clock.now()
        held = [HeldEvent(event=one, key=one.envelope.partitionkey, since=now) for one in events]
        self._change_held(sink, HeldChanges(held=held))
        return held

    def _settle(self, sink: str, ids: Sequence[int], **how: str) -> list[DeadLetter]:
        self._check_open()
        now, wanted = self._clock.now(), set(ids)
        settled = [
            letter for letter in self._waiting() if letter.id in wanted and letter.sink == sink
        ]
        for letter in settled:
            self._letters[letter.id] = replace(letter, settled=now, **how)  # type: ignore[arg-type]  # texts only
        return sorted(settled, key=lambda letter: letter.position)

    async def put(self, namespace: str, key: str, value: bytes | None) -> None:
        """Keep or remove a small fact."""
        self._check_open()
        if value is None:
            self._facts.pop((namespace, key), None)
        else:
            self._facts[namespace, key] = bytes(value)

    async def put_if_absent(self, namespace: str, key: str, value: bytes) -> bytes | None:
        """Keep a small fact if the key is free, else return what is there."""
        self._check_open()
        there = self._facts.get((namespace, key))
        if there is None:
            self._facts[namespace, key] = bytes(value)
        return there

    async def get(self, namespace: str, key: str) -> bytes | None:
        """A small fact."""
        self._check_open()
        return self._facts.get((namespace, key))

    async def items(self, namespace: str) -> Sequence[tuple[str, bytes]]:
        """All small facts of a namespace, by key."""
        self._check_open()
        return sorted(
            (key, value) for (space, key), value in self._facts.items() if space == namespace
        )

    async def trim(self) -> int:
        """Apply the retention policy once."""
        self._check_open()
        cutoff = self._clock.now().timestamp() - self._settings.max_age_seconds
        limit = self._limit()
        count = 0
        for entry in self._entries:
            if entry.appended > cutoff or entry.event.position > limit:
                break
            count += 1
        self._remove(count)
        excess = self._bytes - self._settings.max_bytes
        if excess > 0:
            more = self._oldest(excess)
            self._remove(more)
            count += more
        if count:
            self._room_again()
        return count

    def statistics(self) -> JournalStatistics:
        """Figures."""
        first = self._first()
        counters = self._counters
        return JournalStatistics(
            first_position=first,
            last_position=self._last,
            events=len(self._entries),
            size_bytes=self._bytes,
            appended=counters.appended,
            duplicates=counters.duplicates,
            commits=counters.commits,
            full=self._room.full,
            trimmed=counters.trimmed,
            trimmed_undelivered=counters.undelivered,
            lag={
                name: self._last - max(position, first - 1)
                for name, position in self._consumers.items()
            },
        )

    async def close(self) -> None:
        """Wake all who wait. Idempotent."""
        self._closed = True
        self._news.close()
        self._room.bell.close()
