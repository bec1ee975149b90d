"""Scenarios that every connector must pass, seen at one of its feeds. A connector's tests subclass the suite that fits.

`ConnectorSuite` is for all; `ResumableSuite` for feeds that promise `resumable`, `SnapshotSuite` for those that promise
`snapshot`, `PolledSuite` for those that are `polled`. The platform must be quiet but for what the harness lets happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import pytest

from gateway.commands import Capability, Outcome, Status
from gateway.contracts import (
    CommandTarget,
    Connector,
    Delivery,
    Diagnosable,
    Guarantee,
    PlatformDescriptor,
)
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    NotConnected,
    NotReady,
)
from tests.support.consumer import FeedConsumer, reference_of
from tests.support.waiting import until

LIMIT_SECONDS = 30.0
GOES_ON = frozenset({Guarantee.RESUMABLE, Guarantee.POLLED})
"""Guarantees under which a short interruption is no gap: what was missed is told afterwards."""
CANCELLATIONS = 20


class ConnectorHarness(Protocol):
    """What a suite needs to know about a connector and its platform."""

    platform: PlatformDescriptor
    secrets: Sequence[str]
    """What must never be seen: passwords and the like."""

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """A new connector to the same platform, as after a restart of the gateway; its first feed is looked at."""
        ...

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """One whose credentials the platform refuses."""
        ...

    def tokens(self) -> Sequence[str]:
        """Secrets that the platform gave out so far, or none."""
        ...

    async def publish(self, count: int = 1) -> list[str]:
        """Let the platform push so many messages that each lead to an event; their references, in order."""
        ...

    async def publish_garbage(self) -> None:
        """Let it push something that no mapping knows."""
        ...

    async def cut(self) -> None:
        """Break the feed's connection, as a network does."""
        ...

    async def expire(self) -> None:
        """End what the platform gave out for signing in: a renewal is needed wherever it is asked for."""
        ...

    async def be_busy(self) -> None:
        """Answer that the server cannot serve now, until `recover`."""
        ...

    async def recover(self) -> None:
        """Serve again."""
        ...

    async def held(self) -> int:
        """How many connections of feeds the platform holds open now."""
        ...

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """Send one command that is carried out: its verb, and what `execute` returned."""
        ...


def order_of(consumer: FeedConsumer) -> list[str]:
    """The references in the order in which their first events were told."""
    return list(dict.fromkeys(r for event in consumer.events if (r := reference_of(event))))


def ids(consumer: FeedConsumer) -> list[str]:
    """Ids of all events."""
    return [event.id for event in consumer.events]


