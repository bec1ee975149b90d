"""Starting and stopping: signals, two stages of stop under one deadline, and a named stack of clean-up steps.

Stage one (first SIGTERM or SIGINT): feeds drain, the journal finishes, sinks get the rest. Stage two (the deadline,
or a
second signal): what still runs is cancelled; the journal makes that safe.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gateway.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StopSignal:
    """Says when to stop, and when to stop waiting."""

    def __init__(self) -> None:
        self._soft = asyncio.Event()
        self._hard = asyncio.Event()
        self.cause = ""

    def request(self, cause: str) -> None:
        """Ask for a stop; asking again asks to hurry."""
        if self._soft.is_set():
            self._hard.set()
        else:
            self.cause = cause
            self._soft.set()

    @property
    def requested(self) -> bool:
        """Stage one has begun."""
        return self._soft.is_set()

    async def wait(self) -> None:
        """Return when stage one begins."""
        await self._soft.wait()

    async def wait_hard(self) -> None:
        """Return when somebody asked to hurry."""
        await self._hard.wait()


class Interruptible:
    """A place to wait that can be left from outside, without a task for each waiting.

    `async with waiting: …` ends quietly when `interrupt` is called; what is awaited inside is cancelled, so it must be
    safe to cancel. Not reentrant; used by one task.
    """

    # Does what asyncio.timeout(None) does when it is rescheduled, for less: a feed enters it for each of its polls.

    __slots__ = ("_cancelled", "_earlier", "_soon", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._soon: asyncio.Handle | None = None
        self._cancelled = False
        self._earlier = 0

    def interrupt(self) -> None:
        """End the waiting, if there is one and it is not ending already."""
        if self._task is not None and self._soon is None:
            # Not at once: if the task leaves before its turn comes, nothing is left to cancel.
            self._soon = asyncio.get_running_loop().call_soon(self._cancel, self._task)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._cancelled = True
        task.cancel()

    async def __aenter__(self) -> None:
        task = self._task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait to be interrupted")
        self._earlier = task.cancelling()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        task, self._task = self._task, None
        if self._soon is None or task is None:
            return False
        self._soon.cancel()
        self._soon = None
        if not self._cancelled:
            return False
        self._cancelled = False
        return task.uncancel() <= self._earlier and kind is asyncio.CancelledError


@asynccontextmanager
async def signals_request(
    stop: StopSignal, *, reload: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """Let SIGTERM and SIGINT ask for a stop while inside, and SIGHUP call `reload` if there is one."""
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGTERM, signal.SIGINT]
    for number in numbers:
        loop.add_signal_handler(number, stop.request, number.name)
    if reload is not None:
        numbers.append(signal.SIGHUP)
        loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class CleanupStack:
    """Named clean-up steps, last in, first out. A failing step is told and does not stop the others."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []

    def push(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Run `step` at the end, before all steps pushed earlier."""
        self._steps.append((name, step))

    async def run(self, *, each_seconds: float) -> bool:
        """Run all steps, each within its time; whether all succeeded. Running again does nothing."""
        clean = True
        while self._steps:
            name, step = self._steps.pop()
            try:
                async with asyncio.timeout(each_seconds):
                    await step()
            except Exception as error:  # noqa: BLE001 - one failing step must not keep the others from running
                clean = False
                self._telemetry.cleanup_failed(name, error)
        return clean
