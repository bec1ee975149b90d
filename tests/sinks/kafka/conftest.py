"""A maker of sinks, and a broker whose traffic can be cut, held back and spoilt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from gateway.clock import Clock, SystemClock
from gateway.contracts import SinkContext
from sinks.kafka import SINK
from sinks.kafka.settings import KafkaSettings
from sinks.kafka.sink import KafkaSink
from tests.sinks.kafka.tap import Tap
from tests.support.kafka import KafkaBroker, Node
from tests.support.processes import free_port


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

    `journal`, `clock` and any setting may be given; topics are made unless `create_topics` says otherwise.
    """
    made: list[KafkaSink] = []
    async with aiohttp.ClientSession() as http:

        def make(
            bootstrap_servers: str,
            *,
            journal: str = "",
            clock: Clock | None = None,
            **settings: Any,
        ) -> KafkaSink:
            defaults = {
                "topic": topic,
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
                clock=clock or SystemClock(),
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


@pytest.fixture(scope="session")
def tapped_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KafkaBroker, int]]:
    """A broker that tells clients to come through another port."""
    port, internal, controller, tap = (free_port() for _ in range(4))
    broker = KafkaBroker(
        tmp_path_factory.mktemp("tapped"),
        cluster=[Node(1, port, controller)],
        settings={
            "listeners": (
                f"PLAINTEXT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal},"
                f"CONTROLLER://127.0.0.1:{controller}"
            ),
            "advertised.listeners": (
                f"PLAINTEXT://127.0.0.1:{tap},INTERNAL://127.0.0.1:{internal}"
            ),
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "inter.broker.listener.name": "INTERNAL",
        },
    )
    broker.start_blocking()
    yield broker, tap
    broker.kill_blocking()


@pytest.fixture
async def tap(tapped_broker: tuple[KafkaBroker, int]) -> AsyncIterator[Tap]:
    """What stands before that broker."""
    broker, port = tapped_broker
    async with Tap(port, broker.port) as tap:
        yield tap
