"""What the tests with whole processes share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client for the simulator's and the gateway's HTTP."""
    async with aiohttp.ClientSession() as session:
        yield session
