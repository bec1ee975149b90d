"""Scenarios that every sink must pass. A sink's tests subclass the suites that fit and supply a harness.

`SinkSuite` is for all; `FailingReceiverSuite` for sinks whose receiver can be unable to take something for a while;
`RefusingReceiverSuite` for sinks whose receiver can refuse one event for good.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from gateway.contracts import Report, Sink
from gateway.delivery.batching import repeated
from gateway.errors import (
    AuthRejected,
    ConfigError,
    DeliveryRetryable,
    NotConnected,
    NotReady,
    TielineError,
)
from gateway.events import CATALOGUE, Event, StoredEvent, encode, event_id, source_of
from gateway.events.calls import Call
from gateway.states import ConnectionState

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MUST_REOPEN = (DeliveryRetryable, NotConnected, NotReady, AuthRejected)
ATTEMPTS = 20


def stored(
    position: int,
    *,
    key: str = "call-1",
    kind: str = "tieline.call.held.v1",
    padding: int = 0,
    moment: datetime | None = None,
) -> StoredEvent:
    """An event as the journal would hand it to a sink: its id, and its time unless given, follow from its position."""
    source = source_of("gws", "genesys_web_services")
    moment = moment or BEGIN + timedelta(milliseconds=position)
    event = Event(
        id=event_id("suite", position),
        source=source,
        type=kind,
        subject=f"call/{key}",
        time=moment,
        recordedtime=moment,
        partitionkey=key,
        data=Call(call=key, state=ConnectionState.HELD, cause="x" * padding or None),
        dataclassification=CATALOGUE[kind].classification,
    )
    return StoredEvent(
        position=position, sequence=position, type=kind, source=source, body=encode(event)
    )


def batch_of(count: int, *, first: int = 1, keys: int = 3) -> list[StoredEvent]:
    """Events with holes between their positions, as a filter leaves them, over a few partition keys."""
    return [stored(first + 2 * i, key=f"call-{i % keys}") for i in range(count)]


class SinkHarness(Protocol):
    """What a suite needs to know about a sink and its receiver."""

    secrets: Sequence[str]
    """What must never be seen in a message."""

    def make(self) -> Sink:
        """A new sink for the same receiver, as after a restart of the gateway."""
        ...

    def make_unready(self) -> Sink:
        """A sink that cannot be opened now."""
        ...

    async def received(self) -> list[StoredEvent] | None:
        """What the receiver holds, in order of arrival, None if it keeps no events (a figure is pulled)."""
        ...


class FailingHarness(SinkHarness, Protocol):
    """A receiver that can be made to fail."""

    async def fail_after(self, count: int) -> None:
        """Let the receiver take about `count` more events, then none until `recover`."""
        ...

    async def recover(self) -> None:
        """Let the receiver take events again."""
        ...

    async def until_busy(self) -> None:
        """Return when a delivery that was just started is under way."""
        ...


class RefusingHarness(FailingHarness, Protocol):
    """A receiver that refuses single events for good."""

    async def refuse(self, event: StoredEvent) -> None:
        """Make the receiver refuse this event from now on."""
        ...


async def deliver_all(sink: Sink, events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Offer events as the dispatcher does, until all are settled; returns those that were refused."""
    refused: list[StoredEvent] = []
    rest = list(events)
    for _ in range(ATTEMPTS):
        try:
            report = await sink.deliver(rest)
        except MUST_REOPEN:
            await sink.open()
            continue
        check(report, len(rest))
        refused += [rest[refusal.index] for refusal in report.refused]
        rest = rest[report.settled :]
        if not rest:
            return refused
    raise AssertionError(f"{len(rest)} events were not settled in {ATTEMPTS} attempts")


def check(report: Report, offered: int) -> None:
    """A report says something possible."""
    assert 0 <= report.settled <= offered
    assert (report.setback is None) == (report.settled == offered)
    assert all(0 <= refusal.index < report.settled for refusal in report.refused)


def ids(events: Sequence[StoredEvent]) -> list[str]:
    return [event.envelope.id for event in events]


def by_key(events: Sequence[StoredEvent]) -> dict[str, list[str]]:
    """Ids per partition key, repetitions left out: what the order promise is about."""
    seen: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.envelope.id not in seen[event.envelope.partitionkey]:
            seen[event.envelope.partitionkey].append(event.envelope.id)
    return dict(seen)


