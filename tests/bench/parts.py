"""The parts of the benchmark by name, in the order in which a whole run measures them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench import (
    growth,
    idle,
    ingest,
    journal,
    peers,
    pipeline,
    platforms,
    replay,
    retention,
    storm,
    streams,
    webhooks,
)
from tests.bench.report import Figure
from tests.bench.rig import Rig


class Alone(Protocol):
    """A part that needs a directory and nothing else."""

    def __call__(self, directory: Path, *, quick: bool) -> Awaitable[Sequence[Figure]]:
        """Measure."""


class WithBroker(Protocol):
    """A part that needs the broker."""

    def __call__(self, shared: Rig, *, quick: bool) -> Awaitable[Sequence[Figure]]:
        """Measure."""


ALONE: Mapping[str, Alone] = {
    "journal": journal.measure,
    "ingest": ingest.measure,
    "retention": retention.measure,
    "streams": streams.measure,
    "growth_journal": growth.journal,
}
WITH_BROKER: Mapping[str, WithBroker] = {
    "sustained": pipeline.sustained,
    "signalr": platforms.signalr,
    "long_poll": platforms.long_poll,
    "delay": pipeline.delay,
    "dead_webhook": webhooks.dead,
    "webhooks": webhooks.fan_out,
    "replay": replay.measure,
    "idle": idle.measure,
    "storm": storm.measure,
    "growth_feeds": growth.feeds,
    "peers": peers.measure,
}
PARTS = (*ALONE, *WITH_BROKER)
SHORT = ("journal", "retention", "streams", "sustained", "delay", "idle")
"""Those that `make bench` measures, in under three minutes."""
