"""A connector against the simulator over real sockets, and a consumer of one of its feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.genesys_web_services import PLATFORM
from connectors.genesys_web_services.connector import GenesysWebServices
from connectors.genesys_web_services.feed import AgentFeed
from connectors.genesys_web_services.simulator import Simulator
from gateway.contracts import AttachmentStore
from tests.support.building import built
from tests.support.consumer import SteadyConsumer

PASSWORD = "secret"
WAIT_SECONDS = 15.0


@asynccontextmanager
async def connected_to(
    url: str,
    *,
    agents: int = 1,
    password: str = PASSWORD,
    uploads: AttachmentStore | None = None,
    **settings: Any,
) -> AsyncIterator[GenesysWebServices]:
    """A connector with the simulator's first accounts."""
    settings = {
        "base_url": url,
        "accounts": [
            {"username": f"agent{number + 1:04d}", "password": password} for number in range(agents)
        ],
        **settings,
    }
    async with built(PLATFORM, "gws", settings, uploads) as connector:
        assert isinstance(connector, GenesysWebServices)
        yield connector


class Consumer(SteadyConsumer):
    """Reads one feed, and commands its agent."""

    connector: GenesysWebServices
    feed: AgentFeed

    def __init__(self, connector: GenesysWebServices, *, number: int = 0) -> None:
        super().__init__(connector, feed=number)
        self.agent = self.feed.account.name


def published(simulator: Simulator, agent: str = "agent0001") -> set[str]:
    """References of what the platform published for an agent and has not itself lost."""
    entries = simulator.ledger.since(0, 1_000_000)
    return {entry.id for entry in entries if entry.agent == agent and entry.resumable}
