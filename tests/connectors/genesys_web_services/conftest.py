"""A simulated server at which nothing happens by itself, and an agent who sits at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from tests.support.gws_desk import QUIET, Desk, desk


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
    """A desktop whose agent is logged in and not ready."""
    async with desk(simulator) as sat_down:
        await sat_down.operate("/me", "StartContactCenterSession", channels=["voice", "email"])
        await sat_down.event(lambda data: "channels" in data)
        yield sat_down
