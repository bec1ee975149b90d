"""Rounds of faults, each followed by a check that all flows again, and a judgement at the end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import aiohttp

from tests.faults.judge import Verdict, by_connector, judge
from tests.faults.schedule import JUMPS_SECONDS, Step, draw
from tests.faults.world import TOPIC, World, world
from tests.support import oracle
from tests.support.kafka import KafkaBroker
from tests.support.processes import PeerError, eventually

FLOWS_WITHIN_SECONDS = 30.0
ARRIVES_WITHIN_SECONDS = 120.0
TOPIC_WITHIN_SECONDS = 900.0
"""An hour leaves hundreds of thousands of records, and a machine that is busy reads some thousand a second."""
ROUND_SECONDS = 20.0
STEPS = 8


class Recovery(NamedTuple):
    """How long it took after a round until all flowed again, and how many processes wanted a processor meanwhile."""

    seconds: float
    load: float


@dataclass
class Outcome:
    """What a run found; `failures` is empty when all promises were kept."""

    seed: int
    rounds: int = 0
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    recoveries: list[Recovery] = field(default_factory=list)
    connectors: dict[str, Verdict] = field(default_factory=dict)
    doubled: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def as_report(self) -> dict[str, Any]:
        """The JSON form; tests/faults/README.md explains it."""
        return {
            "seed": self.seed,
            "rounds": self.rounds,
            "seconds": round(self.seconds, 1),
            "faults": self.faults,
            "recovery_seconds": _worst_and_median(one.seconds for one in self.recoveries),
            "load": _worst_and_median(one.load for one in self.recoveries),
            "processors": os.cpu_count(),
            "recoveries": [[round(one.seconds, 1), round(one.load, 1)] for one in self.recoveries],
            "connectors": {name: verdict.as_report() for name, verdict in self.connectors.items()},
            "doubled": self.doubled,
            "missing": self.missing,
            "failures": self.failures,
            "steps": self.steps,
        }


def _worst_and_median(figures: Iterable[float]) -> dict[str, float]:
    ordered = sorted(figures) or [0.0]
    return {"worst": round(ordered[-1], 1), "median": round(ordered[len(ordered) // 2], 1)}


async def run(
    directory: Path,
    *,
    seed: int,
    seconds: float = 0.0,
    rounds: int = 1,
    broker: bool = False,
    platforms: tuple[str, ...] = (),
    round_seconds: float = ROUND_SECONDS,
) -> Outcome:
    """Rounds until `rounds` are done and `seconds` are over; the faults of one begin within `round_seconds`."""
    outcome = Outcome(seed)
    rng = Random(seed)
    began = time.monotonic()
    async with (
        aiohttp.ClientSession() as http,
        world(directory, http, seed=seed, broker=broker, platforms=platforms) as here,
    ):
        while outcome.rounds < rounds or time.monotonic() - began < seconds:
            plan = draw(
                rng,
                platforms=sorted(here.platforms),
                steps=STEPS,
                seconds=round_seconds,
                broker=broker,
            )
            await one_round(here, plan, outcome)
        await _settle(here, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


async def one_round(here: World, plan: list[Step], outcome: Outcome) -> None:
    """Let everything of the plan go wrong, heal it, and see how long it takes until all flows again."""
    outcome.rounds += 1
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for step in plan:
            await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
            outcome.steps.append(
                f"{outcome.rounds}/{step.at:g} {step.kind} {step.platform} {step.seconds:g}"
                f" {dict(step.detail)}"
            )
            tasks.create_task(_commit(here, step, outcome), name=f"{step.kind} at {step.at:g}")
    with _noted(outcome, "after its faults"):
        await here.heal()
    outcome.faults = dict(here.faults)
    healed = time.monotonic()
    try:
        await here.flows_again(within_seconds=FLOWS_WITHIN_SECONDS)
    except PeerError as error:
        outcome.failures.append(
            f"round {outcome.rounds}, at a load of {os.getloadavg()[0]:.1f}: {error}"
        )
        with _noted(outcome, "much later"):
            await here.flows_again(within_seconds=10 * FLOWS_WITHIN_SECONDS)
    outcome.recoveries.append(Recovery(time.monotonic() - healed, os.getloadavg()[0]))


async def _commit(here: World, step: Step, outcome: Outcome) -> None:
    with _noted(outcome, step.kind):
        await here.commit(step)


@contextmanager
def _noted(outcome: Outcome, what: str) -> Iterator[None]:
    """What fails is a failure of the run, which goes on: hours of it are worth a judgement."""
    try:
        yield
    except (PeerError, ProcessLookupError) as error:
        outcome.failures.append(f"round {outcome.rounds}, {what}: {error}")


async def _settle(here: World, outcome: Outcome) -> None:
    """Let nothing more happen, everything arrive, and judge."""
    for platform in here.platforms.values():
        await platform.stop_lives()
    names = {kind: kind.replace("_", "-") for kind in here.platforms}
    connectors = (await here.gateway.get("/v1/connectors"))["items"]
    guarantees = {one["name"]: one["guarantee"] for one in connectors}

    async def verdicts() -> dict[str, Verdict]:
        events = by_connector(here.gateway.lines.read())
        return {
            name: judge(
                events.get(name, []),
                await here.platforms[kind].published(),
                polled=guarantees[name] == "polled",
                jumps=JUMPS_SECONDS,
            )
            for kind, name in names.items()
        }

    async def complete() -> bool:
        outcome.connectors = await verdicts()
        return not any(verdict.failures() for verdict in outcome.connectors.values())

    try:
        await eventually(
            complete,
            "all that could be had",
            timeout_seconds=ARRIVES_WITHIN_SECONDS,
            poll_seconds=1.0,
        )
    except PeerError as error:
        outcome.failures.append(str(error))
    for sink in ("log", "hook", *(["lake"] if here.broker else [])):
        with _noted(outcome, f"all in sink {sink}"):
            await here.gateway.wait_settled(sink, timeout_seconds=ARRIVES_WITHIN_SECONDS)
    await compare_sinks(here, outcome)
    for name, verdict in outcome.connectors.items():
        outcome.failures += [f"{name}: {failure}" for failure in verdict.failures()]


async def compare_sinks(here: World, outcome: Outcome) -> None:
    """See that every sink has the same, once; what cannot be read is a failure of the run."""
    written = list(here.gateway.lines.read())
    ids = {event.id for event in written}
    outcome.doubled["file"] = len(oracle.doubled(written))
    # Figures are polled all the while: what the file has by now may still be on its way to the webhook.
    with _noted(outcome, "all in sink hook"):
        await here.gateway.wait_settled("hook", timeout_seconds=ARRIVES_WITHIN_SECONDS)
    outcome.missing["webhook"] = len(ids - {event.id for event in here.receiver.taken})
    if here.broker is not None:
        with _noted(outcome, "the topic"):
            await _compare_topic(here, here.broker, ids, outcome)
    outcome.failures += [
        f"{number} events twice in {sink}" for sink, number in outcome.doubled.items() if number
    ]
    outcome.failures += [
        f"{number} events not at {sink}" for sink, number in outcome.missing.items() if number
    ]
    wrong = oracle.out_of_order(written)
    if wrong:
        outcome.failures.append(f"keys out of order in file: {sorted(set(wrong))[:5]}")


async def _compare_topic(here: World, broker: KafkaBroker, ids: set[str], outcome: Outcome) -> None:
    records = await oracle.read_topic(broker, TOPIC, timeout_seconds=TOPIC_WITHIN_SECONDS)
    outcome.doubled["kafka"] = len(oracle.doubled(records))
    there = {record.id for record in records}
    # Figures are polled all the while: what came while the topic was read is in the file by now.
    await here.gateway.wait_settled("log", timeout_seconds=ARRIVES_WITHIN_SECONDS)
    later = {event.id for event in here.gateway.lines.read()}
    outcome.missing["kafka"] = len(ids - there) + len(there - later)
