"""Scenarios of feeds over CometD, whose simulated platforms share their server: acknowledged or not."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Protocol

import pytest

from connectors._simulation.faults import Fault, FaultKind
from gateway.contracts import Delivery
from gateway.events import Event
from tests.contract.connector_suite import ConnectorHarness, ResumableSuite
from tests.support.consumer import SteadyConsumer

MOMENTS = 7
LIVES = 11


class CometdHarness(ConnectorHarness, Protocol):
    """A platform that such a suite starts by itself, with settings of its own."""

    @property
    def handshakes(self) -> int:
        """How many sessions were made."""
        ...

    def published(self) -> set[str]:
        """References of what was published for the agent and was not lost by the platform itself."""
        ...

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect."""
        ...

    def quieten(self) -> None:
        """Nothing more happens by itself, and no fault is left."""
        ...


class CometdSuite(ResumableSuite):
    """Everything that is told of a session over CometD."""

    @staticmethod
    @abstractmethod
    def running(**settings: object) -> AbstractAsyncContextManager[CometdHarness]:
        """A platform with these settings of its simulator."""

    @pytest.mark.parametrize("acknowledge", [True, False])
    async def test_everything_that_is_published_arrives_once(self, *, acknowledge: bool) -> None:
        """By itself, without a gap, and all of it is understood."""
        async with (
            self.running(events_per_second=400, ack=acknowledge) as platform,
            platform.make() as connector,
            SteadyConsumer(connector) as consumer,
        ):
            await consumer.until(lambda: len(consumer.events) > 400, "400 events")
            await everything(platform, consumer)

        assert consumer.gaps == []
        assert not any(event.anomaly for event in consumer.events)
        assert "vendor.message" not in consumer.verbs()

    @pytest.mark.parametrize("cut", [0, 1, 3])
    async def test_a_kill_before_the_journal_has_it_loses_and_doubles_nothing(
        self, cut: int
    ) -> None:
        """The last `cut` deliveries were never stored: the server sends them again, with the same ids."""
        async with self.running(ack=True) as platform:
            async with platform.make() as connector:
                before = SteadyConsumer(connector)
                await before.feed.connect(None)
                await before.read()
                for _ in range(4):
                    await platform.publish()
                    await before.read()
                lost: list[Event] = []
                for _ in range(cut):
                    await platform.publish()
                    lost += (await before.feed.receive()).events
            await platform.publish()
            async with platform.make() as connector, after_it(connector, before) as after:
                await everything(platform, after)

            assert {event.id for event in lost} <= {event.id for event in after.events}
            assert after.gaps == []
            assert platform.handshakes == 1

    async def test_kills_at_random_moments_lose_and_double_nothing(self) -> None:
        """Each life stores some of its deliveries, loses the rest with the process, and the next one resumes."""
        random = Random(MOMENTS)
        seen: dict[str, tuple[str, str]] = {}

        def note(delivery: Delivery) -> None:
            for event in delivery.events:
                named = (event.type, event.subject)
                assert seen.setdefault(event.id, named) == named

        async with self.running(
            ack=True, events_per_second=150, max_interval_ms=20_000
        ) as platform:
            before: SteadyConsumer | None = None
            for life in range(LIVES):
                async with platform.make() as connector:
                    consumer = SteadyConsumer(connector, before.resume if before else None)
                    consumer.events = before.events if before else []
                    await consumer.feed.connect(consumer.resume)
                    for _ in range(random.randrange(1, 12)):
                        delivery = await consumer.feed.receive()
                        note(delivery)
                        if life not in {0, LIVES - 1} and random.random() < 0.2:
                            break
                        consumer.store(delivery)
                        if random.random() < 0.9:
                            await consumer.feed.commit(delivery)
                assert consumer.gaps == []
                before = consumer
            assert before is not None
            async with platform.make() as connector, after_it(connector, before) as last:
                await everything(platform, last)

            assert last.gaps == []
            assert platform.handshakes == 1

    async def test_a_planned_stop_without_acknowledgement_loses_nothing(self) -> None:
        """What the server holds is fetched before."""
        async with self.running(ack=False) as platform:
            async with platform.make() as connector:
                before = SteadyConsumer(connector)
                await before.feed.connect(None)
                await before.read()
                await platform.publish(5)
                delivery = await before.feed.drain()
                assert delivery is not None
                before.store(delivery)
                await before.feed.commit(delivery)
            await platform.publish(5)
            async with platform.make() as connector, after_it(connector, before) as after:
                await everything(platform, after)

        assert after.gaps == before.gaps == []

    async def test_a_kill_without_acknowledgement_is_a_gap_of_suspicion_in_the_same_session(
        self,
    ) -> None:
        """One reply may have been written to the dead connection."""
        async with self.running(ack=False) as platform:
            async with platform.make() as connector, SteadyConsumer(connector) as before:
                told = set(await platform.publish())
                await before.until(lambda: told <= before.references(), "an event")
            async with platform.make() as connector, after_it(connector, before) as after:
                told = set(await platform.publish())
                await after.until(lambda: told <= after.references(), "an event")

            assert len(after.gaps) == 1
            assert platform.handshakes == 1

    async def test_a_gap_keeps_its_key_until_it_is_stored(self) -> None:
        """A process that dies before the gap is in the journal does not make two of it."""
        async with self.running(ack=True) as platform:
            async with platform.make() as connector, SteadyConsumer(connector) as before:
                told = set(await platform.publish())
                await before.until(lambda: told <= before.references(), "an event")
            keys = []
            for _ in range(2):
                platform.commit(Fault(FaultKind.SESSION_UNKNOWN))
                async with platform.make() as connector, after_it(connector, before) as after:
                    await after.until(lambda gaps=after.gaps: gaps, "a gap")
                    keys.append([gap.key for gap in after.gaps])

        assert len(keys[0]) == 1
        assert keys[0] == keys[1]

    async def test_a_resume_state_that_cannot_be_read_is_a_gap(self) -> None:
        """Somebody else's, or a broken one."""
        async with (
            self.running(ack=True) as platform,
            platform.make() as connector,
            SteadyConsumer(connector, b"\xff not ours") as consumer,
        ):
            await consumer.until(lambda: consumer.gaps, "a gap")

        assert [gap.reason for gap in consumer.gaps] == ["corrupt"]

    async def test_garbage_on_the_feed_costs_nothing_beside_it(self) -> None:
        """Text that is no JSON, JSON of another shape, and garbage among good messages."""
        async with (
            self.running(ack=True, events_per_second=200) as platform,
            platform.make() as connector,
            SteadyConsumer(connector) as consumer,
        ):
            for form in ("text", "shape", "mixed"):
                platform.commit(
                    Fault(FaultKind.GARBAGE, for_seconds=1.5, form=form, probability=0.3)  # type: ignore[arg-type]  # one of its words
                )
            await consumer.until(lambda: len(consumer.events) > 500, "500 events")
            await everything(platform, consumer)

    async def test_what_the_platform_sends_twice_is_counted_and_told_once(self) -> None:
        """In one reply, and in the next."""
        async with (
            self.running(ack=True, events_per_second=100) as platform,
            platform.make() as connector,
        ):
            platform.commit(Fault(FaultKind.DUPLICATE, for_seconds=60))
            async with SteadyConsumer(connector) as consumer:
                await consumer.until(lambda: len(consumer.events) > 150, "150 events")
                duplicates = connector.diagnostics()["duplicates"]  # type: ignore[attr-defined]  # both tell facts

        assert duplicates > 20
        assert len({event.id for event in consumer.events}) == len(consumer.events)


def after_it(connector: object, before: SteadyConsumer) -> SteadyConsumer:
    """The next process, with what the last one stored."""
    after = SteadyConsumer(connector, before.resume)  # type: ignore[arg-type]  # the suite's connectors
    after.events = before.events
    return after


async def everything(platform: CometdHarness, consumer: SteadyConsumer) -> None:
    """Wait until all that was published is told; then nothing is told twice."""
    platform.quieten()
    await consumer.until(lambda: platform.published() <= consumer.references(), "every message")
    ids = [event.id for event in consumer.events]
    assert len(set(ids)) == len(ids)
