"""Notices that a file with a secret, a certificate or accounts has changed, and has it taken over without a restart.

It looks at what paths lead to, because those who rotate secrets do it in three ways: they write the file anew, they
rename another one into its place, or, as Kubernetes does, they turn a link above it (Kubernetes documentation,
"Secrets", Using Secrets as files from a Pod). A file that is being written is not read: it has to stand still for a
second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from config.files import Files, signature
from gateway.clock import Clock
from gateway.errors import TielineError

STILL_SECONDS = 1.0


class SecretWatch:
    """One look at all files every few seconds."""

    def __init__(
        self,
        files: Callable[[], Files],
        take_over: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        check_seconds: float,
        tell_refused: Callable[[TielineError], None],
    ) -> None:
        """Take what is to be watched.

        Args:
            files: those in force, as they were when they were read.
            take_over: reads them again; raises TielineError, and is then asked again when a file has changed once more.
            clock: for the pauses.
            check_seconds: between two looks.
            tell_refused: is told what `take_over` raised.
        """
        self._files = files
        self._take_over = take_over
        self._clock = clock
        self._check_seconds = check_seconds
        self._tell_refused = tell_refused
        self._refused: Files | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(self._check_seconds)
            await self._look()

    async def _look(self) -> None:
        known = self._files()
        found = await _look_at(known)
        if found in (known, self._refused):
            return
        while (now := await self._look_later(known)) != found:
            found = now
        if found == known:
            return
        try:
            await self._take_over()
        except TielineError as error:
            self._refused = found
            self._tell_refused(error)
        else:
            self._refused = None

    async def _look_later(self, paths: Iterable[Path]) -> Files:
        await self._clock.sleep(STILL_SECONDS)
        return await _look_at(paths)


async def _look_at(paths: Iterable[Path]) -> Files:
    return await asyncio.to_thread(lambda: {path: signature(path) for path in paths})
