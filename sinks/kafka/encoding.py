"""From a stored event to a Kafka record; no I/O.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2 (binary content mode): every attribute is a header with
the prefix `ce_`, `datacontenttype` is the header `content-type`, the data is the value as it is. Section 3.1: the
extension `partitionkey` is the key. The extension `traceparent` is also the header of that name, by which tracing
libraries of consumers find it (CloudEvents extension "Distributed Tracing", "Using the Distributed Tracing Extension").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

import msgspec

from gateway.events import StoredEvent, connector_of
from sinks.kafka.records import header, size_of, varint, with_length

FIELDS = ("noun", "connector", "platform", "type")
TOPIC_LENGTH = 249
POSITION_HEADER = "tieline_position"
"""`<id of the journal> <position>`: what the sink looks for in the partitions when it opens."""

_USUAL_LENGTH = len("2026-01-02T03:04:06.123456Z")

_ILLEGAL = re.compile(r"[^a-zA-Z0-9._-]")

TopicOf = Callable[[str, str], str]


class Record(NamedTuple):
    """What is written for one event.

    `content` is all of it but time and place: key, value and headers, encoded. `size` is an upper bound of its bytes
    before compression.
    """

    topic: str
    key: bytes
    content: bytes
    timestamp_ms: int
    size: int


class Unencodable(ValueError):
    """The stored bytes are not an event that can become a record."""


def topic_template(template: str) -> TopicOf:
    """The function from an event's type and source to its topic.

    What Kafka does not allow in a topic's name becomes a hyphen. Raises ValueError if the template has other fields
    than `FIELDS` or characters of its own that Kafka does not allow.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r} is no template: {error}") from error
    for literal, field, form, conversion in parts:
        if _ILLEGAL.search(literal):
            raise ValueError(
                f"{template!r}: names of topics have only letters, digits, '.', '_' and '-'"
            )
        if field is not None and (field not in FIELDS or form or conversion):
            raise ValueError(
                f"{template!r}: only {', '.join(f'{{{name}}}' for name in FIELDS)} are replaced"
            )
    if not template or template in {".", ".."}:
        raise ValueError("a topic needs a name")

    @lru_cache(maxsize=4096)
    def topic_of(event_type: str, source: str) -> str:
        values = {
            "noun": event_type.split(".", 2)[1],
            "connector": connector_of(source),
            "platform": source.split("/", 4)[3],
            "type": event_type,
        }
        return _ILLEGAL.sub("-", template.format_map(values))[:TOPIC_LENGTH]

    return topic_of


class Encoder:
    """Makes the records of one sink; what many of them share is encoded once."""

    def __init__(self, topic_of: TopicOf, journal: str) -> None:
        """`journal` is the id of the journal whose positions the records carry, empty for records without."""
        self._topic_of = topic_of
        self._journal = journal
        self._place = with_length(POSITION_HEADER.encode())

    def __call__(self, event: StoredEvent, *, not_after_ms: int) -> Record:
        """The record of an event.

        Kafka's timestamp is when the gateway recorded the event: brokers refuse times that are far in the future, and
        platforms' clocks are not ours to trust. When it happened is in the header `ce_time`. `not_after_ms` is the time
        of now: what was recorded while the clock was ahead gets it. A repetition has no position. Raises Unencodable.
        """
        try:
            envelope = event.envelope
            topic = self._topic_of(event.type, event.source)
            recorded_ms = _milliseconds(envelope.recordedtime)
        except (msgspec.MsgspecError, ValueError, IndexError) as error:
            raise Unencodable(f"the journal's entry is not an event: {error}") from error
        key = envelope.partitionkey.encode()
        count, same = _same_headers(
            envelope.source,
            envelope.type,
            envelope.datacontenttype,
            envelope.dataclassification,
            envelope.timesource,
            envelope.provenance,
            envelope.confidence,
        )
        named = [
            (_ID, envelope.id),
            (_SUBJECT, envelope.subject),
            (_TIME, envelope.time),
            (_PARTITION_KEY, envelope.partitionkey),
            (_SEQUENCE, event.sequence_text),
            (_RECORDED_TIME, envelope.recordedtime),
        ]
        if envelope.correlationid is not None:
            named.append((_CORRELATION_ID, envelope.correlationid))
        if envelope.causationid is not None:
            named.append((_CAUSATION_ID, envelope.causationid))
        if envelope.traceparent is not None:
            named += [(_TRACEPARENT, envelope.traceparent), (_TRACE_CONTEXT, envelope.traceparent)]
        if envelope.anomaly is not None:
            named.append((_ANOMALY, envelope.anomaly))
        if self._journal and event.position > 0:
            named.append((self._place, f"{self._journal} {event.position}"))
        data = bytes(envelope.data)
        parts = [varint(len(key)), key, varint(len(data)), data, varint(count + len(named)), same]
        for name, text in named:
            value = text.encode()
            parts += (name, varint(len(value)), value)
        content = b"".join(parts)
        return Record(topic, key, content, min(recorded_ms, not_after_ms), size_of(content))


def position_in(value: bytes, journal: str) -> int | None:
    """The position that a record's header `POSITION_HEADER` says, None if it is of another journal."""
    owner, _, position = value.decode(errors="replace").partition(" ")
    return int(position) if owner == journal and position.isdecimal() else None


def _name(attribute: str) -> bytes:
    return with_length(f"ce_{attribute}".encode())


_ID, _SUBJECT, _TIME = _name("id"), _name("subject"), _name("time")
_PARTITION_KEY, _SEQUENCE = _name("partitionkey"), _name("sequence")
_RECORDED_TIME, _CORRELATION_ID = _name("recordedtime"), _name("correlationid")
_CAUSATION_ID, _TRACEPARENT, _ANOMALY = _name("causationid"), _name("traceparent"), _name("anomaly")
_TRACE_CONTEXT = with_length(b"traceparent")


@lru_cache(maxsize=4096)
def _same_headers(
    source: str,
    event_type: str,
    content_type: str,
    classification: str,
    time_source: str,
    provenance: str,
    confidence: str,
) -> tuple[int, bytes]:
    """The headers that are the same in many events, and how many they are."""
    headers = [
        header("ce_specversion", b"1.0"),
        header("ce_source", source.encode()),
        header("ce_type", event_type.encode()),
        header("content-type", content_type.encode()),
        header("ce_dataclassification", classification.encode()),
        header("ce_timesource", time_source.encode()),
        header("ce_provenance", provenance.encode()),
        header("ce_confidence", confidence.encode()),
    ]
    return len(headers), b"".join(headers)


def _milliseconds(time: str) -> int:
    """The milliseconds since 1970 of a time in ISO 8601. Raises ValueError."""
    if len(time) == _USUAL_LENGTH and time[19] == "." and time[26] == "Z":
        return _milliseconds_of_second(time[:19]) + int(time[20:23])
    return int(datetime.fromisoformat(time).timestamp() * 1000)


@lru_cache(maxsize=256)
def _milliseconds_of_second(second: str) -> int:
    return int(datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp()) * 1000
