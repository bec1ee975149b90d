"""The sink against a real broker that stays up."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from aiokafka.partitioner import DefaultPartitioner
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from gateway.contracts import Report
from gateway.errors import AuthRejected, NotConnected, NotReady, Reason
from gateway.events import StoredEvent
from tests.contract.sink_suite import batch_of, stored
from tests.sinks.kafka.conftest import MakeSink
from tests.support.kafka import KafkaBroker, KafkaRecord
from tests.support.processes import free_port

pytestmark = pytest.mark.kafka


def ids(events: list[StoredEvent]) -> list[str]:
    return [event.envelope.id for event in events]


def ids_of(records: list[KafkaRecord]) -> list[str]:
    return [record.headers["ce_id"].decode() for record in records]


def per_key(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def keyed_records(records: list[KafkaRecord]) -> dict[str, list[str]]:
    return per_key([((r.key or b"").decode(), r.headers["ce_id"].decode()) for r in records])


def keyed_events(events: list[StoredEvent]) -> dict[str, list[str]]:
    return per_key([(e.envelope.partitionkey, e.envelope.id) for e in events])


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
async def test_consumed_records_are_cloudevents(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink, compression: str, *, once: bool
) -> None:
    """What a consumer gets is read by the CloudEvents SDK, whatever the compression."""
    sink = make_sink(kafka.bootstrap_servers, compression=compression, effectively_once=once)
    await sink.open()
    events = batch_of(50)
    assert await sink.deliver(events) == Report(settled=50)
    records = await kafka.read_topic(topic)
    read = {}
    for record in records:
        message = KafkaMessage(headers=record.headers, key=record.key, value=record.value or b"")
        event = from_binary(message, JSONFormat(), CloudEvent)
        read[event.get_id()] = event
    assert len(records) == len(read) == 50
    for event in events:
        seen = read[event.envelope.id]
        assert seen.get_type() == event.type
        assert seen.get_source() == event.source
        assert seen.get_data() == event.data()
        assert seen.get_extension("sequence") == event.sequence_text


async def test_order_is_kept_for_each_key_and_keys_spread_over_partitions(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Many batches, many keys: each key in one partition, in journal order."""
    sink = make_sink(kafka.bootstrap_servers, max_batch_bytes=4096)
    await sink.open()
    events = batch_of(600, keys=40)
    for start in range(0, 600, 150):
        assert (await sink.deliver(events[start : start + 150])).settled == 150
    records = await kafka.read_topic(topic)
    assert keyed_records(records) == keyed_events(events)
    assert {record.partition for record in records} == {0, 1, 2}


async def test_each_noun_has_a_topic(kafka: KafkaBroker, topic: str, make_sink: MakeSink) -> None:
    """The template sorts a batch into topics."""
    sink = make_sink(kafka.bootstrap_servers, topic=f"{topic}.{{noun}}")
    await sink.open()
    events = [stored(1), stored(2, kind="tieline.call.ended.v1")]
    events.append(stored(3, kind="tieline.interaction.created.v1"))
    assert await sink.deliver(events) == Report(settled=3)
    assert ids_of(await kafka.read_topic(f"{topic}.call")) == ids(events[:2])
    assert ids_of(await kafka.read_topic(f"{topic}.interaction")) == ids(events[2:])


