"""What a test needs to build a sink: a context, with an empty picture and a clock that can be set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import aiohttp
from prometheus_client import CollectorRegistry

from gateway.clock import Clock
from gateway.contracts import PictureView, SinkContext


class SettableClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """How far it was advanced."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds


class EmptyPicture:
    """A picture of nothing."""

    def agents_by_state(self) -> Mapping[tuple[str, str], int]:
        """No agents."""
        return {}

    def calls_by_state(self) -> Mapping[tuple[str, str, str], int]:
        """No calls."""
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
        clock=clock or SettableClock(),
        data_dir=data_dir,
        metrics=metrics or CollectorRegistry(),
        picture=picture or EmptyPicture(),
    )