class ConnectorSuite:
    """Every connector."""

    async def test_connects_delivers_at_once_and_closes(self, harness: ConnectorHarness) -> None:
        """The first delivery comes without an event of the platform, so that the session is in the journal."""
        async with harness.make() as connector:
            feed = connector.feeds[0]
            assert not (await feed.connect(None)).resumed
            async with asyncio.timeout(LIMIT_SECONDS):
                delivery = await feed.receive()
            assert delivery.resume
            assert delivery.gap is None
            await feed.commit(delivery)
            await feed.close()

    async def test_closes_twice_and_without_a_connection(self, harness: ConnectorHarness) -> None:
        """Closing is idempotent; feeds are the same objects at every call."""
        async with harness.make() as connector:
            feed = connector.feeds[0]
            assert connector.feeds[0] is feed
            await feed.close()
            await feed.connect(None)
            await feed.close()
            await feed.close()
            with pytest.raises(ConnectionFailed):
                await feed.receive()

    async def test_cancelled_while_connecting_leaves_nothing_open(
        self, harness: ConnectorHarness
    ) -> None:
        """Wherever it is cancelled, the platform holds no connection of it, and the next attempt succeeds."""
        async with harness.make() as connector:
            feed = connector.feeds[0]
            for number in range(CANCELLATIONS):
                connecting = asyncio.create_task(feed.connect(None))
                # Any delay is right; together they cover what connecting does.
                await asyncio.wait({connecting}, timeout=0.004 * number)
                connecting.cancel()
                await asyncio.wait({connecting})
                await feed.close()

            async def nothing_held() -> bool:
                return await harness.held() == 0

            await until(nothing_held, seconds=LIMIT_SECONDS)
            await feed.connect(None)

    async def test_delivers_in_order_and_each_event_once(self, harness: ConnectorHarness) -> None:
        """What the platform pushes in an order is told in it, under ids that differ."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            told = await harness.publish(30)
            await consumer.until(lambda: set(told) <= consumer.references(), "all of it")
            order = [reference for reference in order_of(consumer) if reference in set(told)]
            assert order == told
            assert len(set(ids(consumer))) == len(consumer.events)
            assert consumer.gaps == []

    async def test_a_cancelled_receive_loses_nothing(self, harness: ConnectorHarness) -> None:
        """What was not returned is returned by the next call."""
        async with harness.make() as connector:
            feed = connector.feeds[0]
            await feed.connect(None)
            deliveries: list[Delivery] = []
            told: set[str] = set()

            def seen() -> set[str]:
                events = [event for one in deliveries for event in one.events]
                return {reference for event in events if (reference := reference_of(event))}

            for number in range(20):
                receiving = asyncio.create_task(feed.receive())
                told |= set(await harness.publish())
                await asyncio.wait({receiving}, timeout=0.002 * (number % 3))
                receiving.cancel()
                with suppress(asyncio.CancelledError):
                    deliveries.append(await receiving)
            async with asyncio.timeout(LIMIT_SECONDS):
                while not told <= seen():
                    deliveries.append(await feed.receive())

    async def test_a_lost_link_is_made_good(self, harness: ConnectorHarness) -> None:
        """Nothing that is published after a new connection is missing; what may be is a gap, told once."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            before = await harness.publish()
            await consumer.until(lambda: set(before) <= consumer.references(), "the first")
            await harness.cut()
            await consumer.until(
                lambda: consumer.errors or consumer.feed.guarantee is Guarantee.RESUMABLE, "the end"
            )
            if consumer.errors:
                assert isinstance(consumer.errors[0], NotConnected | NotReady)
                await consumer.until(lambda: len(consumer.links) > 1, "a new link")
            after = await harness.publish(5)
            await consumer.until(lambda: set(after) <= consumer.references(), "the rest")
            wanted = 0 if consumer.feed.guarantee in GOES_ON else 1
            assert len(consumer.gaps) == wanted

    async def test_a_planned_stop_hands_over_what_was_heard(
        self, harness: ConnectorHarness
    ) -> None:
        """What `drain` gives is stored like any delivery, and the next process goes on from it."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            told = await harness.publish()
            await consumer.until(lambda: set(told) <= consumer.references(), "an event")
            await consumer.stop()
        async with harness.make() as connector, FeedConsumer(connector, consumer.resume) as again:
            later = await harness.publish()
            await again.until(lambda: set(later) <= again.references(), "the next")
            assert again.links[0] is (again.feed.guarantee in GOES_ON)

    async def test_refused_credentials_are_told_from_a_busy_server(
        self, harness: ConnectorHarness
    ) -> None:
        """The one has a hint for the operator and is not tried often, the other is waited for."""
        async with harness.make_rejected() as connector:
            with pytest.raises(AuthRejected) as refused:
                await connector.feeds[0].connect(None)
        assert refused.value.hint
        async with harness.make() as connector:
            await harness.be_busy()
            with pytest.raises(NotReady) as busy:
                await connector.feeds[0].connect(None)
            await harness.recover()
            await connector.feeds[0].connect(None)
        for error in (refused.value, busy.value):
            assert error.reason
            shown = repr(error) + str(error) + error.hint
            assert not [one for one in (*harness.secrets, *harness.tokens()) if one in shown]

    async def test_a_token_that_ends_is_renewed(self, harness: ConnectorHarness) -> None:
        """In the middle of the feed and at the next connection, without an operator."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            await harness.expire()
            first = await harness.publish()
            await consumer.until(lambda: set(first) <= consumer.references(), "an event")
            links = len(consumer.links)
            await harness.cut()
            await consumer.until(
                lambda: (
                    len(consumer.links) > links or consumer.feed.guarantee is Guarantee.RESUMABLE
                ),
                "a new link",
            )
            second = await harness.publish(3)
            await consumer.until(lambda: set(second) <= consumer.references(), "the rest")
            assert not [one for one in consumer.errors if isinstance(one, AuthRejected)]

    async def test_what_is_not_understood_is_kept_and_the_feed_goes_on(
        self, harness: ConnectorHarness
    ) -> None:
        """As `vendor.message`, whole."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            await harness.publish_garbage()
            await consumer.event("vendor.message")
            told = await harness.publish()
            await consumer.until(lambda: set(told) <= consumer.references(), "the next")

    async def test_a_slow_gateway_loses_nothing_in_silence(self, harness: ConnectorHarness) -> None:
        """Nobody receives while much is published: all of it comes later, or a gap says what did not."""
        async with harness.make() as connector:
            feed = connector.feeds[0]
            await feed.connect(None)
            told = set(await harness.publish(50))
            seen: set[str] = set()
            gaps = 0
            async with asyncio.timeout(LIMIT_SECONDS):
                while not (gaps or told <= seen):
                    delivery = await feed.receive()
                    seen |= {r for event in delivery.events if (r := reference_of(event))}
                    gaps += delivery.gap is not None
                    await feed.commit(delivery)

    async def test_events_are_those_of_the_descriptor(self, harness: ConnectorHarness) -> None:
        """And they name the connector as their source."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            told = await harness.publish(20)
            await consumer.until(lambda: set(told) <= consumer.references(), "events")
            assert {event.type for event in consumer.events} <= harness.platform.events.keys()
            source = f"/tieline/{connector.name}/{connector.platform}"
            assert {event.source for event in consumer.events} == {source}
            assert connector.platform == harness.platform.name

    async def test_a_command_is_proved_by_what_the_capability_table_says(
        self, harness: ConnectorHarness
    ) -> None:
        """The event that decides it is one of `confirmed_by`, or the reply itself is the proof."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            await consumer.until(lambda: consumer.resume, "a session")
            since = len(consumer.events)
            verb, outcome = await harness.command(consumer)
            line = capability(harness.platform, verb)
            if outcome.expectation is not None:
                assert outcome.expectation.confirmed_by <= set(line.confirmed_by)
                outcome = await consumer.verdict(outcome, since=since)
            assert outcome.status is Status.DONE

    async def test_a_command_without_a_connection_is_certainly_not_carried_out(
        self, harness: ConnectorHarness
    ) -> None:
        """It is refused or not sent, never left open."""
        async with harness.make() as connector:
            assert isinstance(connector, CommandTarget)
            with pytest.raises((NotConnected, NotReady, CommandRefused)) as raised:
                await harness.command(FeedConsumer(connector))
            assert not isinstance(raised.value, CommandUncertain)

    async def test_no_secret_is_shown(self, harness: ConnectorHarness) -> None:
        """Neither by diagnostics nor by what objects print."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            told = await harness.publish()
            await consumer.until(lambda: set(told) <= consumer.references(), "an event")
            shown = repr(connector) + repr(consumer.feed) + repr(consumer.events)
            if isinstance(connector, Diagnosable):
                shown += repr(connector.diagnostics())
            assert not [one for one in (*harness.secrets, *harness.tokens()) if one in shown]


