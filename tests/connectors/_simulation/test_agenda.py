"""What is to happen later."""

from __future__ import annotations

import asyncio

import pytest

from connectors._simulation.agenda import Agenda


async def test_callbacks_run_in_the_order_of_their_times() -> None:
    agenda, done, happened = Agenda(), asyncio.Event(), list[str]()
    agenda.start("agenda under test")
    agenda.after(0.02, done.set)
    agenda.after(0.01, lambda: happened.append("second"))
    agenda.after(0, lambda: happened.append("first"))
    async with asyncio.timeout(5):
        await done.wait()
    assert happened == ["first", "second"]
    await agenda.close()


async def test_something_earlier_does_not_wait_for_something_later() -> None:
    agenda, done = Agenda(), asyncio.Event()
    agenda.after(3600, done.set)
    agenda.start("agenda under test")
    agenda.after(0.01, done.set)
    async with asyncio.timeout(5):
        await done.wait()
    await agenda.close()


async def test_what_recurs_goes_on_until_close() -> None:
    agenda, counted, enough = Agenda(), list[int](), asyncio.Event()

    def count() -> None:
        counted.append(1)
        if len(counted) == 3:
            enough.set()

    agenda.every(lambda: 0.001, count)
    agenda.start("agenda under test")
    async with asyncio.timeout(5):
        await enough.wait()
    await agenda.close()
    seen = len(counted)
    await asyncio.sleep(0.01)
    assert len(counted) == seen


async def test_an_error_in_a_callback_comes_out_at_close() -> None:
    agenda, done = Agenda(), asyncio.Event()

    def fail() -> None:
        done.set()
        raise ValueError("broken")

    agenda.after(0, fail)
    agenda.start("agenda under test")
    await done.wait()
    with pytest.raises(ValueError, match="broken"):
        await agenda.close()
