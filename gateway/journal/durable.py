"""The journal on SQLite, as the loop sees it. See `gateway/adr/0001-journal-engine.md`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.contracts import (
    Appended,
    Burial,
    DeadLetter,
    Held,
    HeldChanges,
    HeldEvent,
    JournalStatistics,
)
from gateway.errors import JournalCorrupt, JournalError
from gateway.events import Event, StoredEvent
from gateway.journal import letters
from gateway.journal.encoding import burial_rows, rows_of
from gateway.journal.faults import classify
from gateway.journal.lock import FileLock
from gateway.journal.notices import JournalNotice, Notice, OnNotice, ignore
from gateway.journal.reader import Reader
from gateway.journal.resealing import reseal
from gateway.journal.sealing import Sealer
from gateway.journal.settings import JournalSettings
from gateway.journal.store import Store
from gateway.journal.tail import Tail
from gateway.journal.waiting import Bell
from gateway.journal.work import Append, Call, Commit, Probe, Trim, Work
from gateway.journal.writer import Writer


async def open_journal(
    path: Path, settings: JournalSettings, clock: Clock, on_notice: OnNotice = ignore
) -> SqliteJournal:
    """Open or create the journal's file; its folder must exist.

    Raises JournalError when another process has it (reason `conflict`) or it is no journal of this version
    (`unsupported`), JournalCorrupt when it is damaged.
    """
    lock, store = await asyncio.to_thread(_open, path, settings, clock)
    return SqliteJournal(lock, store, settings, clock, on_notice)


def _open(path: Path, settings: JournalSettings, clock: Clock) -> tuple[FileLock, Store]:
    try:
        lock = FileLock(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise classify(error, path) from error
    try:
        return lock, Store(path, settings, clock)
    except BaseException:
        lock.release()
        raise


class SqliteJournal:
    """A `gateway.contracts.Journal`. Made by `open_journal`; belongs to the loop it was made in."""

    def __init__(
        self,
        lock: FileLock,
        store: Store,
        settings: JournalSettings,
        clock: Clock,
        on_notice: OnNotice,
    ) -> None:
        self._lock = lock
        self._store = store
        self._settings = settings
        self._clock = clock
        self._on_notice = on_notice
        self._tail = Tail(store.last_position, settings.cache_events, settings.cache_bytes)
        self._news = Bell()
        self._room = Bell()
        self._room_poll: asyncio.Task[None] | None = None
        self._told_full = False
        self._told_corrupt = False
        self._reader = Reader(store.path, store.source_names, store.type_names)
        self._writer = Writer(store, settings, self._published)
        if store.unreadable:
            self._tell(
                Notice.RESUME_UNREADABLE,
                "resume states cannot be read: gateway.journal.encryption_keys lacks the key they were written with."
                " Their feeds begin new sessions, which is a gap; to avoid it, stop and give that key too",
                len(store.unreadable),
            )

    @property
    def id(self) -> str:
        """Given when the file was created."""
        return self._store.id

    async def append(self, feed: str, events: Sequence[Event], resume: bytes | None) -> Appended:
        """Store events and resume state, durably."""
        rows = rows_of(events)
        size_bytes = sum([len(row.body) for row in rows]) + len(resume or b"")
        work = Append(
            future=self._writer.future(),
            feed=feed,
            rows=rows,
            resume=resume,
            size_bytes=size_bytes,
        )
        self._writer.append(work)
        appended: Appended = await work.future
        return appended

    def _published(self, events: Sequence[StoredEvent], works: Sequence[Work]) -> None:
        if events:
            self._tail.extend(events)
            self._news.ring()
        full = self._store.full
        if full and not self._told_full:
            self._tell(Notice.FULL, full)
        elif self._told_full and not full:
            self._tell(Notice.ROOM, "the journal takes events again")
        self._told_full = bool(full)
        for work in works:
            if isinstance(work.error, JournalCorrupt):
                self._tell_corrupt(work.error)

    def _tell_corrupt(self, error: JournalCorrupt) -> None:
        if not self._told_corrupt:
            self._told_corrupt = True
            self._tell(Notice.CORRUPT, str(error))

    def _tell(self, notice: Notice, message: str, events: int = 0) -> None:
        self._on_notice(JournalNotice(notice=notice, message=message, events=events))

    async def wait_for_room(self) -> None:
        """Return when an append is worth another try; all who wait share one look at the disk per poll."""
        self._writer.check_open()
        if not self._store.full:
            return
        if self._room_poll is None:
            self._room_poll = asyncio.create_task(self._poll_room(), name="journal waits for room")
        await self._room.wait()

    async def _poll_room(self) -> None:
        room = False
        while not room:
            await self._clock.sleep(self._settings.room_poll_seconds)
            work = Probe(future=self._writer.future())
            try:
                self._writer.submit(work)
                room = await work.future
            except JournalError:
                # The next append says what is wrong better than this one could.
                room = True
        # Before the ring: who comes now starts a poll of its own.
        self._room_poll = None
        self._room.ring()

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Durable events behind a position, from memory if they are there."""
        self._writer.check_open()
        after = max(after, self._store.first_position - 1)
        events = self._tail.read(after, limit)
        if events is not None:
            return events
        try:
            return await self._reader.events(after, limit)
        except JournalCorrupt as error:
            self._tell_corrupt(error)
            raise

    async def wait(self, after: int) -> None:
        """Return when there is an event behind a position."""
        self._writer.check_open()
        while self._tail.last_position <= after:
            await self._news.wait()

    async def resume(self, feed: str) -> bytes | None:
        """The last resume state of a feed, decrypted."""
        while True:
            sealer = self._store.sealer
            stored = await self._reader.resume(feed)
            if sealer is self._store.sealer:
                return stored if stored is None else sealer.unseal(feed, stored)

    async def take_keys(self, keys: Sequence[bytes]) -> None:
        """Encrypt resume states with the first of these keys from now on, and those that are stored too; none: no more.

        What the keys so far can read stays readable, whether they are among the new ones or not. The same keys again
        change nothing.
        """
        store, before, after = self._store, self._store.sealer, Sealer(keys)
        if after.keys == before.keys:
            return

        def change(connection: sqlite3.Connection) -> None:
            store.sealer = after
            reseal(connection, after, before)

        await self._call(change)

    async def position(self, consumer: str) -> int | None:
        """The saved position of a consumer."""
        self._writer.check_open()
        return self._store.consumers.get(consumer)

    async def commit(
        self,
        consumer: str,
        position: int,
        burials: Sequence[Burial] = (),
        held: HeldChanges | None = None,
    ) -> None:
        """Save a position, bury what was refused and keep what is held, durably."""
        work = Commit(
            future=self._writer.future(),
            consumer=consumer,
            position=position,
            burials=burial_rows(consumer, burials, self._clock) if burials else (),
            held=held,
        )
        self._writer.submit(work)
        await work.future

    async def forget(self, consumer: str) -> None:
        """Drop a consumer, its claim on events and what it holds back."""
        work = Commit(future=self._writer.future(), consumer=consumer, position=None)
        self._writer.submit(work)
        await work.future

    async def dead_letters(
        self, *, sink: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[DeadLetter]:
        """Waiting dead letters by id."""
        return await self._reader.dead_letters(sink, after, limit)

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One dead letter, whatever its state."""
        return await self._reader.dead_letter(number)

    async def discard_dead_letters(
        self, sink: str, ids: Sequence[int], *, by: str, note: str
    ) -> int:
        """Settle waiting dead letters as discarded, durably."""
        numbers, now = list(ids), self._clock.now()
        discarded: int = await self._call(
            lambda connection: letters.discard(connection, sink, numbers, by=by, note=note, now=now)
        )
        return discarded

    async def exhume(self, sink: str, ids: Sequence[int], *, by: str) -> Sequence[HeldEvent]:
        """Settle waiting dead letters as replayed and hold their events, durably."""
        numbers, now = list(ids), self._clock.now()
        exhumed: list[HeldEvent] = await self._call(
            lambda connection: letters.exhume(connection, sink, numbers, by=by, now=now)
        )
        return exhumed

    async def held(self, consumer: str) -> Held:
        """What a consumer holds."""
        return await self._reader.held(consumer)

    async def put(self, namespace: str, key: str, value: bytes | None) -> None:
        """Keep or remove a small fact, durably."""

        def put(connection: sqlite3.Connection) -> None:
            if value is None:
                connection.execute(
                    "DELETE FROM facts WHERE namespace = ? AND key = ?", (namespace, key)
                )
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (namespace, key, value)
                )

        await self._call(put)

    async def put_if_absent(self, namespace: str, key: str, value: bytes) -> bytes | None:
        """Keep a small fact if the key is free, else return what is there."""

        def put(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(
                "SELECT value FROM facts WHERE namespace = ? AND key = ?", (namespace, key)
            ).fetchone()
            if row is None:
                connection.execute("INSERT INTO facts VALUES (?, ?, ?)", (namespace, key, value))
                return None
            there: bytes = row[0]
            return there

        there: bytes | None = await self._call(put)
        return there

    async def _call(self, run: Callable[[sqlite3.Connection], Any]) -> Any:
        work = Call(future=self._writer.future(), run=run)
        self._writer.submit(work)
        return await work.future

    async def get(self, namespace: str, key: str) -> bytes | None:
        """A small fact."""
        return await self._reader.fact(namespace, key)

    async def items(self, namespace: str) -> Sequence[tuple[str, bytes]]:
        """All small facts of a namespace, by key."""
        return await self._reader.facts(namespace)

    async def trim(self) -> int:
        """Apply the retention policy once."""
        undelivered_before = self._store.trimmed_undelivered
        work = Trim(future=self._writer.future())
        self._writer.submit(work)
        removed: int = await work.future
        undelivered = self._store.trimmed_undelivered - undelivered_before
        if removed:
            self._tell(Notice.TRIMMED, f"{removed} old events removed", removed)
        if undelivered:
            self._tell(
                Notice.TRIMMED_UNDELIVERED,
                f"{undelivered} events removed before every sink had them",
                undelivered,
            )
        return removed

    def statistics(self) -> JournalStatistics:
        """Figures, without I/O."""
        store = self._store
        first, last = store.first_position, self._tail.last_position
        return JournalStatistics(
            first_position=first,
            last_position=last,
            events=store.count(first, last),
            size_bytes=store.space.size_bytes,
            appended=store.appended,
            duplicates=store.duplicates,
            commits=store.commits,
            full=bool(store.full),
            trimmed=store.trimmed,
            trimmed_undelivered=store.trimmed_undelivered,
            lag={
                name: max(0, last - max(position, first - 1))
                for name, position in store.consumers.copy().items()
            },
        )

    async def close(self) -> None:
        """Finish what was accepted and release the files."""
        poll, self._room_poll = self._room_poll, None
        if poll is not None:
            poll.cancel()
            await asyncio.wait([poll])
        self._room.close()
        self._news.close()
        await self._writer.close()
        await self._reader.close()
        self._lock.release()