def capability(platform: PlatformDescriptor, verb: str) -> Capability:
    """The line of the table."""
    (line,) = (each for each in platform.capabilities if each.verb.value == verb)
    return line


class ResumableSuite(ConnectorSuite):
    """Feeds whose platform replays what was missed, within its window."""

    async def test_a_killed_process_goes_on_from_the_journal(
        self, harness: ConnectorHarness
    ) -> None:
        """What was published meanwhile is told, without a gap, and what was told is not told again."""
        async with harness.make() as connector, FeedConsumer(connector) as first:
            before = await harness.publish(5)
            await first.until(lambda: set(before) <= first.references(), "the first")
            assert first.feed.guarantee is Guarantee.RESUMABLE
        between = await harness.publish(5)
        async with harness.make() as connector, FeedConsumer(connector, first.resume) as second:
            after = await harness.publish(5)
            await second.until(lambda: {*between, *after} <= second.references(), "the rest")
            assert second.links == [True]
            assert second.gaps == []
            assert not set(before) & second.references()

    async def test_what_is_read_twice_has_the_same_ids(self, harness: ConnectorHarness) -> None:
        """A process that was killed before its journal had the events reads them again."""
        first: dict[str, set[str]] = {}
        async with harness.make() as connector:
            feed = connector.feeds[0]
            await feed.connect(None)
            delivery = await feed.receive()
            await feed.commit(delivery)
            kept = delivery.resume
            told = set(await harness.publish(10))
            async with asyncio.timeout(LIMIT_SECONDS):
                while not told <= first.keys():
                    for event in (await feed.receive()).events:
                        first.setdefault(reference_of(event) or "", set()).add(event.id)
        async with harness.make() as connector, FeedConsumer(connector, kept) as second:
            await second.until(lambda: told <= second.references(), "the same again")
        again = {event.id for event in second.events if reference_of(event) in told}
        assert again == {name for reference in told for name in first[reference]}


