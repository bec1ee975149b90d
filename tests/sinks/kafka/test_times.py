"""Times of records that a real broker does not take: old ones, and those of a gateway whose clock is wrong."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import SystemClock
from gateway.contracts import Report
from gateway.errors import Reason
from tests.contract.sink_suite import batch_of, stored
from tests.sinks.kafka.conftest import MakeSink
from tests.support.kafka import KafkaBroker

pytestmark = pytest.mark.kafka

DAY = timedelta(days=1)


class WrongClock(SystemClock):
    """The machine's clock, but so much ahead."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """The time with the error."""
        return super().now() + self.ahead


def seconds_ago(timestamp_ms: int) -> float:
    return datetime.now(UTC).timestamp() - timestamp_ms / 1000


@pytest.mark.parametrize("once", [True, False])
async def test_what_is_too_old_for_the_topic_arrives_with_the_time_of_its_delivery(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink, *, once: bool
) -> None:
    """An outage that was longer than the topic takes costs no event; when it happened is in the headers."""
    limit = {"message.timestamp.before.max.ms": str(round(DAY.total_seconds() * 1000))}
    await kafka.create_topic(topic, partitions=3, configs=limit)
    sink = make_sink(kafka.bootstrap_servers, effectively_once=once)
    await sink.open()
    fresh = stored(1000, key="call-2", moment=datetime.now(UTC))
    events = [*batch_of(200), fresh]
    assert await sink.deliver(events) == Report(settled=201)
    records = await kafka.read_topic(topic)
    assert len(records) == 201
    assert max(seconds_ago(record.timestamp_ms) for record in records) < 600
    by_key = defaultdict(list)
    for record in records:
        by_key[record.key].append(record.headers["ce_sequence"])
    assert all(sequences == sorted(sequences) for sequences in by_key.values())


@pytest.mark.parametrize("once", [True, False])
async def test_nothing_is_refused_for_good_while_the_gateway_s_clock_is_ahead(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink, *, once: bool
) -> None:
    """A setback names the clock; when that is right again all of it arrives once, and nothing in the future."""
    clock = WrongClock()
    sink = make_sink(kafka.bootstrap_servers, clock=clock, effectively_once=once)
    await sink.open()
    before = [stored(position, moment=clock.now()) for position in (1, 2)]
    assert await sink.deliver(before) == Report(settled=2)

    clock.ahead = DAY
    wrong = [stored(position, moment=clock.now()) for position in (3, 4, 5)]
    report = await sink.deliver(wrong)
    assert (report.settled, report.refused) == (0, ())
    assert report.setback is not None
    assert report.setback.reason is Reason.CLOCK
    assert topic in report.setback.message
    assert "clock" in report.setback.message

    clock.ahead = timedelta(0)
    right = [stored(position, moment=clock.now()) for position in (6, 7)]
    assert await sink.deliver([*wrong, *right]) == Report(settled=5)
    records = await kafka.read_topic(topic)
    ids = [record.headers["ce_id"].decode() for record in records]
    assert ids == [event.envelope.id for event in (*before, *wrong, *right)]
    assert min(seconds_ago(record.timestamp_ms) for record in records) > -60


async def test_what_was_recorded_before_the_clock_went_wrong_is_delivered_in_front_of_the_rest(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Only what has a wrong time waits; what went past it to another topic is not written again."""
    clock = WrongClock()
    sink = make_sink(kafka.bootstrap_servers, clock=clock, topic=f"{topic}.{{noun}}")
    await sink.open()
    clock.ahead = DAY
    old = [stored(1), stored(2)]
    wrong = stored(3, kind="tieline.interaction.created.v1", moment=clock.now())
    later = stored(4)
    report = await sink.deliver([*old, wrong, later])
    assert report.settled == 2
    assert report.setback is not None
    assert report.setback.reason is Reason.CLOCK
    clock.ahead = timedelta(0)
    right = stored(5, kind="tieline.interaction.created.v1", moment=clock.now())
    assert await sink.deliver([wrong, later, right]) == Report(settled=3)
    assert len(await kafka.read_topic(f"{topic}.call")) == 3
    assert len(await kafka.read_topic(f"{topic}.interaction")) == 2