class SinkSuite:
    """Every sink."""

    async def test_accepts_all(self, harness: SinkHarness) -> None:
        """A healthy receiver gets the whole batch, and the report says so."""
        sink, events = harness.make(), batch_of(20)
        await sink.open()
        report = await sink.deliver(events)
        await sink.close()
        assert report == Report(settled=20)
        received = await harness.received()
        assert received is None or sorted(ids(received)) == sorted(ids(events))

    async def test_keeps_the_order_of_each_key(self, harness: SinkHarness) -> None:
        """Events with the same partition key arrive in journal order, over batches too."""
        sink, events = harness.make(), batch_of(30)
        await sink.open()
        for start in range(0, 30, 10):
            await deliver_all(sink, events[start : start + 10])
        await sink.close()
        received = await harness.received()
        assert received is None or by_key(received) == by_key(events)

    async def test_delivers_repetitions_whatever_the_receiver_holds(
        self, harness: SinkHarness
    ) -> None:
        """An operator's repetition arrives again, and the next process still knows how far the receiver got."""
        sink, events = harness.make(), batch_of(10)
        await sink.open()
        await deliver_all(sink, events)
        again = [repeated(events[index]) for index in (0, 3)]
        await deliver_all(sink, again)
        await deliver_all(sink, [repeated(events[5])])
        await sink.close()
        later = harness.make()
        held = await later.open()
        assert held in {None, events[-1].position}
        await later.close()
        received = await harness.received()
        if received is not None:
            expected = [*ids(events), *(ids(events)[index] for index in (0, 3, 5))]
            assert sorted(ids(received)) == sorted(expected)

    async def test_settles_an_empty_batch(self, harness: SinkHarness) -> None:
        """Nothing to do is no error."""
        sink = harness.make()
        await sink.open()
        assert await sink.deliver([]) == Report(settled=0)
        await sink.close()

    async def test_is_not_ready_at_open(self, harness: SinkHarness) -> None:
        """A sink that cannot work says so at open with an error of the tree, and can be closed."""
        sink = harness.make_unready()
        with pytest.raises((NotReady, AuthRejected, ConfigError)) as caught:
            await sink.open()
        await sink.close()
        assert caught.value.reason
        assert not [secret for secret in harness.secrets if secret in repr(caught.value)]

    async def test_closes_twice(self, harness: SinkHarness) -> None:
        """Closing again does nothing; closing without opening neither."""
        await harness.make().close()
        sink = harness.make()
        await sink.open()
        await sink.close()
        await sink.close()

    async def test_goes_on_after_a_restart(self, harness: SinkHarness) -> None:
        """A new sink delivers what follows; what the receiver says it holds is true."""
        events = batch_of(20)
        first = harness.make()
        await first.open()
        await deliver_all(first, events[:10])
        await first.close()
        second = harness.make()
        held = await second.open()
        assert held is None or held == events[9].position
        await deliver_all(second, events[10:])
        await second.close()
        received = await harness.received()
        assert received is None or sorted(ids(received)) == sorted(ids(events))

    async def test_shows_no_secret_when_printed(self, harness: SinkHarness) -> None:
        """Neither the sink nor its settings print a secret."""
        text = repr(harness.make()) + str(vars(harness.make()))
        assert not [secret for secret in harness.secrets if secret in text]


class FailingReceiverSuite(SinkSuite):
    """Sinks whose receiver can fail."""

    async def test_settles_a_prefix(self, harness: FailingHarness) -> None:
        """When the receiver fails in mid-batch, what is reported as settled has arrived."""
        sink, events = harness.make(), batch_of(20)
        await sink.open()
        await harness.fail_after(7)
        settled = 0
        try:
            report = await sink.deliver(events)
        except MUST_REOPEN as error:
            said = repr(error)
        else:
            check(report, 20)
            settled, said = report.settled, repr(report)
        assert settled < 20
        assert not [secret for secret in harness.secrets if secret in said]
        received = await harness.received()
        assert received is not None
        assert set(ids(events[:settled])) <= set(ids(received))
        await sink.close()

    async def test_delivers_all_after_a_failure(self, harness: FailingHarness) -> None:
        """What was not settled is offered again, by the same sink, until all has arrived in order."""
        sink, events = harness.make(), batch_of(20)
        await sink.open()
        await harness.fail_after(7)
        settled = 0
        for _ in range(2):
            try:
                settled += (await sink.deliver(events[settled:])).settled
            except MUST_REOPEN:
                break
        await harness.recover()
        if settled == 0:
            try:
                await sink.open()
            except TielineError as error:
                pytest.fail(f"does not open although the receiver has recovered: {error}")
        await deliver_all(sink, events[settled:])
        await sink.close()
        received = await harness.received()
        assert received is not None
        assert set(ids(received)) == set(ids(events))
        assert by_key(received) == by_key(events)

    async def test_is_cancelled_and_offered_again(self, harness: FailingHarness) -> None:
        """After a cancelled delivery the same events are offered again, and nothing is missing."""
        sink, events = harness.make(), batch_of(20)
        await sink.open()
        delivery = asyncio.create_task(sink.deliver(events), name="delivery")
        await harness.until_busy()
        delivery.cancel()
        await asyncio.wait([delivery])
        await deliver_all(sink, events)
        await sink.close()
        received = await harness.received()
        assert received is not None
        assert by_key(received) == by_key(events)


class RefusingReceiverSuite(FailingReceiverSuite):
    """Sinks whose receiver can refuse an event for good."""

    async def test_refuses_one_in_the_middle(self, harness: RefusingHarness) -> None:
        """One event that the receiver will never take is reported as refused; all others arrive."""
        sink, events = harness.make(), batch_of(20)
        await sink.open()
        await harness.refuse(events[8])
        refused = await deliver_all(sink, events)
        await sink.close()
        received = await harness.received()
        assert ids(refused) == ids([events[8]])
        assert received is not None
        assert set(ids(received)) == set(ids(events)) - set(ids([events[8]]))
