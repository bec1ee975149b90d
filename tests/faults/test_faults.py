"""A short run of whole processes with faults from each seed; the long run is `make faults`."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from gateway.demo.platforms import scenes
from tests.faults.run import STEPS, run
from tests.faults.schedule import LYING, Kind, draw

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SEEDS = {
    3: ("clarity_connect", "genesys_web_services"),
    6: ("genesys_engage_cloud", "nice_incontact"),
    11: ("genesys_web_services", "incontact_wfo"),
}
"""Seeds whose runs have failed once stay here for ever; the platforms take turns, the long run has all of them."""
SEED_WITH_KAFKA = 31
SHORT_ROUND_SECONDS = 8.0


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_that_could_be_had_is_lost_and_every_other_loss_is_stated(
    tmp_path: Path, seed: int
) -> None:
    """After the faults all flows again within 30 s; nothing is doubled, and every sink has the same."""
    outcome = await run(
        tmp_path, seed=seed, platforms=SEEDS[seed], round_seconds=SHORT_ROUND_SECONDS
    )
    assert outcome.failures == [], json.dumps(outcome.as_report(), indent=1)
    assert sum(outcome.faults.values()) == STEPS


@pytest.mark.kafka
async def test_kafka_has_everything_once_after_faults(tmp_path: Path) -> None:
    """The same with a broker, whose records the clock's jumps concern too."""
    outcome = await run(
        tmp_path,
        seed=SEED_WITH_KAFKA,
        platforms=("clarity_connect", "nice_incontact"),
        round_seconds=SHORT_ROUND_SECONDS,
        broker=True,
    )
    assert outcome.failures == [], json.dumps(outcome.as_report(), indent=1)
    assert outcome.faults["clock"] > 0


def test_all_platforms_take_part() -> None:
    """A new one needs its turn in the short runs, and its own faults in the schedule."""
    everyone = {scene.platform for scene in scenes()}
    assert set().union(*SEEDS.values()) == everyone
    assert set(LYING) == everyone


def test_the_same_seed_draws_the_same_faults() -> None:
    """A run that failed can be had again."""
    plans = [
        draw(Random(5), platforms=["incontact_wfo", "nice_incontact"], steps=50, seconds=60.0)
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
    assert {step.kind for step in plans[0]} >= {Kind.KILL, Kind.CUT, Kind.HALF_OPEN, Kind.PLATFORM}