class SnapshotSuite(ConnectorSuite):
    """Feeds whose platform replays nothing: what was missed is read from its state."""

    async def test_a_killed_process_reports_one_gap_and_reconciles(
        self, harness: ConnectorHarness
    ) -> None:
        """Once for each interruption, with the time since when; then all flows."""
        async with harness.make() as connector, FeedConsumer(connector) as first:
            before = await harness.publish(5)
            await first.until(lambda: set(before) <= first.references(), "the first")
            assert first.feed.guarantee is Guarantee.SNAPSHOT
        await harness.publish(5)
        async with harness.make() as connector, FeedConsumer(connector, first.resume) as second:
            await second.until(lambda: second.gaps, "a gap")
            after = await harness.publish(5)
            await second.until(lambda: set(after) <= second.references(), "the rest")
            assert second.links == [False]
            (gap,) = second.gaps
            assert gap.since is not None
            reconciled = [event for event in second.events if event.provenance == "reconciled"]
            assert reconciled


class PolledSuite(ConnectorSuite):
    """Feeds that ask again and again. Here `publish` lets things change that can be seen side by side."""

    async def test_a_killed_process_tells_what_changed_and_repeats_nothing(
        self, harness: ConnectorHarness
    ) -> None:
        """The difference between what was told last and what is now."""
        async with harness.make() as connector, FeedConsumer(connector) as first:
            before = await harness.publish(5)
            await first.until(lambda: set(before) <= first.references(), "the first")
            assert first.feed.guarantee is Guarantee.POLLED
        between = await harness.publish(5)
        async with harness.make() as connector, FeedConsumer(connector, first.resume) as second:
            await second.until(lambda: set(between) <= second.references(), "what changed")
            assert second.links == [True]
            assert not set(before) & second.references()

    async def test_what_is_read_twice_has_the_same_ids(self, harness: ConnectorHarness) -> None:
        """A process that was killed before its journal had the events reads them again."""
        async with harness.make() as connector, FeedConsumer(connector) as first:
            await first.until(lambda: first.resume, "a first look")
            kept = first.resume
            told = set(await harness.publish(10))
            await first.until(lambda: told <= first.references(), "the first")
        async with harness.make() as connector, FeedConsumer(connector, kept) as second:
            await second.until(lambda: told <= second.references(), "the same again")
        again = {event.id for event in second.events if reference_of(event) in told}
        assert again == {event.id for event in first.events if reference_of(event) in told}
