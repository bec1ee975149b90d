"""The contract of connectors: classic SignalR on each transport, and ASP.NET Core on a server that is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect import PLATFORM
from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.simulator import Simulator
from gateway.commands import Outcome, Verb
from gateway.contracts import Connector
from tests.connectors.clarity_connect.harness import connected_to, emit, simulated
from tests.contract.connector_suite import ResumableSuite, SnapshotSuite
from tests.support.certificates import certificate
from tests.support.clarity_core import CoreSite, core_site
from tests.support.consumer import FeedConsumer


class ClarityHarness:
    """The simulated platform, with the settings of connectors to it."""

    platform = PLATFORM
    secrets = ("'secret'", '"secret"', "wrong-password")

    def __init__(self, simulator: Simulator, **settings: Any) -> None:
        self.simulator = simulator
        self._settings = settings
        self._made: list[ClarityConnect] = []
        self._away = False

    @asynccontextmanager
    async def _connected(self, **settings: Any) -> AsyncIterator[Connector]:
        async with connected_to(self.simulator.url, **self._settings, **settings) as connector:
            self._made.append(connector)
            yield connector

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """With the right password."""
        return self._connected()

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """With a wrong one."""
        return self._connected(password="wrong-password")

    def tokens(self) -> Sequence[str]:
        """Access tokens, and the tokens of connections."""
        clients = [one._feed._client for one in self._made]
        sessions = [getattr(client, "_session", None) for client in clients]
        found = [one._feed.tokens.token for one in self._made]
        found += [session.token for session in sessions if session is not None]
        return [token for token in found if token]

    async def publish(self, count: int = 1) -> list[str]:
        """An agent comes and goes, of which the subscriptions to agents and to queues are told."""
        told: list[str] = []
        for _ in range(count):
            self._away = not self._away
            status = "atLunch" if self._away else "available"
            told += (await emit(self.simulator, "status", agent="agent0001", status=status))[
                "published"
            ]
        return told

    async def publish_garbage(self) -> None:
        """A method that no setting names."""
        await emit(self.simulator, "message", method="onSurprise", data={"x": [1]})

    async def cut(self) -> None:
        """The socket goes instead of the next frame."""
        self.simulator.commit(Fault(kind=FaultKind.DROP, target="feed", times=1))

    async def expire(self) -> None:
        """All access tokens are dead."""
        self.simulator.tokens.expire_all()

    async def be_busy(self) -> None:
        """503."""
        self.simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1_000))

    async def recover(self) -> None:
        """No faults."""
        self.simulator.plan.clear()

    async def held(self) -> int:
        """Open streams and polls."""
        return self.simulator.signalr.held

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """An agent is suspended."""
        verb = Verb.AGENT_SET_SUSPENDED
        return verb.value, await consumer.execute(verb, agent="101", suspended=True)


class TestClassicContract(ResumableSuite):
    """Classic SignalR, on each transport."""

    @pytest.fixture(params=["webSockets", "serverSentEvents", "longPolling"])
    async def harness(self, request: pytest.FixtureRequest) -> AsyncIterator[ClarityHarness]:
        """One transport only."""
        async with simulated() as simulator:
            yield ClarityHarness(simulator, transports=[request.param])


class CoreHarness(ClarityHarness):
    """The same platform, whose hub is on a foreign ASP.NET Core SignalR server."""

    def __init__(self, site: CoreSite, **settings: Any) -> None:
        super().__init__(site.simulator, signalr_url=site.server.url, **settings)
        self._site = site

    async def publish(self, count: int = 1) -> list[str]:
        """To those who are there."""
        alive = await self._site.server.connections()
        for one in self._site.relay.forget_all_but(alive):
            self.simulator.subscriptions.forget(one.id)
        return await super().publish(count)

    async def cut(self) -> None:
        """Sockets are reset."""
        await self._site.server.cut()

    async def held(self) -> int:
        """Clients of the hub."""
        return len(await self._site.server.connections())


@pytest.mark.peers
class TestCoreContract(SnapshotSuite):
    """ASP.NET Core SignalR through signalrcore."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[CoreHarness]:
        """In the clear."""
        async with core_site() as site:
            yield CoreHarness(site)


@pytest.mark.peers
class TestCoreOverTlsContract(SnapshotSuite):
    """The same under TLS, with a certificate authority of its own."""

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[CoreHarness]:
        """`ca_file` is what makes the servers trusted."""
        path, _ = certificate(tmp_path)
        async with core_site(tls=path) as site:
            yield CoreHarness(site, ca_file=str(path))
