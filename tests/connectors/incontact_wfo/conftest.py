"""What holds for all tests of the platform."""

from __future__ import annotations

import pytest

from connectors._wire import polling


@pytest.fixture(autouse=True)
def _no_gap_by_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls are fast here; a machine that is too busy for them is no gap unless the test is about gaps."""
    monkeypatch.setattr(polling, "MISSED_INTERVALS", 100)
