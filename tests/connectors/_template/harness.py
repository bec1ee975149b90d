"""A connector against the simulated exchange over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any

from connectors._simulation.faults import Fault, FaultKind
from connectors._template import PLATFORM
from connectors._template.connector import ExamplePbx
from connectors._template.simulator import Simulator, SimulatorSettings
from gateway.commands import Outcome, Verb
from gateway.contracts import Connector
from tests.support.building import built
from tests.support.consumer import FeedConsumer


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """An exchange where nothing happens by itself."""
    chosen = SimulatorSettings(**{"events_per_second": 0, "api_key": "right-key", **settings})
    async with Simulator(chosen) as simulator:
        yield simulator


@asynccontextmanager
async def connected_to(url: str, **settings: Any) -> AsyncIterator[ExamplePbx]:
    """A connector; whether its feed is connected is the test's."""
    block = {"base_url": url, "api_key": "right-key", **settings}
    async with built(PLATFORM, "pbx", block) as connector:
        assert isinstance(connector, ExamplePbx)
        yield connector


class PbxHarness:
    """What the suite needs to know of the simulated exchange."""

    platform = PLATFORM
    secrets = ("right-key", "wrong-key")

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._numbers = count()

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """With the right key."""
        return connected_to(self.simulator.url)

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """With a wrong one."""
        return connected_to(self.simulator.url, api_key="wrong-key")

    def tokens(self) -> Sequence[str]:
        """There are none."""
        return ()

    async def publish(self, count: int = 1) -> list[str]:
        """An agent goes away and comes back."""
        agent, told = self.simulator.world.agents["101"], []
        for _ in range(count):
            state = ("away", "available")[next(self._numbers) % 2]
            self.simulator.world.set_state(agent, state)
            told.append(f"sim-{len(self.simulator.ledger)}")
        return told

    async def publish_garbage(self) -> None:
        """A change of a kind that is not documented."""
        self.simulator.log.publish("weather", "101", state="rain")

    async def cut(self) -> None:
        """The next poll is not answered, nor its repetition: HTTP repeats a GET once on a new connection."""
        self.simulator.commit(Fault(kind=FaultKind.DROP, target="feed", times=2))

    async def expire(self) -> None:
        """A key does not expire."""

    async def be_busy(self) -> None:
        """503."""
        self.simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1_000))

    async def recover(self) -> None:
        """No faults."""
        self.simulator.plan.clear()

    async def held(self) -> int:
        """Polls that wait."""
        return self.simulator.log.held

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """An agent is to go away."""
        verb = Verb.AGENT_SET_STATE
        return verb.value, await consumer.execute(verb, agent="100", state="not_ready")
