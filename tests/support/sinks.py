"""What a test needs to build a sink: a context, with an empty picture and a clock that stands still."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import aiohttp
from prometheus_client import CollectorRegistry

from gateway.clock import Clock
from gateway.contracts import PictureView, SinkContext
from tests.support.clock import LeapingClock


class EmptyPicture:
    """A picture of nothing."""

    def agents_by_state(self) -> Mapping[tuple[str, str], int]:
        """No agents."""
        return {}

    def calls_by_state(self) -> Mapping[tuple[str, str, str], int]:
        """No calls."""
        return {}

    def alerts_by_rule(self) -> Mapping[tuple[str, str], int]:
        """No alerts."""
        return {}

    def group_values(self) -> Mapping[tuple[str, str, str, str], float]:
        """No groups."""
        return {}

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """No queues."""
        return {}


def sink_context(
    data_dir: Path,
    *,
    name: str = "sink",
    journal_id: str = "journal-1",
    http: aiohttp.ClientSession | None = None,
    clock: Clock | None = None,
    picture: PictureView | None = None,
    metrics: CollectorRegistry | None = None,
) -> SinkContext:
    """A context; without `http` the sink has none to use."""
    return SinkContext(
        name=name,
        journal_id=journal_id,
        http=http or cast("aiohttp.ClientSession", None),
        clock=clock or LeapingClock(),
        data_dir=data_dir,
        metrics=metrics or CollectorRegistry(),
        picture=picture or EmptyPicture(),
    )
