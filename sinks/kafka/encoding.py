"""From a stored event to a Kafka record; no I/O.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2 (binary content mode): every attribute is a header with
the prefix `ce_`, `datacontenttype` is the header `content-type`, the data is the value as it is. Section 3.1: the
extension `partitionkey` is the key. The extension `traceparent` is also the header of that name, by which tracing
libraries of consumers find it (CloudEvents extension "Distributed Tracing", "Using the Distributed Tracing Extension").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

import msgspec

from gateway.events import StoredEvent, connector_of

FIELDS = ("noun", "connector", "platform", "type")
TOPIC_LENGTH = 249
FRAMING_BYTES = 512
"""What names of headers, lengths and the batch header add to an event's JSON at most."""

_ILLEGAL = re.compile(r"[^a-zA-Z0-9._-]")

TopicOf = Callable[[str, str], str]


class Record(NamedTuple):
    """What is written for one event. `size` is an upper bound of its uncompressed bytes."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
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


def encode(event: StoredEvent, topic_of: TopicOf, *, not_after_ms: int) -> Record:
    """The record of an event.

    Kafka's timestamp is when the gateway recorded the event: brokers refuse times that are far in the future, and
    platforms' clocks are not ours to trust. When it happened is in the header `ce_time`. `not_after_ms` is the time of
    now: what was recorded while the clock was ahead gets it. Raises Unencodable.
    """
    try:
        envelope = event.envelope
        topic = topic_of(event.type, event.source)
        recorded_ms = int(datetime.fromisoformat(envelope.recordedtime).timestamp() * 1000)
    except (msgspec.MsgspecError, ValueError, IndexError) as error:
        raise Unencodable(f"the journal's entry is not an event: {error}") from error
    key = envelope.partitionkey.encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_subject", envelope.subject.encode()),
        ("ce_time", envelope.time.encode()),
        ("content-type", envelope.datacontenttype.encode()),
        ("ce_partitionkey", key),
        ("ce_sequence", event.sequence_text.encode()),
        ("ce_recordedtime", envelope.recordedtime.encode()),
        ("ce_dataclassification", envelope.dataclassification.encode()),
        ("ce_timesource", envelope.timesource.encode()),
        ("ce_provenance", envelope.provenance.encode()),
        ("ce_confidence", envelope.confidence.encode()),
    ]
    if envelope.correlationid is not None:
        headers.append(("ce_correlationid", envelope.correlationid.encode()))
    if envelope.causationid is not None:
        headers.append(("ce_causationid", envelope.causationid.encode()))
    if envelope.traceparent is not None:
        traceparent = envelope.traceparent.encode()
        headers += [("ce_traceparent", traceparent), ("traceparent", traceparent)]
    if envelope.anomaly is not None:
        headers.append(("ce_anomaly", envelope.anomaly.encode()))
    # The key is written twice, as key and as header.
    size = len(event.body) + len(key) + FRAMING_BYTES
    timestamp_ms = min(recorded_ms, not_after_ms)
    return Record(topic, key, bytes(envelope.data), headers, timestamp_ms, size)
