"""A maker of sinks for a broker and a journal of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from gateway.clock import SystemClock
from gateway.contracts import SinkContext
from sinks.kafka import SINK
from sinks.kafka.settings import KafkaSettings
from sinks.kafka.sink import KafkaSink


class NoPicture:
    """A live picture with nothing in it."""

    def agents_by_state(self) -> dict[tuple[str, str], int]:
        """None."""
        return {}

    def calls_by_state(self) -> dict[tuple[str, str, str], int]:
        """None."""
        return {}

    def queue_values(self) -> dict[tuple[str, str, str], float]:
        """None."""
        return {}


MakeSink = Callable[..., KafkaSink]


@pytest.fixture
async def make_sink(topic: str, tmp_path: Path) -> AsyncIterator[MakeSink]:
    """Makes sinks that write to `topic`; each is a new process of the same gateway. All are closed in the end.

    `journal` and any setting may be given; topics are made unless `create_topics` says otherwise.
    """
    made: list[KafkaSink] = []
    async with aiohttp.ClientSession() as http:

        def make(bootstrap_servers: str, *, journal: str = "", **settings: Any) -> KafkaSink:
            defaults = {
                "topic": topic,
                "positions_topic": f"{topic}.positions",
                "create_topics": {
                    "partitions": 3,
                    "replication_factor": 1,
                    # The events of tests are old.
                    "configs": {"retention.ms": "-1"},
                },
            }
            context = SinkContext(
                name="lake",
                journal_id=journal or f"journal-of-{topic}",
                http=http,
                clock=SystemClock(),
                data_dir=tmp_path,
                metrics=CollectorRegistry(),
                picture=NoPicture(),
            )
            checked = KafkaSettings(bootstrap_servers=bootstrap_servers, **(defaults | settings))
            sink: KafkaSink = SINK.build(checked, context)  # type: ignore[assignment] - ours
            made.append(sink)
            return sink

        yield make
        for sink in made:
            await sink.close()
