"""The contract of connectors, kept by a platform that must be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import count

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.incontact_wfo import PLATFORM
from connectors.incontact_wfo.simulator import Simulator
from gateway.commands import Outcome, Verb
from gateway.contracts import Connector
from tests.connectors.incontact_wfo.harness import connected_to, emit, simulated
from tests.contract.connector_suite import PolledSuite
from tests.support.consumer import FeedConsumer

AGENTS = 120
"""More than a scenario lets things happen to, so that no change takes another's place."""


class WfoHarness:
    """The simulated recorder, whose agents are all on a call."""

    platform = PLATFORM
    secrets = ("right-password", "wrong-password")

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._numbers = count()

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """With the right password. Polls are so far apart that a test's pauses are no gap."""
        return connected_to(
            self._simulator.url, username="tieline", password="right-password", interval_seconds=0.5
        )

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """With a wrong one."""
        return connected_to(self._simulator.url, username="tieline", password="wrong-password")

    def tokens(self) -> Sequence[str]:
        """There are none."""
        return ()

    async def publish(self, count: int = 1) -> list[str]:
        """The next agents' recordings are tagged, each with a value of its own."""
        told: list[str] = []
        for _ in range(count):
            number = next(self._numbers)
            fields = {"user1": f"case {number}"}
            told += await emit(self._simulator, "tag", agent=number % AGENTS + 1, fields=fields)
        return told

    async def publish_garbage(self) -> None:
        """A word that has no meaning."""
        call = self._simulator.world.agents[AGENTS].active
        assert call is not None
        call.state = "Reticulating"

    async def cut(self) -> None:
        """The next poll is not answered, nor its repetition: HTTP repeats a GET once on a new connection."""
        self._simulator.commit(Fault(kind=FaultKind.DROP, target="feed", times=2))

    async def expire(self) -> None:
        """Nothing expires."""

    async def be_busy(self) -> None:
        """503."""
        self._simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1_000))

    async def recover(self) -> None:
        """No faults."""
        self._simulator.plan.clear()

    async def held(self) -> int:
        """The recorder holds no request."""
        return 0

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """A recording is started."""
        verb = Verb.RECORDING_START
        return verb.value, await consumer.execute(verb, agent=str(AGENTS))


class TestContract(PolledSuite):
    """All agents at once."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[WfoHarness]:
        """Everybody is on a call."""
        everybody = tuple(range(1, AGENTS + 1))
        async with simulated(
            agents=AGENTS, on_call=everybody, username="tieline", password="right-password"
        ) as simulator:
            yield WfoHarness(simulator)
