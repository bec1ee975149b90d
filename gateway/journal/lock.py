"""One process per journal: an advisory lock that the kernel drops with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import JournalError, Reason


class FileLock:
    """Holds `<journal>.lock` until `release`; the file stays, so that two lockers never see two files."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            self.release()
            raise JournalError(
                f"journal {path.with_suffix('')} is in use by process {holder or 'unknown'}",
                reason=Reason.CONFLICT,
                hint="stop the other gateway, or give this one a data_dir of its own",
            ) from busy
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock up. Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
