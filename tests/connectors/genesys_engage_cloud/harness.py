"""A connector against the simulator over real sockets, and a consumer of one of its feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.genesys_engage_cloud import PLATFORM
from connectors.genesys_engage_cloud.connector import GenesysEngageCloud
from connectors.genesys_engage_cloud.feed import ApiFeed
from connectors.genesys_engage_cloud.feed_workspace import WorkspaceFeed
from connectors.genesys_engage_cloud.simulator import Simulator, SimulatorSettings
from gateway.contracts import AttachmentStore
from tests.support.building import built
from tests.support.consumer import SteadyConsumer

API_KEY = "sim-key"
CLIENT_SECRET = "sim-secret"
PASSWORD = "secret"
WAIT_SECONDS = 15.0


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator in which only what the test asks for happens, and whose sessions outlive a busy machine."""
    defaults = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "max_interval_ms": 30_000}
    async with Simulator(SimulatorSettings(**{**defaults, **settings})) as simulator:
        yield simulator


def account(number: int = 0, **fields: Any) -> dict[str, Any]:
    """One account of the simulator."""
    name = f"agent{number + 1:04d}"
    return {"username": f"acme\\{name}", "agent": name, "password": PASSWORD, **fields}


@asynccontextmanager
async def connected_to(
    url: str, *, agents: int = 1, uploads: AttachmentStore | None = None, **settings: Any
) -> AsyncIterator[GenesysEngageCloud]:
    """A connector with the simulator's first accounts."""
    settings = {
        "base_url": url,
        "api_key": API_KEY,
        "client": {"id": "sim-client", "secret": CLIENT_SECRET},
        "accounts": [account(number) for number in range(agents)],
        **settings,
    }
    async with built(PLATFORM, "cloud", settings, uploads) as connector:
        assert isinstance(connector, GenesysEngageCloud)
        yield connector


class Consumer(SteadyConsumer):
    """Reads one feed, and commands its agent."""

    connector: GenesysEngageCloud
    feed: ApiFeed

    def __init__(self, connector: GenesysEngageCloud, *, number: int = 0) -> None:
        super().__init__(connector, feed=number)
        if isinstance(self.feed, WorkspaceFeed):
            self.agent = self.feed.account.name


def published(simulator: Simulator, owner: str = "agent0001") -> set[str]:
    """References of what the platform published for somebody and has not itself lost."""
    entries = simulator.ledger.since(0, 1_000_000)
    return {entry.id for entry in entries if entry.agent == owner and entry.resumable}
