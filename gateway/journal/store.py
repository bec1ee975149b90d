"""The journal's transactions. Blocking; used by one thread at a time, which is the writer's.

A group of requests becomes one transaction. Nothing in memory changes before the commit has succeeded. If the group
fails, each request is tried by itself, so that one bad value harms nobody else; if there is no room, only appends are
refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gateway.clock import Clock
from gateway.contracts import Appended
from gateway.errors import JournalError, JournalFull, Reason
from gateway.events import StoredEvent
from gateway.journal.draft import Draft
from gateway.journal.faults import classify, full, is_fatal
from gateway.journal.identities import IdIndex
from gateway.journal.letters import BURIAL, BURIAL_COLUMNS, write_changes
from gateway.journal.pacing import DROP_IDS, TRIM_EVENTS, VACUUM_PAGES, Pace
from gateway.journal.resealing import reseal_all
from gateway.journal.schema import open_for_writing
from gateway.journal.sealing import Sealer
from gateway.journal.settings import JournalSettings
from gateway.journal.space import Space, footprint
from gateway.journal.statements import insert_rows
from gateway.journal.trim import Trimmer
from gateway.journal.work import Append, BurialRow, Call, Commit, Trim, Work

AGE_MARK_SECONDS = 1.0
SHRINK_CHUNKS = 64
"""Enough for a group of the largest size among small events; beyond it the disk lacks more than events can give."""


def _footprint(work: Append) -> int:
    return footprint(len(work.rows), work.size_bytes)


class Store:
    """The open file. Figures are plain attributes that other threads may read."""

    def __init__(self, path: Path, settings: JournalSettings, clock: Clock) -> None:
        self.path = path
        self._settings = settings
        self._clock = clock
        self._connection = open_for_writing(path)
        self.sealer = Sealer(settings.keys)
        try:
            self._load()
            self.unreadable = reseal_all(self._connection, path, self.sealer)
        except sqlite3.Error as error:
            self._connection.close()
            raise classify(error, path) from error
        self.fatal: JournalError | None = None
        self.full = ""
        self.appended = 0
        self.duplicates = 0
        self.commits = 0
        self.trimmed = 0
        self.trimmed_undelivered = 0
        self._wanted = 0
        self._disk_refused = False
        self._trims: list[Trim] = []
        self._pace = Pace()
        self._rested = self._refusing = False

    def _load(self) -> None:
        rows = self._connection.execute
        self.id: str = rows("SELECT id FROM journal").fetchone()[0]
        # One of them alone is found at an end of the table; both in one query read all of it.
        (first,) = rows("SELECT min(position) FROM events").fetchone()
        (newest,) = rows("SELECT max(position) FROM events").fetchone()
        mark = rows("SELECT value FROM marks WHERE name = 'last'").fetchone()
        self.last_position: int = max(newest or 0, mark[0] if mark else 0)
        self.first_position: int = first or self.last_position + 1
        self._holes: list[tuple[int, int]] = rows("SELECT first, last FROM holes").fetchall()
        self.consumers: dict[str, int] = dict(rows("SELECT name, position FROM consumers"))
        self.sources: dict[str, tuple[int, int]] = {
            name: (number, sequence)
            for number, name, sequence in rows("SELECT id, name, sequence FROM sources")
        }
        self.types: dict[str, int] = {
            name: number for number, name in rows("SELECT id, name FROM types")
        }
        self.source_names = {number: name for name, (number, _) in self.sources.items()}
        self.type_names = {number: name for name, number in self.types.items()}
        self.ids = IdIndex(self._connection)
        self.space = Space(self._connection, self.path, self._settings)
        self._trimmer = Trimmer(self._connection, self._settings, self.space)
        (marked,) = rows("SELECT max(position) FROM ages").fetchone()
        self._marked_at = float("-inf")
        self._unmarked: tuple[int, float] | None = None
        if newest and (marked or 0) < newest:
            self._unmarked = (newest, self._wall_seconds())

    def count(self, first: int, last: int) -> int:
        """How many events there are between two positions: those that a salvage could not read hold none."""
        holes = (min(last, end) - max(first, begin) + 1 for begin, end in self._holes)
        return max(0, last - first + 1 - sum(max(0, hole) for hole in holes))

    def _wall_seconds(self) -> float:
        return self._clock.now().timestamp()

    def apply(self, works: Sequence[Work]) -> list[StoredEvent]:
        """Carry out a group; fills each request's result or error and returns the events that are now durable."""
        self._rested = self._refusing = False
        works = self._admitted(works)
        if not works:
            return []
        try:
            return self._transaction(works)
        except Exception as error:  # noqa: BLE001 whatever it is, it is classified and told to the requesters
            fault = self.undo(error)
        if is_fatal(fault) or fault.reason is Reason.DISK_ERROR:
            for work in works:
                work.error = fault
            return []
        if len(works) == 1:
            self._reject(works[0], fault)
            return []
        return self._one_by_one(works)

    def _one_by_one(self, works: Sequence[Work]) -> list[StoredEvent]:
        """Each request in a transaction of its own; no append after one that found no room, for order's sake."""
        events: list[StoredEvent] = []
        shortage: JournalFull | None = None
        for work in works:
            if shortage is not None and isinstance(work, Append):
                self._reject(work, shortage)
                continue
            try:
                events += self._transaction([work])
            except Exception as error:  # noqa: BLE001 classified and told to the requester
                fault = self.undo(error)
                self._reject(work, fault)
                if isinstance(fault, JournalFull):
                    shortage = fault
        return events

    def _reject(self, work: Work, fault: JournalError) -> None:
        if isinstance(work, Append) and isinstance(fault, JournalFull):
            self._refuse([work], fault)
        else:
            work.error = fault

    def _admitted(self, works: Sequence[Work]) -> Sequence[Work]:
        if self.fatal is not None:
            for work in works:
                work.error = self.fatal
            return []
        needed = sum(_footprint(work) for work in works if isinstance(work, Append))
        if not needed:
            return works
        room = self._room(needed)
        if needed > room:
            return self._admit_prefix(works, room)
        self.space.take(needed)
        return works

    def _admit_prefix(self, works: Sequence[Work], room: int) -> list[Work]:
        """Refuse appends from the first one on that does not fit, so that each feed keeps its order."""
        fitting: list[Append] = []
        refused: list[Append] = []
        for work in works:
            if isinstance(work, Append):
                size_bytes = _footprint(work)
                if refused or size_bytes > room:
                    refused.append(work)
                else:
                    room -= size_bytes
                    self.space.take(size_bytes)
                    fitting.append(work)
        self._refuse(refused, full(self.path, self.space.shortage()))
        return [work for work in works if work.error is None]

    def _room(self, needed: int) -> int:
        """The room there is, after trimming what may go if that helps."""
        now = self._clock.monotonic()
        room = self.space.room(needed, now, doubtful=bool(self.full))
        for _ in range(SHRINK_CHUNKS):
            if needed <= room:
                break
            if not self._trimmer.active:
                self._pace.begin(self.trimmed, self.appended)
            self._trimmer.start_shrinking(needed - room)
            if not self._trim_chunk(TRIM_EVENTS.most):
                break
            room = self.space.room(needed, now, doubtful=True)
        return room

    def _has_room_for_refused(self) -> bool:
        """A small append that fitted is no sign that a larger one would: it would be refused again at once."""
        now = self._clock.monotonic()
        return self.space.room(self._wanted, now, doubtful=True) >= self._wanted

    def _refuse(self, appends: Sequence[Append], fault: JournalError) -> None:
        wanted = min(_footprint(work) for work in appends)
        self._wanted = min(self._wanted, wanted) if self._refusing else wanted
        self._refusing = True
        self.full = fault.message
        for work in appends:
            work.error = fault

    def undo(self, error: Exception) -> JournalError:
        """Roll back whatever is open, and classify what went wrong."""
        fault = classify(error, self.path)
        fault.__cause__ = error
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as worse:
            fault = classify(worse, self.path)
        self.ids.rolled_back()
        if is_fatal(fault):
            self.fatal = fault
        if isinstance(fault, JournalFull):
            self._disk_refused = True
        return fault

    def _transaction(self, works: Sequence[Work]) -> list[StoredEvent]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        appends = [work for work in works if isinstance(work, Append)]
        draft = Draft(self, appends) if appends else None
        if draft is not None:
            draft.write(self._connection, self.sealer)
            draft.appended_at = self._wall_seconds()
            if draft.events and not 0 <= draft.appended_at - self._marked_at < AGE_MARK_SECONDS:
                self._write_age(self._unmarked)
                self._write_age((draft.events[-1].position, draft.appended_at))
        consumers = self._write_commits([work for work in works if isinstance(work, Commit)])
        for work in works:
            if isinstance(work, Call):
                work.result = work.run(self._connection)
        execute("COMMIT")
        self.commits += 1
        for name, position in consumers.items():
            if position is None:
                self.consumers.pop(name, None)
            else:
                self.consumers[name] = position
        return [] if draft is None else self._adopt(draft)

    def _write_commits(self, commits: Sequence[Commit]) -> dict[str, int | None]:
        consumers: dict[str, int | None] = {}
        burials: list[BurialRow] = []
        for work in commits:
            consumers[work.consumer] = work.position
            burials += work.burials
        saved = [
            value
            for name, position in consumers.items()
            if position is not None
            for value in (name, position)
        ]
        if saved:
            insert_rows(
                self._connection,
                "INSERT INTO consumers (name, position)",
                2,
                saved,
                "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            )
        for name, position in consumers.items():
            if position is None:
                self._connection.execute("DELETE FROM consumers WHERE name = ?", (name,))
                self._connection.execute("DELETE FROM held WHERE sink = ?", (name,))
                self._connection.execute("DELETE FROM held_keys WHERE sink = ?", (name,))
        if burials:
            insert_rows(
                self._connection,
                BURIAL,
                BURIAL_COLUMNS,
                [value for burial in burials for value in burial],
            )
        for work in commits:
            if work.held is not None:
                write_changes(self._connection, work.consumer, work.held)
        return consumers

    def _adopt(self, draft: Draft) -> list[StoredEvent]:
        self.sources.update(draft.sources)
        self.types.update(draft.types)
        events = draft.events
        self.appended += len(events)
        self.duplicates += draft.duplicates
        if events:
            self.last_position = events[-1].position
            self.ids.add(draft.keys, self.last_position)
            if 0 <= draft.appended_at - self._marked_at < AGE_MARK_SECONDS:
                self._unmarked = (self.last_position, draft.appended_at)
            else:
                self._unmarked = None
                self._marked_at = draft.appended_at
        for work, (stored, duplicates, position) in zip(draft.appends, draft.results, strict=True):
            work.result = Appended(stored=stored, duplicates=duplicates, position=position)
        if not self._refusing:
            self._disk_refused = False
            if self.full and self._has_room_for_refused():
                self.full = ""
        return events

    def _write_age(self, mark: tuple[int, float] | None) -> None:
        if mark is not None:
            self._connection.execute("INSERT OR REPLACE INTO ages VALUES (?, ?)", mark)

    def trim(self, work: Trim) -> None:
        """Begin to apply the retention policy; `step` goes on with it and fills the result."""
        self._rested = False
        self._trims.append(work)
        try:
            self._write_age(self._unmarked)
            self.space.measure(self._clock.monotonic())
            self._trimmer.start(self._wall_seconds())
            self._pace.begin(self.trimmed, self.appended)
        except Exception as error:  # noqa: BLE001 classified and told to the requester
            work.error = self.undo(error)
            self._trims.remove(work)

    def probe(self) -> bool:
        """Whether an append that was refused as full is worth another try."""
        self._rested = False
        if not self.full or self.fatal is not None:
            return True
        if self._room(self._wanted) < self._wanted:
            return False
        if self._disk_refused:
            try:
                self.space.probe()
            except Exception as error:  # noqa: BLE001 classified; a full disk is the expected answer
                return not isinstance(self.undo(error), JournalFull)
        self.full = ""
        return True

    def step(self) -> tuple[float | None, list[Trim]]:
        """Do a little housekeeping; tells how long to rest if there is more, and which trims are finished.

        After a failure it rests until the next request: housekeeping can always wait.
        """
        if self._rested or self.fatal is not None:
            return None, self._finished_trims(self.fatal)
        finished: list[Trim] = []
        try:
            if self.ids.merging:
                self._connection.execute("BEGIN IMMEDIATE")
                self.ids.write_chunk()
                self._connection.execute("COMMIT")
                self.ids.committed()
                return 0.0, []
            began = self._clock.monotonic()
            hurry = bool(self.full) or self._pace.lags(self.trimmed, self.appended)
            if self._pace.checkpoint_due():
                self._checkpoint()
                return self._pace.checkpointed(self._clock.monotonic() - began, hurry=hurry), []
            if self._trimmer.active and self._trim_chunk(
                self._pace.amount(TRIM_EVENTS, hurry=hurry)
            ):
                took = self._clock.monotonic() - began
                return self._pace.done(TRIM_EVENTS, took, hurry=hurry), []
            finished = self._finished_trims(None)
            return self._drop_or_vacuum(began), finished
        except Exception as error:  # noqa: BLE001 classified; reported by the trims that wait for it
            self._rested = True
            return None, finished + self._finished_trims(self.undo(error))

    def _finished_trims(self, fault: JournalError | None) -> list[Trim]:
        finished, self._trims = self._trims, []
        for work in finished:
            work.result, work.error = work.removed, fault
        return finished

    def _trim_chunk(self, events: int) -> bool:
        target = self._trimmer.next_target(
            self.first_position, self.last_position, self.consumers, events
        )
        if not target:
            return False
        self._connection.execute("BEGIN IMMEDIATE")
        removed, first = self._trimmer.remove(target, self.last_position, self._wall_seconds())
        self._connection.execute("COMMIT")
        slowest = min(self.consumers.values(), default=target)
        undelivered = target - max(slowest, self.first_position - 1)
        self.first_position = first
        self.trimmed += removed
        self.trimmed_undelivered += min(removed, max(0, undelivered))
        for work in self._trims:
            work.removed += removed
        self.space.measure(self._clock.monotonic())
        return True

    def _drop_or_vacuum(self, began: float) -> float | None:
        if self.ids.droppable(self.first_position):
            self.ids.drop_chunk(self._pace.amount(DROP_IDS))
            kind = DROP_IDS
        elif self._trimmer.loose():
            self._trimmer.vacuum(self._pace.amount(VACUUM_PAGES))
            self.space.measure(self._clock.monotonic())
            kind = VACUUM_PAGES
        else:
            if self._pace.checkpoint_due(at_least=1):
                self._checkpoint()
                self._pace.checkpointed(0.0)
            return None
        return self._pace.done(kind, self._clock.monotonic() - began)

    def _checkpoint(self) -> None:
        """Write the log into the file, which is then cut to its size; readers are not waited for.

        In this thread: before 3.51.3 SQLite may damage a file whose log one connection writes into it while another
        begins the log anew (SQLite documentation, "Write-Ahead Logging", the WAL-reset bug).
        """
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> list[Trim]:
        """Release the file; a failure to tidy up is no failure of what was stored. Returns the trims that end early."""
        try:
            self._write_age(self._unmarked)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            self._rested = True
        finally:
            self._connection.close()
        return self._finished_trims(None)