async def test_a_new_sink_knows_how_far_the_last_one_got(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """The journal's saved position may be older: what is offered again is not written again."""
    events = batch_of(30)
    first = make_sink(kafka.bootstrap_servers)
    assert await first.open() is None
    await first.deliver(events[:20])
    second = make_sink(kafka.bootstrap_servers)
    await second.open()
    assert await second.deliver(events) == Report(settled=30)
    assert sorted(ids_of(await kafka.read_topic(topic))) == sorted(ids(events))


async def test_after_an_orderly_end_nothing_is_left_to_read_back(
    kafka: KafkaBroker, make_sink: MakeSink
) -> None:
    """What was delivered last is marked when the sink closes."""
    events = batch_of(30)
    first = make_sink(kafka.bootstrap_servers)
    await first.open()
    await first.deliver(events)
    await first.close()
    assert await make_sink(kafka.bootstrap_servers).open() == events[-1].position


async def test_records_of_another_gateway_are_not_taken_for_ours(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Two gateways write the same events to the same partitions, by turns, and both are killed."""
    events = batch_of(40, keys=7)
    for start in (0, 20):
        for journal in ("one", "two"):
            sink = make_sink(kafka.bootstrap_servers, journal=f"{topic}-{journal}")
            await sink.deliver(events[: start + 20])
    records = await kafka.read_topic(topic)
    by_journal: dict[str, list[KafkaRecord]] = defaultdict(list)
    for record in records:
        by_journal[record.headers["tieline_position"].decode().split()[0]].append(record)
    assert len(by_journal) == 2
    for theirs in by_journal.values():
        assert keyed_records(theirs) == keyed_events(events)


async def test_a_position_of_another_journal_is_ignored(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """A gateway that lost its data directory starts from one again; its first events are not skipped."""
    first = make_sink(kafka.bootstrap_servers, instance=topic[-60:])
    await first.open()
    await first.deliver(batch_of(20))
    second = make_sink(kafka.bootstrap_servers, instance=topic[-60:], journal="a-new-one")
    assert await second.open() is None
    await second.deliver(batch_of(5))
    assert len(await kafka.read_topic(topic)) == 25


async def test_a_delivery_cancelled_halfway_doubles_nothing(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Wherever it was cut off, offering the events again gives each of them once."""
    sink = make_sink(kafka.bootstrap_servers)
    await sink.open()
    events = batch_of(400)
    loop = asyncio.get_running_loop()
    for number, start in enumerate(range(0, 400, 40)):
        delivery = asyncio.create_task(sink.deliver(events[start : start + 40]), name="delivery")
        loop.call_later(0.001 * number, delivery.cancel)
        await asyncio.wait([delivery])
        assert (await sink.deliver(events[start : start + 40])).settled == 40
    assert keyed_records(await kafka.read_topic(topic)) == keyed_events(events)


@pytest.mark.parametrize("once", [True, False])
async def test_an_event_larger_than_the_topic_takes_is_refused_alone(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink, *, once: bool
) -> None:
    """The broker refuses a whole record batch; the sink finds the one to blame and delivers the others."""
    await kafka.create_topic(topic, partitions=2, configs={"max.message.bytes": "20000"})
    sink = make_sink(kafka.bootstrap_servers, effectively_once=once, compression="none")
    await sink.open()
    events = batch_of(300, keys=5)
    large = stored(events[133].position, key="call-3", padding=30_000)
    events[133] = large
    report = await sink.deliver(events)
    assert report.settled == 300
    assert [(r.index, r.reason) for r in report.refused] == [(133, Reason.TOO_LARGE)]
    rest = events[:133] + events[134:]
    assert keyed_records(await kafka.read_topic(topic)) == keyed_events(rest)
    more = batch_of(300, first=1001, keys=5)
    assert await sink.deliver(more) == Report(settled=300)
    assert len(await kafka.read_topic(topic)) == 599


async def test_an_event_larger_than_the_setting_is_refused_without_asking(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """The message names the setting."""
    sink = make_sink(kafka.bootstrap_servers, max_record_bytes=10_000)
    await sink.open()
    events = [stored(1), stored(2, padding=20_000), stored(3)]
    report = await sink.deliver(events)
    assert report.settled == 3
    assert [(r.index, r.reason) for r in report.refused] == [(1, Reason.TOO_LARGE)]
    assert "max_record_bytes" in report.refused[0].message
    assert ids_of(await kafka.read_topic(topic)) == ids([events[0], events[2]])


async def test_what_was_refused_is_told_again_until_the_journal_passed_it(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """A gateway that dies between delivery and dead letter must not lose the dead letter."""
    events = [stored(1), stored(2, padding=20_000), stored(3), stored(4)]
    first = make_sink(kafka.bootstrap_servers, max_record_bytes=10_000)
    await first.open()
    await first.deliver(events[:3])
    second = make_sink(kafka.bootstrap_servers, max_record_bytes=10_000)
    assert await second.open() is None
    report = await second.deliver(events)
    assert report.settled == 4
    assert [(r.index, r.reason) for r in report.refused] == [(1, Reason.TOO_LARGE)]
    assert ids_of(await kafka.read_topic(topic)) == ids([events[0], events[2], events[3]])


async def test_a_batch_full_of_bad_events_is_settled_in_steps(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Every delivery gets somewhere, and all refusals are told in the end."""
    sink = make_sink(kafka.bootstrap_servers, max_record_bytes=2000)
    await sink.open()
    events = [stored(i, padding=0 if i % 10 == 0 else 3000) for i in range(1, 201)]
    refused, at = [], 0
    while at < 200:
        report = await sink.deliver(events[at:])
        assert report.settled > 0
        refused += [at + refusal.index for refusal in report.refused]
        at += report.settled
    assert refused == [i for i in range(200) if (i + 1) % 10]
    assert ids_of(await kafka.read_topic(topic)) == ids(events[9::10])


async def test_a_fenced_sink_takes_over_once_and_then_says_so(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Two gateways with one id: nothing is doubled, and the second fencing is an error that names it."""
    one, two = make_sink(kafka.bootstrap_servers), make_sink(kafka.bootstrap_servers)
    await one.open()
    assert (await one.deliver([stored(1)])).settled == 1
    await two.open()
    assert (await two.deliver([stored(2)])).settled == 1
    assert (await one.deliver([stored(2), stored(3)])).settled == 2
    await two.open()
    with pytest.raises(NotConnected) as caught:
        await one.deliver([stored(4)])
    assert caught.value.reason is Reason.FENCED
    assert "instance" in caught.value.hint
    assert ids_of(await kafka.read_topic(topic)) == ids([stored(1), stored(2), stored(3)])


async def test_a_missing_topic_is_named_with_the_remedy_at_open(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """A fixed topic is looked for at once."""
    sink = make_sink(kafka.bootstrap_servers, create_topics=None)
    with pytest.raises(NotReady, match="create_topics") as caught:
        await sink.open()
    assert caught.value.reason is Reason.NOT_FOUND
    assert topic in caught.value.message
    await kafka.create_topic(topic)
    assert await sink.open() is None


async def test_a_missing_topic_holds_back_only_what_comes_behind(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Events before it are delivered; it goes on when somebody made the topic."""
    sink = make_sink(kafka.bootstrap_servers, topic=f"{topic}.{{noun}}", create_topics=None)
    await kafka.create_topic(f"{topic}.call")
    await sink.open()
    events = [stored(1), stored(2), stored(3, kind="tieline.interaction.created.v1"), stored(4)]
    report = await sink.deliver(events)
    assert report.settled == 2
    assert report.setback is not None
    assert report.setback.reason is Reason.NOT_FOUND
    assert f"{topic}.interaction" in report.setback.message
    assert "create_topics" in report.setback.message
    await kafka.create_topic(f"{topic}.interaction")
    assert await sink.deliver(events[2:]) == Report(settled=2)
    assert ids_of(await kafka.read_topic(f"{topic}.call")) == ids([*events[:2], events[3]])


async def test_a_wrong_address_is_said_to_be_refused(make_sink: MakeSink) -> None:
    """Nobody listens: the error says so and names the address."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(NotReady, match=address) as caught:
        await make_sink(address).open()
    assert caught.value.reason is Reason.REFUSED


async def test_an_unknown_host_is_said_to_be_unknown(make_sink: MakeSink) -> None:
    """A name that does not resolve is told from a broker that is down."""
    with pytest.raises(NotReady) as caught:
        await make_sink("broker.invalid:9092").open()
    assert caught.value.reason is Reason.DNS


async def test_a_plain_port_is_told_to_a_tls_client(
    kafka: KafkaBroker, make_sink: MakeSink
) -> None:
    """TLS to a port that speaks none fails as TLS or as a closed connection, not as a hang."""
    sink = make_sink(kafka.bootstrap_servers, tls={}, request_timeout_seconds=3)
    with pytest.raises(NotReady) as caught:
        await sink.open()
    assert caught.value.reason in {Reason.TLS, Reason.RESET, Reason.TIMEOUT}


async def test_a_refused_login_shows_no_password(kafka: KafkaBroker, make_sink: MakeSink) -> None:
    """The broker has no SASL; whatever it says, the password is in no message."""
    sink = make_sink(
        kafka.bootstrap_servers,
        sasl={"mechanism": "PLAIN", "username": "u", "password": "hunter2-secret"},
        request_timeout_seconds=3,
    )
    with pytest.raises((AuthRejected, NotReady)) as caught:
        await sink.open()
    assert "hunter2" not in repr(caught.value) + str(caught.value) + repr(sink) + str(vars(sink))


async def test_a_probe_fences_nobody_and_makes_nothing(
    kafka: KafkaBroker, make_sink: MakeSink
) -> None:
    """It can be run beside the running gateway."""
    probing = make_sink(kafka.bootstrap_servers)
    assert "will be made" in await probing.probe()
    with pytest.raises(NotReady, match="no topic"):
        await make_sink(kafka.bootstrap_servers, create_topics=None).probe()
    running = make_sink(kafka.bootstrap_servers)
    await running.open()
    await running.deliver([stored(1)])
    assert "no fixed topic is missing" in await probing.probe()
    assert await running.deliver([stored(2)]) == Report(settled=1)
    assert running._fenced_at is None


async def test_keys_go_to_the_partitions_of_kafka_s_own_clients(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Records of other producers with the same key share the partition: the hash is Kafka's murmur2."""
    sink = make_sink(kafka.bootstrap_servers)
    await sink.open()
    await sink.deliver([stored(i, key=f"call-{i}") for i in range(1, 61)])
    choose = DefaultPartitioner()
    for record in await kafka.read_topic(topic):
        assert record.partition == choose(record.key, [0, 1, 2], [0, 1, 2])
