"""When a fault strikes, and what it does to a feed's content."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from connectors._simulation.faults import Fault, FaultKind, FaultPlan, FeedFaults


class Clock:
    """Seconds that stand still."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """The monotonic seconds."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plan(clock: Clock) -> FaultPlan:
    return FaultPlan(Random(1), monotonic=clock)


def test_a_fault_without_duration_strikes_once(plan: FaultPlan) -> None:
    plan.add(Fault(FaultKind.DROP))
    assert plan.strike(FaultKind.DROP, "a") is not None
    assert plan.strike(FaultKind.DROP, "a") is None


def test_a_fault_with_a_duration_strikes_in_its_window_only(plan: FaultPlan, clock: Clock) -> None:
    assert plan.add(Fault(FaultKind.DROP, at_seconds=1, for_seconds=2)) == 103
    struck = []
    for second in (100.5, 101.5, 102.5, 103.5):
        clock.seconds = second
        struck.append(plan.strike(FaultKind.DROP, "a") is not None)
    assert struck == [False, True, True, False]


def test_a_fault_concerns_only_its_agent_and_target(plan: FaultPlan) -> None:
    plan.add(Fault(FaultKind.DROP, agent="a", target="rest"))
    assert plan.strike(FaultKind.DROP, "b", target="rest") is None
    assert plan.strike(FaultKind.DROP, "a", target="feed") is None
    assert plan.strike(FaultKind.DROP, "a", target="rest") is not None


def test_probability_is_a_share_of_the_occasions(plan: FaultPlan) -> None:
    plan.add(Fault(FaultKind.DROP, for_seconds=60, probability=0.25))
    struck = sum(plan.strike(FaultKind.DROP, "a") is not None for _ in range(1000))
    assert 200 < struck < 300


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "earthquake"},
        {"kind": "drop", "probability": 0},
        {"kind": "drop", "for_seconds": -1},
        {"kind": "drop", "forseconds": 1},
    ],
)
def test_a_wrong_fault_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(broken, Fault)


FRAMES = [b'{"n":%d}' % number for number in range(5)]


def test_reorder_keeps_every_message_and_changes_the_order(plan: FaultPlan) -> None:
    faults = FeedFaults(plan, Random(1))
    plan.add(Fault(FaultKind.REORDER, for_seconds=60))
    frames = faults.frames("a", list(FRAMES))
    assert frames != FRAMES
    assert sorted(frames) == FRAMES
    assert faults.wanted("a") == 2


def test_reorder_swaps_two(plan: FaultPlan) -> None:
    faults = FeedFaults(plan, Random(1))
    plan.add(Fault(FaultKind.REORDER, for_seconds=60))
    assert faults.frames("a", FRAMES[:2]) == FRAMES[1::-1]


def test_duplicate_sends_each_message_twice(plan: FaultPlan) -> None:
    plan.add(Fault(FaultKind.DUPLICATE))
    assert FeedFaults(plan, Random(1)).frames("a", FRAMES[:2]) == [
        FRAMES[0],
        FRAMES[0],
        FRAMES[1],
        FRAMES[1],
    ]


def test_mixed_garbage_keeps_the_good_messages_in_order(plan: FaultPlan) -> None:
    plan.add(Fault(FaultKind.GARBAGE, form="mixed"))
    faults = FeedFaults(plan, Random(1), (b'"of the platform"',))
    assert faults.body("a") is None
    frames = faults.frames("a", list(FRAMES))
    assert [frame for frame in frames if frame in FRAMES] == FRAMES
    assert len(frames) == 11


@pytest.mark.parametrize("form", ["text", "shape"])
def test_other_garbage_replaces_the_reply(plan: FaultPlan, form: str) -> None:
    plan.add(msgspec.convert({"kind": "garbage", "form": form}, Fault))
    faults = FeedFaults(plan, Random(1))
    body = faults.body("a")
    assert body is not None
    if form == "text":
        with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
            msgspec.json.decode(body)
    else:
        msgspec.json.decode(body)
    assert faults.body("a") is None
