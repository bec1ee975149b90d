"""A short run of whole processes with faults from each seed; the long run is `make faults`."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.faults.run import run
from tests.faults.schedule import Kind, draw

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SEEDS = (2, 5)
"""Seeds whose runs have failed once stay here for ever."""
REPLAYING = ("clarity_connect", "genesys_web_services")
"""Of the platforms that replay, one of each protocol; the long run has all."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_that_could_be_had_is_lost_and_every_other_loss_is_stated(
    tmp_path: Path, seed: int
) -> None:
    """After the faults all flows again within 30 s; nothing is doubled, and every sink has the same."""
    outcome = await run(tmp_path, seed=seed, platforms=REPLAYING)
    assert outcome.failures == [], json.dumps(outcome.as_report(), indent=1)
    assert sum(outcome.faults.values()) >= 8


def test_the_same_seed_draws_the_same_faults() -> None:
    """A run that failed can be had again."""
    plans = [
        draw(Random(5), platforms=["incontact_wfo", "nice_incontact"], steps=50, seconds=60.0)
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
    assert {step.kind for step in plans[0]} >= {Kind.KILL, Kind.CUT, Kind.HALF_OPEN, Kind.PLATFORM}
