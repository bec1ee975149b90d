"""How far a sink is, in memory and in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.contracts import Burial, HeldChanges, Journal
from gateway.errors import ConfigError, JournalFull

SAVE_PAUSE_SECONDS = 0.05
"""Between two saves: each is a transaction and a sync, which appends would wait for. So much may be offered again."""


class SinkPosition:
    """One sink's position. `reached` is where it stands; the journal follows behind the delivery's back."""

    def __init__(
        self,
        journal: Journal,
        sink: str,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`pause` waits real seconds: it spares the disk, whatever the gateway's clock says."""
        self._journal = journal
        self._sink = sink
        self._pause = pause
        self._moved = asyncio.Event()
        self._saved = 0
        self.reached = 0

    async def restore(self) -> None:
        """Begin where the last process saved; a new sink is registered, so that nothing is trimmed that it needs."""
        saved = await self._journal.position(self._sink)
        if saved is None:
            await self.commit(0)
        else:
            self.reached = self._saved = saved

    def advance(self, position: int) -> None:
        """Everything up to there is settled."""
        if position > self.reached:
            self.reached = position
            self._moved.set()

    def skip_to(self, held: int, *, repeating: bool) -> None:
        """Leave out what the receiver holds already, unless it is to be repeated.

        Raises ConfigError: the receiver holds more than this journal ever had.
        """
        last = self._journal.statistics().last_position
        if held > last:
            raise ConfigError(
                f"the receiver holds events up to position {held}, this journal ends at {last}",
                hint="was the journal's file restored from a copy? events made since would be skipped:"
                " make a journal of a new name from it with `tieline journal salvage`",
            )
        if not repeating:
            self.advance(held)

    async def save_moves(self) -> None:
        """Save until cancelled: a move after a rest at once, of those that follow soon only the newest."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self.commit(self.reached)
            await self._pause(SAVE_PAUSE_SECONDS)

    async def commit(
        self, position: int, burials: Sequence[Burial] = (), held: HeldChanges | None = None
    ) -> None:
        """Make a position durable, and with it what is passed by."""
        if position <= self._saved and not burials and held is None and self._saved:
            return
        self._saved = max(self._saved, position)
        while True:
            try:
                await self._journal.commit(self._sink, position, burials, held)
            except JournalFull:
                # A position needs hardly any room, but a burial may; the sink waits like a feed does.
                await self._journal.wait_for_room()
            else:
                return

    async def begin_behind(self, position: int) -> None:
        """Stand at another position, which may be an earlier one."""
        self.reached = self._saved = position
        await self._journal.commit(self._sink, position)
