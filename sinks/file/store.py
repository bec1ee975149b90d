"""The file itself: blocking, used by one thread at a time.

Rule: the file ends with a complete line whenever a call returns, also after a full disk, unless even the repair fails;
then the store is unusable and the next `open` repairs it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from gateway.contracts import Report, Setback
from gateway.errors import DeliveryRetryable, NotReady, Reason
from gateway.events import StoredEvent
from sinks.file.lines import LineFormat, Tail
from sinks.file.rotation import period_of, rotated_files, rotated_name
from sinks.file.settings import FileSettings, FsyncPolicy

TAIL_BYTES = 1 << 20
LONGEST_LINE_BYTES = 64 << 20
REMEMBERED = 8192
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def reason_of(error: OSError) -> Reason:
    """Whether room is missing or something else is wrong with the disk."""
    return Reason.DISK_FULL if error.errno in _NO_ROOM else Reason.DISK_ERROR


def _hint_of(error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return "make room on this disk, or lower rotate_bytes and keep_files"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "let the gateway's user write there"
    return "check the path and the disk"


class LineFile:
    """Appends lines to `path`, rotates it, and knows which events its end holds."""

    def __init__(self, path: Path, settings: FileSettings, journal_id: str) -> None:
        self._path = path
        self._format = LineFormat(journal_id)
        self._settings = settings
        self._fd: int | None = None
        self._size = 0
        self._period = 0
        self._unsynced = False
        self._synced_at = float("-inf")
        self._held: dict[int, str] = {}

    def open(self) -> int | None:
        """Lock, repair a torn last line, and say up to which journal position the file holds events.

        Raises NotReady: cannot be written now, is in use by another sink, or its last line is not ours.
        """
        self.close()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire()
            self._recover()
        except OSError as error:
            self.close()
            raise NotReady(
                f"cannot open {self._path}: {error.strerror or error}",
                reason=reason_of(error),
                hint=_hint_of(error),
            ) from error
        except NotReady:
            self.close()
            raise
        return max(self._held, default=None)

    def write(self, batch: Sequence[StoredEvent], now: datetime, monotonic: float) -> Report:
        """Append the events that the file does not hold yet; report how many are settled.

        Raises DeliveryRetryable when nothing may be assumed settled: not open, or the disk did not take what it took.
        """
        fresh = [
            (at, e) for at, e in enumerate(batch) if self._held.get(e.position) != e.envelope.id
        ]
        if not fresh:
            return Report(settled=len(batch))
        lines = [self._format.line_of(event) for _, event in fresh]
        try:
            self._follow_path()
            self._rotate_if_due(sum(map(len, lines)), now)
        except OSError as error:
            self._give_up(error)
        if self._fd is None:
            raise DeliveryRetryable(f"{self._path} is not open", reason=Reason.DISK_ERROR)
        start = self._size
        failure = self._append(self._fd, b"".join(lines))
        written = len(lines) if failure is None else self._cut_to_complete(self._fd, lines, start)
        try:
            if written and self._sync_due(monotonic):
                self._sync(self._fd, monotonic)
        except OSError as error:
            # The kernel may have dropped the pages of a failed fsync: write them anew instead of syncing again.
            with suppress(OSError):
                os.ftruncate(self._fd, start)
            self._give_up(error)
        self._remember([event for _, event in fresh[:written]])
        if failure is None:
            return Report(settled=len(batch))
        return Report(
            settled=fresh[written][0],
            setback=Setback(
                reason=reason_of(failure),
                message=f"cannot write {self._path}: {failure.strerror} ({_hint_of(failure)})",
            ),
        )

    def close(self) -> None:
        """Force what was written to the disk, unless the policy is `never`, and release the file. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            if self._unsynced and self._settings.fsync is not FsyncPolicy.NEVER:
                with suppress(OSError):
                    os.fsync(fd)
        finally:
            os.close(fd)

    def _acquire(self) -> None:
        existed = self._path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, int(self._settings.mode, 8))
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotReady(
                f"{self._path} is in use by another sink or process",
                reason=Reason.CONFLICT,
                hint="give each file sink a path of its own",
            ) from error
        if not existed:
            self._sync_directory()
        status = os.fstat(self._fd)
        self._size = status.st_size
        self._period = period_of(status.st_mtime, self._settings.rotate_seconds)
        self._unsynced = False

    def _recover(self) -> None:
        fd = self._fd
        if fd is None:
            return
        tail = self._tail_of(fd, self._size)
        self._check_readable(tail, self._path)
        if tail.length < self._size:
            os.ftruncate(fd, tail.length)
            os.fsync(fd)
            self._size = tail.length
        held = tail.held
        rotated = self._rotated()
        if rotated and self._size < TAIL_BYTES:
            held = self._held_by(self._path.parent / rotated[-1]) | held
        self._held = held

    def _rotated(self) -> list[str]:
        return rotated_files(self._path, [entry.name for entry in self._path.parent.iterdir()])

    def _held_by(self, path: Path) -> dict[int, str]:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            tail = self._tail_of(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        self._check_readable(tail, path)
        return tail.held

    def _tail_of(self, fd: int, size: int) -> Tail:
        reach = TAIL_BYTES
        while True:
            offset = max(0, size - reach)
            tail = self._format.read_tail(os.pread(fd, size - offset, offset), offset)
            if tail.complete:
                return tail
            if reach >= LONGEST_LINE_BYTES:
                return replace(tail, readable=False)
            reach *= 8  # one line is longer than what was read

    def _check_readable(self, tail: Tail, path: Path) -> None:
        if not tail.readable:
            raise NotReady(
                f"the last line of {path} is not a line of this sink",
                reason=Reason.CORRUPT,
                hint="move the file away, or remove the lines that something else wrote",
            )

    def _follow_path(self) -> None:
        """Take up the path again if something else moved, removed or shortened the file, as logrotate does."""
        if self._fd is None:
            return
        mine = os.fstat(self._fd)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            there = None
        if there is not None and os.path.samestat(mine, there):
            self._size = mine.st_size
            return
        self.close()
        self._acquire()

    def _rotate_if_due(self, coming: int, now: datetime) -> None:
        settings = self._settings
        period = period_of(now.timestamp(), settings.rotate_seconds)
        too_large = (
            settings.rotate_bytes is not None and self._size + coming > settings.rotate_bytes
        )
        if self._size and (too_large or period != self._period):
            self._rotate(now)
        self._period = period

    def _rotate(self, now: datetime) -> None:
        position = max(self._held, default=0)
        attempt = 0
        target = self._path.with_name(rotated_name(self._path, now, position))
        while target.exists():
            attempt += 1
            target = self._path.with_name(rotated_name(self._path, now, position, attempt))
        self.close()
        self._path.rename(target)
        self._acquire()
        self._sync_directory()
        if self._settings.keep_files is not None:
            rotated = self._rotated()
            for name in rotated[: max(0, len(rotated) - self._settings.keep_files)]:
                (self._path.parent / name).unlink(missing_ok=True)

    def _append(self, fd: int, block: bytes) -> OSError | None:
        view = memoryview(block)
        try:
            while view:
                count = os.write(fd, view)
                view = view[count:]
                self._size += count
                self._unsynced = True
        except OSError as error:
            return error
        return None

    def _cut_to_complete(self, fd: int, lines: Sequence[bytes], start: int) -> int:
        complete, end = 0, start
        for line in lines:
            if end + len(line) > self._size:
                break
            complete, end = complete + 1, end + len(line)
        try:
            os.ftruncate(fd, end)
        except OSError as error:
            self._give_up(error)
        self._size = end
        return complete

    def _sync_due(self, monotonic: float) -> bool:
        match self._settings.fsync:
            case FsyncPolicy.ALWAYS:
                return True
            case FsyncPolicy.INTERVAL:
                return monotonic - self._synced_at >= self._settings.fsync_interval_seconds
            case FsyncPolicy.NEVER:
                return False

    def _sync(self, fd: int, monotonic: float) -> None:
        os.fsync(fd)
        self._unsynced = False
        self._synced_at = monotonic

    def _sync_directory(self) -> None:
        if self._settings.fsync is FsyncPolicy.NEVER:
            return
        fd = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _remember(self, events: Sequence[StoredEvent]) -> None:
        self._held.update((event.position, event.envelope.id) for event in events)
        while len(self._held) > REMEMBERED:
            del self._held[next(iter(self._held))]

    def _give_up(self, error: OSError) -> NoReturn:
        self._unsynced = False
        self.close()
        raise DeliveryRetryable(
            f"cannot write {self._path}: {error.strerror or error}",
            reason=reason_of(error),
            hint=_hint_of(error),
        ) from error
