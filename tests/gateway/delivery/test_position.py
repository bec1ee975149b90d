"""How a sink's position gets into the journal: behind the delivery's back, and seldom enough to cost it nothing."""

from __future__ import annotations

import asyncio

from gateway.delivery.position import SinkPosition
from tests.support.journals import memory_journal
from tests.support.scripted import call_event
from tests.support.waiting import until

SINK = "lake"


async def test_moves_that_follow_soon_are_saved_as_one_and_the_newest_wins() -> None:
    journal = memory_journal()
    await journal.append("main/a1", [call_event(number) for number in range(1, 10)], b"r")
    pauses: list[float] = []
    rested = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await rested.wait()

    place = SinkPosition(journal, SINK, pause=pause)
    await place.restore()
    async with asyncio.TaskGroup() as tasks:
        saving = tasks.create_task(place.save_moves())
        place.advance(1)
        await until(lambda: len(pauses) == 1)
        assert await journal.position(SINK) == 1
        for position in range(2, 10):
            place.advance(position)
            await asyncio.sleep(0)
        assert await journal.position(SINK) == 1
        rested.set()

        async def saved() -> bool:
            return await journal.position(SINK) == 9

        await until(saved)
        await until(lambda: len(pauses) == 2)
        saving.cancel()
