"""Requests that wait for a verdict: bounded, and let go at once when the server stops."""

from __future__ import annotations

from gateway.api.runtime import ApiRuntime
from gateway.commands import CommandRecord
from gateway.lifecycle import Interruptible

MOST_WAITING = 500


class Waiting:
    """All requests that wait."""

    def __init__(self, runtime: ApiRuntime, *, longest_seconds: float) -> None:
        self._runtime = runtime
        self._longest_seconds = longest_seconds
        self._waiting: set[Interruptible] = set()

    def release(self) -> None:
        """Let all go: each answers what is known."""
        for waiting in self._waiting:
            waiting.interrupt()

    async def verdict(self, record: CommandRecord, seconds: float | None) -> CommandRecord:
        """The command as it is after waiting for its verdict; too many who wait are answered at once."""
        if seconds is None or record.final or len(self._waiting) >= MOST_WAITING:
            return record
        waiting = Interruptible()
        self._waiting.add(waiting)
        try:
            async with waiting:
                longest = min(seconds, self._longest_seconds)
                return await self._runtime.wait_final(record.command.id, longest) or record
        finally:
            self._waiting.discard(waiting)
        return record
