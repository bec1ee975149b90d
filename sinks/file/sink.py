"""The file sink: hands batches to one thread of its own, so that a slow disk never holds the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.contracts import Report, Sink, SinkContext
from gateway.events import StoredEvent
from sinks.file.settings import FileSettings
from sinks.file.store import LineFile

_T = TypeVar("_T")


class FileSink:
    """Appends events to a file as JSON lines. Its thread starts with `open` and ends with `close`."""

    def __init__(self, settings: FileSettings, context: SinkContext) -> None:
        self._name = context.name
        self._clock = context.clock
        self._file = LineFile(context.data_dir / settings.path, settings, context.journal_id)
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> int | None:
        """Lock and repair the file; the last journal position it holds. Raises NotReady."""
        return await self._run(self._file.open)

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Append in one write; what the file already holds is settled without writing it again.

        Raises DeliveryRetryable when the file must be opened anew.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return await self._run(lambda: self._file.write(batch, now, monotonic))

    async def close(self) -> None:
        """Force what was written to the disk and release the file."""
        if self._thread is None:
            return
        try:
            await self._run(self._file.close)
        finally:
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{self._name}")
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # A thread cannot be interrupted: wait, so that no write goes on behind the caller's back.
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()
            raise


def build(settings: FileSettings, context: SinkContext) -> Sink:
    """A file sink from its settings."""
    return FileSink(settings, context)
