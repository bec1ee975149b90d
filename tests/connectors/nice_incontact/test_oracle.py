"""The gateway against a busy platform: what was published is told, once, and nothing is doubled by faults."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from connectors.nice_incontact.simulator import Fault, FaultKind, Simulator
from tests.connectors.nice_incontact.harness import connected_to, sign_in, simulated
from tests.support.consumer import FeedConsumer

AGENTS = range(1001, 1007)
BUSY = {"agents": 6, "events_per_second": 400, "logouts": False, "command_grace_seconds": 0}


def gateway_user(url: str) -> dict[str, Any]:
    """One user that joins everybody's session."""
    return {
        "sign_in": sign_in(url, username="gateway@example.com"),
        "agents": [{"agent_id": str(agent)} for agent in AGENTS],
    }


def told(consumers: list[FeedConsumer]) -> set[str]:
    return set().union(*(consumer.references() for consumer in consumers))


def owed(simulator: Simulator) -> set[str]:
    return {one.id for one in simulator.ledger.since(0, 1_000_000) if one.resumable}


def doubled(consumers: list[FeedConsumer]) -> list[str]:
    ids = [event.id for consumer in consumers for event in consumer.events]
    return sorted({one for one in ids if ids.count(one) > 1})


async def lived(simulator: Simulator, faults: list[Fault], published: int) -> list[FeedConsumer]:
    """Consumers of all sessions, after so many events and the faults that came meanwhile."""
    async with (
        connected_to(simulator.url, **gateway_user(simulator.url)) as connector,
        AsyncExitStack() as stack,
    ):
        consumers = [
            await stack.enter_async_context(FeedConsumer(connector, feed=number))
            for number in range(len(AGENTS))
        ]
        for fault in faults:
            simulator.commit(fault)
        await consumers[0].until(lambda: len(simulator.ledger) >= published, "a busy platform")
        simulator.pardon()
        simulator.lives.stopped = True
        await consumers[0].until(lambda: not owed(simulator) - told(consumers), "all that is owed")
        return consumers


async def test_a_busy_platform_is_told_whole_and_once() -> None:
    async with simulated(**BUSY) as simulator:
        consumers = await lived(simulator, [], 1200)
        assert len(owed(simulator)) > 800
        assert doubled(consumers) == []
        assert [gap for consumer in consumers for gap in consumer.gaps] == []
        assert not [error for consumer in consumers for error in consumer.errors]
        assert "vendor.message" not in {verb for one in consumers for verb in one.verbs()}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.DUPLICATE, for_seconds=60, probability=0.3),
        Fault(FaultKind.SLOW, for_seconds=60, probability=0.2, delay_ms=30),
        Fault(FaultKind.SERVER_ERROR, for_seconds=60, probability=0.05, target="feed"),
        Fault(FaultKind.DROP, for_seconds=60, probability=0.05, target="feed"),
        Fault(FaultKind.GARBAGE, for_seconds=60, probability=0.05, form="text"),
        Fault(FaultKind.GARBAGE, for_seconds=60, probability=0.2, form="mixed"),
        Fault(FaultKind.UNAUTHORIZED, for_seconds=60, probability=0.05),
        Fault(FaultKind.TOKEN_EXPIRY, at_seconds=1),
        Fault(FaultKind.RATE_LIMITED, times=2, target="feed"),
    ],
    ids=lambda fault: f"{fault.kind.value}-{fault.form or ''}",
)
async def test_faults_lose_and_double_nothing(fault: Fault) -> None:
    """What the platform itself lost, because an answer was, is a gap and not owed."""
    async with simulated(**BUSY) as simulator:
        consumers = await lived(simulator, [fault], 500)
        assert doubled(consumers) == []


async def test_an_answer_that_was_lost_is_a_gap_of_that_agent_only() -> None:
    """The platform gave out a new id that nobody has: it tells the present, and what was missed is unknown."""
    async with simulated(**BUSY) as simulator:
        fault = Fault(
            FaultKind.SERVER_ERROR,
            times=1,
            target="feed",
            after_processing=True,
            agent=name_of(1001),
        )
        first, *others = await lived(simulator, [fault], 400)
        (gap,) = first.gaps
        assert gap.reason == "expired"
        assert not [gap for consumer in others for gap in consumer.gaps]
        assert doubled([first, *others]) == []


def name_of(agent: int) -> str:
    return f"agent{agent - 1000:04d}@example.com"
