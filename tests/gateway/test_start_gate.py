"""Attempts to connect: so many at a time, so many a second; all others wait, and none is refused."""

from __future__ import annotations

import asyncio

import pytest

from gateway.start_gate import StartGate
from tests.support.clock import LeapingClock
from tests.support.waiting import until


async def test_no_more_attempts_than_allowed_are_under_way_and_the_others_wait() -> None:
    gate = StartGate(per_second=1e6, at_once=3, clock=LeapingClock())
    go, under_way, most = asyncio.Event(), 0, 0

    async def attempt() -> None:
        nonlocal under_way, most
        async with gate.turn():
            under_way += 1
            most = max(most, under_way)
            await go.wait()
            under_way -= 1

    async with asyncio.TaskGroup() as tasks:
        attempts = [tasks.create_task(attempt()) for _ in range(10)]
        await until(lambda: under_way == 3)
        assert not any(one.done() for one in attempts)
        go.set()
    assert most == 3


async def test_attempts_are_spread_over_time() -> None:
    """Eleven at ten a second take a second."""
    clock = LeapingClock()
    gate = StartGate(per_second=10.0, at_once=50, clock=clock)
    for _ in range(11):
        async with gate.turn():
            pass
    assert 0.99 < clock.monotonic() < 1.2


async def test_an_attempt_that_fails_gives_its_place_back() -> None:
    gate = StartGate(per_second=1e6, at_once=1, clock=LeapingClock())

    async def fail() -> None:
        async with gate.turn():
            await asyncio.wait_for(asyncio.Event().wait(), 0)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await fail()
    async with asyncio.timeout(10), gate.turn():
        pass
