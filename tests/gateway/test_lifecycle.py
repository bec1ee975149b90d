"""Starting and stopping: two stages, waiting that can be left, clean-up that goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from prometheus_client import CollectorRegistry

from gateway.lifecycle import CleanupStack, Interruptible, StopSignal, signals_request
from gateway.telemetry import Telemetry


async def test_the_first_signal_asks_and_the_second_hurries() -> None:
    stop = StopSignal()
    async with signals_request(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)
        assert stop.cause == "SIGTERM"
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(stop.wait_hard(), 5)
    assert stop.cause == "SIGTERM"


async def test_a_waiting_can_be_left_and_used_again() -> None:
    waiting = Interruptible()
    loop = asyncio.get_running_loop()
    for _ in range(2):
        loop.call_soon(waiting.interrupt)
        async with waiting:
            await asyncio.Event().wait()


async def test_interrupting_nothing_is_harmless_and_not_remembered() -> None:
    waiting = Interruptible()
    waiting.interrupt()
    reached = False
    async with waiting:
        await asyncio.sleep(0)
        reached = True
    assert reached


async def test_a_waiting_that_is_ending_can_be_interrupted_again() -> None:
    """A feed is woken because it is quiet, and in the same moment a stop wakes all feeds."""
    waiting = Interruptible()
    again = 0

    async def ends_slowly() -> None:
        nonlocal again
        try:
            await asyncio.Event().wait()
        finally:
            waiting.interrupt()
            again += 1

    asyncio.get_running_loop().call_soon(waiting.interrupt)
    async with waiting:
        await ends_slowly()
    assert again == 1


async def test_an_interruption_of_a_waiting_that_is_over_cancels_nothing() -> None:
    waiting = Interruptible()
    async with waiting:
        waiting.interrupt()
    await asyncio.sleep(0)
    async with waiting:
        await asyncio.sleep(0)


async def test_cancelling_an_interrupted_waiting_is_not_swallowed() -> None:
    waiting = Interruptible()
    entered = asyncio.Event()

    async def wait() -> None:
        async with waiting:
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await entered.wait()
    waiting.interrupt()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_inside_a_waiting_is_not_taken_for_an_interruption() -> None:
    with pytest.raises(TimeoutError):
        async with Interruptible():
            raise TimeoutError


async def test_cancelling_passes_through_a_waiting() -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        async with Interruptible():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_clean_up_runs_last_in_first_out_and_survives_a_failing_step() -> None:
    stack = CleanupStack(Telemetry(CollectorRegistry()))
    done: list[str] = []

    def step(name: str, *, fail: bool = False) -> None:
        async def run() -> None:
            done.append(name)
            if fail:
                raise OSError("broken")

        stack.push(name, run)

    step("first")
    step("second", fail=True)
    step("third")
    assert not await stack.run(each_seconds=1.0)
    assert done == ["third", "second", "first"]
    assert await stack.run(each_seconds=1.0)


async def test_a_clean_up_step_that_hangs_is_left() -> None:
    stack = CleanupStack(Telemetry(CollectorRegistry()))
    done: list[str] = []

    async def first() -> None:
        done.append("first")

    async def hang() -> None:
        await asyncio.Event().wait()

    stack.push("first", first)
    stack.push("hanging", hang)
    assert not await stack.run(each_seconds=0.05)
    assert done == ["first"]
