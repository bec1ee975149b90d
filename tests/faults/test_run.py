"""A run itself: what fails on the way is noted, and the run goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.faults.run import Outcome, Recovery, compare_sinks, one_round
from tests.faults.schedule import Kind, Step
from tests.support.oracle import SeenEvent
from tests.support.processes import PeerError


class BrokenWorld:
    """Nothing can be made to go wrong in it, and it does not heal; all flows nevertheless."""

    def __init__(self) -> None:
        self.faults: dict[str, int] = {}

    async def commit(self, step: Step) -> None:
        """Fail."""
        raise PeerError(f"no {step.kind}")

    async def heal(self) -> None:
        """Fail."""
        raise PeerError("has ended by itself")

    async def flows_again(self, *, within_seconds: float) -> None:
        """It does."""
        del within_seconds


async def test_what_fails_in_a_round_is_noted_and_the_run_goes_on() -> None:
    """Hours of a run are worth a judgement also when a broker did not start in time."""
    world: Any = BrokenWorld()
    outcome = Outcome(seed=1)
    steps = [Step(at=0.0, kind=kind, seconds=0.0) for kind in (Kind.BROKER, Kind.KILL)]
    for number in (1, 2):
        await one_round(world, steps, outcome)
        assert (outcome.rounds, len(outcome.recoveries)) == (number, number)
        assert len(outcome.failures) == 3 * number
    assert outcome.failures[0] == "round 1, broker: no broker"
    assert outcome.failures[-1] == "round 2, after its faults: has ended by itself"


def test_a_report_tells_the_load_beside_the_recovery_times() -> None:
    """On a busy machine a missed time may say nothing about the gateway."""
    outcome = Outcome(seed=1, recoveries=[Recovery(2.04, 1.0), Recovery(9.0, 7.5)])
    told = outcome.as_report()
    assert told["recovery_seconds"] == {"worst": 9.0, "median": 9.0}
    assert told["load"] == {"worst": 7.5, "median": 7.5}
    assert told["recoveries"] == [[2.0, 1.0], [9.0, 7.5]]
    assert Outcome(seed=1).as_report()["recovery_seconds"] == {"worst": 0.0, "median": 0.0}


async def test_a_topic_that_cannot_be_read_is_noted_and_the_rest_is_judged() -> None:
    """An hour's records take longer to read than a short run's: the report is written all the same."""

    async def settled(_sink: str, *, timeout_seconds: float) -> None:
        del timeout_seconds

    async def not_read(topic: str, *, timeout_seconds: float) -> None:
        raise PeerError(f"{topic} was not read in {timeout_seconds:g} s")

    seen = [SeenEvent("one", "tieline.call.ended.v1", "call/1", "1", sequence="1")] * 2
    gateway = SimpleNamespace(lines=SimpleNamespace(read=lambda: seen), wait_settled=settled)
    world: Any = SimpleNamespace(
        gateway=gateway,
        receiver=SimpleNamespace(taken=seen),
        broker=SimpleNamespace(read_topic=not_read),
    )
    outcome = Outcome(seed=1)
    await compare_sinks(world, outcome)
    assert outcome.failures == [
        "round 0, the topic: faults was not read in 900 s",
        "1 events twice in file",
        "keys out of order in file: ['1']",
    ]
