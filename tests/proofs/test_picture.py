"""The live picture is the platform's own, however much happened: no call is left over, none is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import running
from tests.proofs.centre import Centre, opened
from tests.support.processes import eventually

pytestmark = pytest.mark.timeout(180)

BUSY_EVENTS = 1_000
EVENTS_PER_SECOND = 300


async def shown(centre: Centre) -> set[str]:
    """The calls of `/v1/calls`."""
    async with centre.client.get("/v1/calls?limit=1000") as response:
        return {one["call"] for one in (await response.json())["items"]}


@pytest.mark.parametrize("name", running.NAMES)
async def test_after_a_busy_time_the_picture_has_the_calls_that_the_platform_has(
    name: str, tmp_path: Path
) -> None:
    part = running.platform(name)
    async with opened(part, tmp_path) as centre:
        lives = centre.simulator.lives
        before = centre.position
        lives.events_per_second = EVENTS_PER_SECOND
        await eventually(
            lambda: centre.position >= before + BUSY_EVENTS, "a busy time", timeout_seconds=90
        )
        lives.stopped = True

        async def difference() -> bool:
            return await shown(centre) == part.calls(centre.simulator)

        try:
            await eventually(difference, "the platform's calls", timeout_seconds=15)
        except AssertionError:
            there, told = part.calls(centre.simulator), await shown(centre)
            assert told - there == set(), "calls that are over"
            assert there - told == set(), "calls that nobody was told of"
            raise
