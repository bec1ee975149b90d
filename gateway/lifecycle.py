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
from typing import TYPE_CHECKING

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

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None

    def interrupt(self) -> None:
        """End the waiting, if there is one and it is not ending already."""
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> None:
        self._scope = asyncio.timeout(None)
        await self._scope.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        scope, self._scope = self._scope, None
        if scope is None:
            return False
        try:
            await scope.__aexit__(kind, error, trace)
        except TimeoutError:
            if scope.expired():
                return True
            raise
        return False


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
