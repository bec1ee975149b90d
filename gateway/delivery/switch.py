"""What operators ask of a sink: to pause, and to begin again at an earlier place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.contracts import Journal
from gateway.delivery import rewinding
from gateway.delivery.position import SinkPosition
from gateway.delivery.record import SinkRecord
from gateway.errors import Reason, TielineError
from gateway.events import StoredEvent
from gateway.lifecycle import Interruptible


class SinkSwitch:
    """One sink's. Wishes come at any time; the dispatcher looks at `called_off` and carries them out in `obey`."""

    def __init__(
        self,
        journal: Journal,
        record: SinkRecord,
        place: SinkPosition,
        waiting: Interruptible,
        tell: Callable[[bool], None],
    ) -> None:
        self._journal = journal
        self._record = record
        self._place = place
        self._waiting = waiting
        self._tell = tell
        self._restored = asyncio.Event()
        self._unpaused = asyncio.Event()
        self._wish: tuple[int, asyncio.Future[int]] | None = None

    def restore(self) -> None:
        """Take up what the record says."""
        self._tell(self._record.paused)
        if not self._record.paused:
            self._unpaused.set()
        self._restored.set()

    @property
    def called_off(self) -> bool:
        """Somebody paused the sink or wants it to begin elsewhere: offer nothing more before `obey`."""
        return self._record.paused or self._wish is not None

    async def pause(self) -> None:
        """Deliver nothing more until `unpause`, also after a restart."""
        await self._restored.wait()
        self._record.paused = True
        self._unpaused.clear()
        self._waiting.interrupt()
        self._tell(True)
        await self._record.save()

    async def unpause(self) -> None:
        """Go on delivering."""
        await self._restored.wait()
        self._record.paused = False
        self._unpaused.set()
        self._tell(False)
        await self._record.save()

    async def rewind(self, *, position: int | None, time: datetime | None) -> int:
        """Have the sink begin behind a position, or with what was recorded at a time; returns when it does."""
        await self._restored.wait()
        target = await rewinding.place(self._journal, position=position, time=time)
        if self._wish is not None:
            raise TielineError("the sink is about to begin elsewhere", reason=Reason.CONFLICT)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._wish = (target, done)
        self._waiting.interrupt()
        return await asyncio.shield(done)

    async def obey(self) -> None:
        """Begin elsewhere if that is wished, and return when the sink is not paused."""
        await self._begin_elsewhere()
        while self._record.paused:
            async with self._waiting:
                await self._unpaused.wait()
            await self._begin_elsewhere()

    async def _begin_elsewhere(self) -> None:
        if self._wish is None:
            return
        target, done = self._wish
        if target < self._place.reached:
            self._record.rewound_to = max(self._place.reached, self._record.rewound_to or 0)
        await self._record.save()
        await self._place.begin_behind(target)
        self._wish = None
        if not done.done():
            done.set_result(target)

    def is_repetition(self, event: StoredEvent) -> bool:
        """The event is offered again because somebody asked for it."""
        end = self._record.rewound_to
        return end is not None and event.position <= end

    def one_kind(self, records: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The front of some records: what is repeated and what is new are never in one batch."""
        again = [record for record in records if self.is_repetition(record)]
        if not again:
            self._record.rewound_to = None
        return again or records
