"""Records are CloudEvents in binary mode, and topics follow the template."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from aiokafka.record.memory_records import MemoryRecords
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from gateway.events import CATALOGUE, Event, Provenance, StoredEvent, encode, source_of
from gateway.events.calls import Call
from sinks.kafka.encoding import POSITION_HEADER, Encoder, Record, Unencodable, topic_template
from sinks.kafka.producer import FORMS
from sinks.kafka.records import Writer, record_batch

TYPE = "tieline.call.held.v1"
SOURCE = source_of("gws-main", "genesys_web_services")
HAPPENED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RECORDED = datetime(2026, 1, 2, 3, 4, 6, 123456, tzinfo=UTC)
NOW_MS = int(datetime(2026, 1, 3, tzinfo=UTC).timestamp() * 1000)


def an_event(**changes: object) -> Event:
    event = Event(
        id="0123456789abcdef0123456789abcdef",
        source=SOURCE,
        type=TYPE,
        subject="call/7",
        time=HAPPENED,
        recordedtime=RECORDED,
        partitionkey="call-7-ü",
        data=Call(call="7", cause="Ärger \N{SNOWMAN}"),
        dataclassification=CATALOGUE[TYPE].classification,
        correlationid="7",
        causationid="command-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        provenance=Provenance.RECONCILED,
    )
    return msgspec.structs.replace(event, **changes)


def as_stored(event: Event) -> StoredEvent:
    return StoredEvent(
        position=11, sequence=42, type=event.type, source=event.source, body=encode(event)
    )


def record(event: Event, *, journal: str = "") -> Record:
    encode_record = Encoder(topic_template("tieline.{noun}"), journal)
    return encode_record(as_stored(event), not_after_ms=NOW_MS)


def read_back(made: Record) -> Any:
    """The record as an independent implementation of the format reads it."""
    content = record_batch([(made.timestamp_ms, made.content)], Writer(1, 0, 0), FORMS["none"])
    batch = MemoryRecords(content).next_batch()
    assert batch is not None
    assert batch.validate_crc()
    (found,) = batch
    return found


def test_the_cloudevents_sdk_reads_every_attribute_and_the_data() -> None:
    """The independent implementation finds what was stored, extensions included."""
    made = read_back(record(an_event(anomaly="held while idle")))
    read = from_binary(
        KafkaMessage(headers=dict(made.headers), key=made.key, value=made.value),
        JSONFormat(),
        CloudEvent,
    )
    assert read.get_attributes() == {
        "specversion": "1.0",
        "id": "0123456789abcdef0123456789abcdef",
        "source": "/tieline/gws-main/genesys_web_services",
        "type": TYPE,
        "subject": "call/7",
        "time": HAPPENED,
        "datacontenttype": "application/json",
        "partitionkey": "call-7-ü",
        "sequence": "00000000000000000042",
        "recordedtime": "2026-01-02T03:04:06.123456Z",
        "dataclassification": "personal",
        "timesource": "platform",
        "provenance": "reconciled",
        "confidence": "observed",
        "correlationid": "7",
        "causationid": "command-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "anomaly": "held while idle",
    }
    assert read.get_data() == {"call": "7", "cause": "Ärger \N{SNOWMAN}"}


def test_attributes_that_are_not_set_have_no_header() -> None:
    """An absent attribute is absent, not empty."""
    bare = an_event(
        correlationid=msgspec.UNSET, causationid=msgspec.UNSET, traceparent=msgspec.UNSET
    )
    names = {name for name, _ in read_back(record(bare)).headers}
    assert not names & {"ce_correlationid", "ce_causationid", "ce_traceparent", "ce_anomaly"}


def test_every_attribute_of_the_envelope_becomes_a_header() -> None:
    """A field added to the envelope must not be forgotten here."""
    full = an_event(anomaly="x")
    attributes = set(json.loads(encode(full))) - {"data", "datacontenttype"}
    names = {name.removeprefix("ce_") for name, _ in read_back(record(full)).headers}
    assert names == attributes | {"sequence", "content-type"}


def test_the_value_is_the_data_as_stored() -> None:
    """Not a byte of the data is encoded anew."""
    stored = as_stored(an_event())
    made = read_back(Encoder(topic_template("t"), "")(stored, not_after_ms=NOW_MS))
    assert made.value in stored.body
    assert json.loads(made.value) == json.loads(stored.body)["data"]


def test_the_key_is_the_partition_key_and_the_timestamp_the_recorded_time() -> None:
    """The key keeps order; the time is our own clock's."""
    made = record(an_event())
    assert made.key == read_back(made).key == "call-7-ü".encode()
    assert made.timestamp_ms == read_back(made).timestamp == int(RECORDED.timestamp() * 1000)


