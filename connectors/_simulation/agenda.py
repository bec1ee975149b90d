"""What is to happen later in a simulator: a heap of times and callbacks, driven by one owned task.

A thousand agents' lives, time limits and faults share it, so that no simulated thing needs a task of its own.
A callback that raises ends the task; the error is raised again by `close`.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

Callback = Callable[[], object]


class Agenda:
    """Runs callbacks at their time, in order, on the event loop."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callback]] = []
        self._numbers = count()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def after(self, seconds: float, callback: Callback) -> None:
        """Call `callback` once, `seconds` from now."""
        self.at(time.monotonic() + seconds, callback)

    def at(self, moment: float, callback: Callback) -> None:
        """Call `callback` once, when the monotonic clock shows `moment`."""
        entry = (moment, next(self._numbers), callback)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._changed.set()

    def every(self, seconds: Callable[[], float], callback: Callback) -> None:
        """Call `callback` again and again; `seconds` says, each time anew, how long to wait."""

        def step() -> None:
            callback()
            self.after(seconds(), step)

        self.after(seconds(), step)

    def run_due(self, now: float) -> None:
        """Call what is due when the monotonic clock shows `now`: for whoever drives it without `start`."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the agenda, if one did."""
        task = self._task
        return task.exception() if task and task.done() and not task.cancelled() else None

    def start(self, name: str) -> None:
        """Begin to run what is due; needs a running loop."""
        self._task = asyncio.create_task(self._run(), name=name)

    async def close(self) -> None:
        """Stop; what was still to come is forgotten. Raises what a callback raised."""
        self._heap.clear()
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self.run_due(time.monotonic())
            if not self._heap:
                await self._changed.wait()
                continue
            delay = self._heap[0][0] - time.monotonic()
            if delay <= 0:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                continue
