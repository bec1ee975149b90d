"""The contract of connectors, kept by the platform that others are copied from."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.connectors._template.harness import PbxHarness, simulated
from tests.contract.connector_suite import ResumableSuite


class TestContract(ResumableSuite):
    """The whole exchange, one feed."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[PbxHarness]:
        """An exchange of its own for each test."""
        async with simulated() as simulator:
            yield PbxHarness(simulator)
