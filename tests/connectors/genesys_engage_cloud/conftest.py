"""Simulators for the tests beside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.genesys_engage_cloud.simulator import Simulator, SimulatorSettings
from tests.support.engage_desk import QUIET, Desk, workspace


@pytest.fixture
def settings() -> SimulatorSettings:
    """Parametrize a test with `settings` to have another simulator."""
    return QUIET


@pytest.fixture
async def simulator(settings: SimulatorSettings) -> AsyncIterator[Simulator]:
    async with Simulator(settings) as running:
        yield running


@pytest.fixture
async def agent(simulator: Simulator) -> AsyncIterator[Desk]:
    """The workspace of agent0001, who is not ready."""
    async with workspace(simulator) as desk:
        yield desk