def test_what_was_recorded_while_the_clock_was_ahead_gets_the_time_of_now() -> None:
    """Brokers refuse times that are far in the future; the header keeps what the gateway saw."""
    made = record(an_event(recordedtime=datetime(2026, 1, 9, tzinfo=UTC)))
    assert made.timestamp_ms == NOW_MS
    assert dict(read_back(made).headers)["ce_recordedtime"].startswith(b"2026-01-09")


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 6, 999_999, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 6, 20_000, tzinfo=timezone(timedelta(hours=2))),
        datetime(1969, 12, 31, 23, 59, 59, 1_000, tzinfo=UTC),
    ],
)
def test_a_time_is_written_to_the_millisecond(moment: datetime) -> None:
    """Whatever the form of the text."""
    assert record(an_event(recordedtime=moment)).timestamp_ms == moment.timestamp() * 1000 // 1


def test_a_record_carries_its_place_in_the_journal() -> None:
    """The sink reads it back; a repetition, and a record of a sink that does not read, has none."""
    stored = as_stored(an_event())
    headers = read_back(record(an_event(), journal="0b8e")).headers
    assert dict(headers)[POSITION_HEADER] == b"0b8e 11"
    again = StoredEvent(-11, stored.sequence, stored.type, stored.source, stored.body)
    repeated = Encoder(topic_template("t"), "0b8e")(again, not_after_ms=NOW_MS)
    assert POSITION_HEADER not in dict(read_back(repeated).headers)
    assert POSITION_HEADER not in dict(read_back(record(an_event())).headers)


def test_the_size_is_an_upper_bound() -> None:
    """What is checked against the limit is never less than what is sent."""
    made = record(an_event(anomaly="x" * 300))
    one = [(made.timestamp_ms, made.content)]
    alone, twice = (
        len(record_batch(records, Writer(1, 0, 0), FORMS["none"])) for records in (one, one * 2)
    )
    assert twice - alone <= made.size


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"id":1}', b"\xff"])
def test_what_is_no_event_is_said_to_be_none(body: bytes) -> None:
    """Garbage in the journal is refused with words, not with a crash."""
    stored = StoredEvent(position=1, sequence=1, type=TYPE, source=SOURCE, body=body)
    with pytest.raises(Unencodable, match="not an event"):
        Encoder(topic_template("t"), "")(stored, not_after_ms=NOW_MS)


@pytest.mark.parametrize(
    ("template", "topic"),
    [
        ("tieline.{noun}", "tieline.call"),
        ("{connector}.{platform}", "gws-main.genesys_web_services"),
        ("cc-{type}", "cc-tieline.call.held.v1"),
        ("all", "all"),
        ("x" * 300, "x" * 249),
    ],
)
def test_templates_make_topics(template: str, topic: str) -> None:
    """All fields are replaced and names keep Kafka's length."""
    assert topic_template(template)(TYPE, SOURCE) == topic


def test_characters_that_kafka_does_not_allow_become_hyphens() -> None:
    """A connector's name cannot make a topic illegal."""
    assert topic_template("{connector}")(TYPE, source_of("a b/ü", "p")) == "a-b"
    assert topic_template("{connector}")(TYPE, source_of("a büro", "p")) == "a-b-ro"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("tieline.{word}", "only {noun}, {connector}, {platform}, {type} are replaced"),
        ("tieline.{noun!r}", "only"),
        ("tieline.{noun:>9}", "only"),
        ("tieline.{}", "only"),
        ("tieline.{noun", "no template"),
        ("tie line", "letters, digits"),
        ("", "needs a name"),
        ("..", "needs a name"),
    ],
)
def test_templates_that_cannot_work_are_refused(template: str, said: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        topic_template(template)
