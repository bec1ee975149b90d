"""Waiting for something that happens to everybody at once."""

from __future__ import annotations

import asyncio

from gateway.errors import JournalClosed


class Bell:
    """Wakes all who wait, once per ring; costs nothing when nobody waits."""

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None
        self._closed = False

    def ring(self) -> None:
        """Wake all who wait now."""
        if self._next is not None:
            self._next.set()
            self._next = None

    def close(self) -> None:
        """Wake all who wait, now and later, with JournalClosed."""
        self._closed = True
        self.ring()

    async def wait(self) -> None:
        """Wait for the next ring. Cancel-safe."""
        if not self._closed:
            if self._next is None:
                self._next = asyncio.Event()
            await self._next.wait()
        if self._closed:
            raise JournalClosed("the journal is closed")
