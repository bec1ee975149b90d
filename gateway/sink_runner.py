"""Which dispatchers run, one task for each, as sinks come and go; and their end at a planned stop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.contracts import Journal
from gateway.dispatcher import Dispatcher

# A sink whose receiver is down gets this long at a stop; what it lacks waits in the journal.
_STUCK_SINK_GRACE_SECONDS = 1.0
# One that is taken out gets this long for what it is delivering; without an answer the next one delivers it again.
_LEAVING_SECONDS = 10.0


class SinkRunner:
    """Runs dispatchers. `run` once; `add` and `remove` whenever."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._dispatchers: dict[str, Dispatcher] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._drained = asyncio.Event()

    @property
    def dispatchers(self) -> Mapping[str, Dispatcher]:
        """By name, in the order in which they came: a view that follows every change."""
        return self._dispatchers

    def add(self, dispatcher: Dispatcher) -> None:
        """Take up a dispatcher, which begins at once if the runner runs. The name must be free."""
        self._dispatchers[dispatcher.name] = dispatcher
        if self._tasks is not None:
            self._start(dispatcher, self._tasks)

    async def remove(self, sink: str) -> None:
        """Let a sink settle what it is delivering, close it and forget it; its position stays in the journal.

        Raises KeyError.
        """
        dispatcher = self._dispatchers.pop(sink)
        task = self._running.pop(sink, None)
        if task is None:
            return
        dispatcher.finish_at(dispatcher.position)
        _, late = await asyncio.wait({task}, timeout=_LEAVING_SECONDS)
        if late:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        """Run all dispatchers until `drain` has returned, or until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for dispatcher in self._dispatchers.values():
                self._start(dispatcher, tasks)
            await self._drained.wait()
            for task in self._running.values():
                task.cancel()

    async def drain(self) -> None:
        """Let every sink have what the journal holds, but do not wait for receivers that are down."""
        self._tasks = None
        last = self._journal.statistics().last_position
        for dispatcher in self._dispatchers.values():
            dispatcher.finish_at(last)
        names = {task: name for name, task in self._running.items()}
        pending = set(names)
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_STUCK_SINK_GRACE_SECONDS)
            if all(self._dispatchers[names[task]].stuck for task in pending):
                break
        self._drained.set()

    def _start(self, dispatcher: Dispatcher, tasks: asyncio.TaskGroup) -> None:
        name = f"sink {dispatcher.name}"
        self._running[dispatcher.name] = tasks.create_task(dispatcher.run(), name=name)
