"""The contract of connectors, kept by an agent's feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.genesys_engage_cloud import PLATFORM
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud.simulator import Simulator
from tests.connectors.genesys_engage_cloud.harness import (
    API_KEY,
    CLIENT_SECRET,
    account,
    simulated,
)
from tests.contract.cometd_suite import CometdSuite
from tests.support.genesys_contract import AGENT, PASSWORD, WRONG, GenesysHarness


class EngageCloudHarness(GenesysHarness):
    """The simulated Engage Cloud."""

    platform = PLATFORM
    secrets = (PASSWORD, WRONG, API_KEY, CLIENT_SECRET)
    simulator: Simulator

    def block(self, password: str) -> Mapping[str, Any]:
        """One account."""
        return {
            "base_url": self.simulator.url,
            "api_key": API_KEY,
            "client": {"id": "sim-client", "secret": CLIENT_SECRET},
            "accounts": [account(password=password)],
        }

    def ring(self) -> None:
        """A call."""
        self.simulator.telephony.incoming(self.simulator.world.agents[AGENT], commanded=True)

    def surprise(self) -> None:
        """A message of an unknown type."""
        agent = self.simulator.world.agents[AGENT]
        self.simulator.world.publish(agent, messages.VOICE, {"messageType": "Surprise"})

    async def expire(self) -> None:
        """All access tokens are dead."""
        self.simulator.auth.expire(None)

    def tokens(self) -> Sequence[str]:
        """Tokens and sessions."""
        alive = self.simulator.workspace.sessions.alive
        auth = self.simulator.auth
        return [*auth._tokens, *auth._refresh, *(session.id for session in alive)]


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[EngageCloudHarness]:
    """A site."""
    async with simulated(password=PASSWORD, **settings) as simulator:
        yield EngageCloudHarness(simulator)


class TestContract(CometdSuite):
    """An agent's workspace."""

    running = staticmethod(running)

    @pytest.fixture
    async def harness(self) -> AsyncIterator[EngageCloudHarness]:
        """A quiet site."""
        async with running(ack=True) as site:
            yield site
