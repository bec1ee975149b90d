"""The suites that every sink must pass, with the real broker."""

from __future__ import annotations

import msgspec
import pytest

from gateway.events import StoredEvent
from sinks.kafka.sink import KafkaSink
from tests.contract.sink_suite import RefusingReceiverSuite
from tests.sinks.kafka.conftest import MakeSink
from tests.sinks.kafka.tap import Tap
from tests.support.kafka import KafkaBroker, KafkaRecord
from tests.support.processes import free_port

pytestmark = pytest.mark.kafka

PASSWORD = "hunter2-is-a-secret"


def event_of(record: KafkaRecord) -> StoredEvent:
    """The event that a record was made from."""
    attributes = {
        name.removeprefix("ce_"): value.decode() for name, value in record.headers.items()
    }
    body = {**attributes, "data": msgspec.Raw(record.value or b"null")}
    return StoredEvent(
        position=0,
        sequence=int(attributes["sequence"]),
        type=attributes["type"],
        source=attributes["source"],
        body=msgspec.json.encode(body),
    )


class KafkaHarness:
    """A topic of its own on a broker behind a tap."""

    secrets = (PASSWORD,)

    def __init__(
        self, broker: KafkaBroker, tap: Tap, topic: str, make: MakeSink, *, once: bool
    ) -> None:
        self._broker = broker
        self._tap = tap
        self._topic = topic
        self._make = make
        self._once = once

    def make(self) -> KafkaSink:
        """A new process of the same gateway."""
        return self._make(
            f"127.0.0.1:{self._tap.port}",
            effectively_once=self._once,
            compression="none",
            delivery_timeout_seconds=4,
        )

    def make_unready(self) -> KafkaSink:
        """Nobody listens there, and there is a password that must not be told."""
        return self._make(
            f"127.0.0.1:{free_port()}", sasl={"username": "tieline", "password": PASSWORD}
        )

    async def received(self) -> list[StoredEvent]:
        """What a reader of committed records finds, if need be after letting traffic pass again."""
        if self._tap.held:
            await self._tap.cut()
        return [event_of(record) for record in await self._broker.read_topic(self._topic)]

    async def fail_after(self, count: int) -> None:
        """Nothing passes."""
        del count
        self._tap.held = True

    async def recover(self) -> None:
        """New connections work; the old ones are gone."""
        await self._tap.cut()

    async def refuse(self, event: StoredEvent) -> None:
        """Record batches with this event arrive damaged, and the broker refuses them."""
        self._tap.spoilt = event.envelope.id.encode()

    async def until_busy(self) -> None:
        """The broker has got records."""
        self._tap.produced.clear()
        await self._tap.produced.wait()


class TestEffectivelyOnceContract(RefusingReceiverSuite):
    """The Kafka sink keeps the contract of sinks."""

    @pytest.fixture
    async def harness(
        self, tapped_broker: tuple[KafkaBroker, int], tap: Tap, topic: str, make_sink: MakeSink
    ) -> KafkaHarness:
        """What arrived is read back."""
        return KafkaHarness(tapped_broker[0], tap, topic, make_sink, once=True)


class TestAtLeastOnceContract(RefusingReceiverSuite):
    """The Kafka sink keeps the contract of sinks when nothing is read back."""

    @pytest.fixture
    async def harness(
        self, tapped_broker: tuple[KafkaBroker, int], tap: Tap, topic: str, make_sink: MakeSink
    ) -> KafkaHarness:
        """At least once."""
        return KafkaHarness(tapped_broker[0], tap, topic, make_sink, once=False)
