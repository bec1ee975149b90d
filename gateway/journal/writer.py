"""The writer's thread: takes everything that waits, makes one transaction of it, tells the loop once.

The thread owns the store. The loop owns the queue's bounds: what is accepted counts until its group is done, and when
the bounds are reached further appends wait, in order, before they are accepted.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from gateway.errors import JournalClosed, JournalError
from gateway.events import StoredEvent
from gateway.journal.settings import JournalSettings
from gateway.journal.store import Store
from gateway.journal.work import Append, Call, Commit, Probe, Stop, Trim, Work

OTHER_WORK_BYTES = 256


class Writer:
    """Runs a store in a thread of its own. All methods are for the loop's thread.

    `published` is called in the loop once per group, before the requests of the group are resolved, with the events
    that are now durable.
    """

    def __init__(
        self,
        store: Store,
        settings: JournalSettings,
        published: Callable[[Sequence[StoredEvent], Sequence[Work]], None],
    ) -> None:
        self._store = store
        self._settings = settings
        self._published = published
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._events = 0
        self._bytes = 0
        self._gate: deque[Append] = deque()
        self._closed: asyncio.Future[None] | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"journal writer {store.path.name}", daemon=True
        )
        self._thread.start()

    def future(self) -> asyncio.Future[object]:
        """A future for a request's result."""
        return self._loop.create_future()

    def check_open(self) -> None:
        """Raise JournalClosed after `close`."""
        if self._closed is not None:
            raise JournalClosed("the journal is closed")

    def append(self, work: Append) -> None:
        """Hand an append over, now or as soon as those before it have left room in the queue.

        If its future is cancelled while it waits for room, it does not happen.
        """
        self.check_open()
        if self._gate or not self._fits(work):
            self._gate.append(work)
        else:
            self._accept(work)

    def _accept(self, work: Append) -> None:
        self._events += len(work.rows)
        self._bytes += work.size_bytes
        self._queue.put(work)

    def _fits(self, work: Append) -> bool:
        return not self._events or (
            self._events + len(work.rows) <= self._settings.queue_events
            and self._bytes + work.size_bytes <= self._settings.queue_bytes
        )

    def _release(self, events: int, size_bytes: int) -> None:
        self._events -= events
        self._bytes -= size_bytes
        while self._gate:
            work = self._gate[0]
            if not work.future.done():
                if not self._fits(work):
                    return
                self._accept(work)
            self._gate.popleft()

    def submit(self, work: Commit | Call | Trim | Probe) -> None:
        """Hand over anything but an append: small, and bounded by the number of tasks that wait for it."""
        self.check_open()
        self._queue.put(work)

    async def close(self) -> None:
        """Finish what was accepted and end the thread. Idempotent; returns when the file is released."""
        if self._closed is None:
            self._closed = self._loop.create_future()
            while self._gate:
                waiting = self._gate.popleft().future
                if not waiting.done():
                    waiting.set_exception(JournalClosed("the journal is closed"))
            self._queue.put(Stop(future=self._closed))
        await asyncio.shield(self._closed)
        self._thread.join()

    def _publish(self, events: Sequence[StoredEvent], works: Sequence[Work]) -> None:
        try:
            self._published(events, works)
        finally:
            self._resolve(works)

    def _resolve(self, works: Sequence[Work]) -> None:
        appended = size_bytes = 0
        for work in works:
            if isinstance(work, Append) and not work.released:
                work.released = True
                appended += len(work.rows)
                size_bytes += work.size_bytes
            if work.future.done():
                continue
            if work.error is None:
                work.future.set_result(work.result)
            else:
                # One error object may belong to many requests; each raise needs a traceback of its own.
                work.future.set_exception(_copy(work.error))
        if appended or size_bytes:
            self._release(appended, size_bytes)

    def _tell(self, events: Sequence[StoredEvent], works: Sequence[Work]) -> None:
        self._loop.call_soon_threadsafe(self._publish, events, works)

    def _run(self) -> None:
        due: float | None = None
        while True:
            group, stop = self._take(None if due is None else max(0.0, due - time.monotonic()))
            if group:
                try:
                    self._carry_out(group)
                except Exception as error:  # noqa: BLE001 the thread must outlive what nobody thought of
                    self._fail(group, self._store.undo(error))
            if stop is not None:
                break
            if due is not None and time.monotonic() < due:
                continue
            rest, trims = self._store.step()
            due = None if rest is None else time.monotonic() + rest
            if trims:
                self._tell((), trims)
        self._tell((), [*self._store.close(), stop])

    def _fail(self, group: Sequence[Work], fault: JournalError) -> None:
        for work in group:
            work.error = fault
        self._tell((), group)

    def _take(self, wait_seconds: float | None) -> tuple[list[Work], Stop | None]:
        """Everything that waits, within the bounds of a group; the first of it is waited for, if need be for ever."""
        group: list[Work] = []
        events = size_bytes = 0
        settings = self._settings
        try:
            work = self._queue.get(timeout=wait_seconds)
            while True:
                if isinstance(work, Stop):
                    return group, work
                group.append(work)
                if isinstance(work, Append):
                    events += len(work.rows)
                    size_bytes += work.size_bytes
                else:
                    events += 1
                    size_bytes += OTHER_WORK_BYTES
                if events >= settings.group_events or size_bytes >= settings.group_bytes:
                    return group, None
                work = self._queue.get_nowait()
        except Empty:
            return group, None

    def _carry_out(self, group: list[Work]) -> None:
        writes = []
        for work in group:
            if isinstance(work, Trim):
                self._store.trim(work)
                if work.error is not None:
                    self._tell((), [work])
            elif isinstance(work, Probe):
                work.result = self._store.probe()
                self._tell((), [work])
            else:
                writes.append(work)
        if writes:
            events = self._store.apply(writes)
            self._tell(events, writes)


def _copy(error: JournalError) -> JournalError:
    copy = type(error)(error.message, reason=error.reason, hint=error.hint)
    copy.__cause__ = error.__cause__
    return copy
