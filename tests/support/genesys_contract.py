"""What the suite of connectors needs of both generations of Genesys: their simulators have much in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, Protocol

from connectors._simulation.bayeux_server import BayeuxServer
from connectors._simulation.faults import Fault, FaultKind, FaultPlan
from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from gateway.commands import Outcome, Verb
from gateway.contracts import Connector, PlatformDescriptor
from tests.support.building import built
from tests.support.consumer import FeedConsumer

AGENT = "agent0001"
PASSWORD = "open-sesame"
WRONG = "wrong-password"
MOST_ENTRIES = 1_000_000


class GenesysSimulator(Protocol):
    """What both simulators are."""

    url: str
    ledger: Ledger
    plan: FaultPlan
    bayeux: BayeuxServer

    @property
    def lives(self) -> PacedLives[Any]:
        """What happens by itself."""
        ...

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect."""
        ...

    def pardon(self) -> list[Fault]:
        """End all faults."""
        ...


class GenesysHarness:
    """One agent's feed of a simulated platform, quiet but for calls that come in."""

    platform: ClassVar[PlatformDescriptor]
    secrets: Sequence[str] = (PASSWORD, WRONG)

    def __init__(self, simulator: GenesysSimulator) -> None:
        self.simulator = simulator

    @abstractmethod
    def block(self, password: str) -> Mapping[str, Any]:
        """The connector's settings."""

    @abstractmethod
    def ring(self) -> None:
        """Let the agent's phone ring once more."""

    @abstractmethod
    def surprise(self) -> None:
        """Publish a message of a type that nobody knows."""

    @abstractmethod
    async def expire(self) -> None:
        """End what the platform gave out for signing in."""

    @abstractmethod
    def tokens(self) -> Sequence[str]:
        """What the platform gave out."""

    @asynccontextmanager
    async def _connected(self, password: str) -> AsyncIterator[Connector]:
        async with built(self.platform, "main", self.block(password)) as connector:
            yield connector

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """With the right password."""
        return self._connected(PASSWORD)

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """With a wrong one."""
        return self._connected(WRONG)

    async def publish(self, count: int = 1) -> list[str]:
        """Calls that come in."""
        ledger = self.simulator.ledger
        since = len(ledger)
        for _ in range(count):
            self.ring()
        told = ledger.since(since, MOST_ENTRIES)
        return [entry.id for entry in told if entry.agent == AGENT]

    @property
    def handshakes(self) -> int:
        """How many sessions were made."""
        return self.simulator.bayeux.handshakes

    def published(self) -> set[str]:
        """References of what was published for the agent and was not lost by the platform itself."""
        entries = self.simulator.ledger.since(0, MOST_ENTRIES)
        return {entry.id for entry in entries if entry.agent == AGENT and entry.resumable}

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect."""
        self.simulator.commit(fault)

    def quieten(self) -> None:
        """No more lives, no more faults."""
        self.simulator.lives.stopped = True
        self.simulator.pardon()

    async def publish_garbage(self) -> None:
        """A message of an unknown type."""
        self.surprise()

    async def cut(self) -> None:
        """The connection is closed instead of the next answer to a poll."""
        self.simulator.commit(Fault(kind=FaultKind.DROP, target="feed", times=1))

    async def be_busy(self) -> None:
        """503."""
        self.simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1_000))

    async def recover(self) -> None:
        """No faults."""
        self.simulator.plan.clear()

    async def held(self) -> int:
        """Held polls."""
        return self.simulator.bayeux.held

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """The agent is logged in."""
        verb = Verb.AGENT_LOGIN
        return verb.value, await consumer.execute(verb, agent=AGENT)
