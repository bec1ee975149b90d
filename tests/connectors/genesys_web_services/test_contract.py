"""The contract of connectors, kept by an agent's feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.genesys_web_services import PLATFORM
from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from tests.contract.cometd_suite import CometdSuite
from tests.support.genesys_contract import AGENT, PASSWORD, GenesysHarness


class WebServicesHarness(GenesysHarness):
    """The simulated Web Services."""

    platform = PLATFORM
    simulator: Simulator

    def block(self, password: str) -> Mapping[str, Any]:
        """One account."""
        accounts = [{"username": AGENT, "password": password}]
        return {"base_url": self.simulator.url, "accounts": accounts}

    def ring(self) -> None:
        """A call."""
        self.simulator.telephony.incoming(self.simulator.world.agents[AGENT])

    def surprise(self) -> None:
        """A message of an unknown type."""
        agent = self.simulator.world.agents[AGENT]
        self.simulator.world.publish(agent, messages.CALLS, {"messageType": "Surprise"})

    async def expire(self) -> None:
        """All HTTP sessions are over."""
        self.simulator._sessions.end_all(None)

    def tokens(self) -> Sequence[str]:
        """Sessions and their tokens."""
        sessions = self.simulator._sessions._sessions.values()
        return [secret for one in sessions for secret in (one.id, one.csrf_token)]


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[WebServicesHarness]:
    """A site."""
    quiet = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "max_interval_ms": 30_000}
    chosen = SimulatorSettings(password=PASSWORD, **{**quiet, **settings})
    async with Simulator(chosen) as simulator:
        yield WebServicesHarness(simulator)


class TestContract(CometdSuite):
    """An agent's session."""

    running = staticmethod(running)

    @pytest.fixture
    async def harness(self) -> AsyncIterator[WebServicesHarness]:
        """A quiet site."""
        async with running(ack=True) as site:
            yield site
