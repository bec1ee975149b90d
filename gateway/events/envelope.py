"""The envelope of every event: CloudEvents 1.0 attributes, encoded once.

An `Event` is made by a connector (or by the gateway itself), encoded when it enters the journal, and never decoded as a
whole again: consumers get a `StoredEvent`, whose body is the CloudEvents JSON form, and open no more of it than they
need.

Sources: CloudEvents specification 1.0.2 (attributes, JSON event format) and its extension documents for `partitionkey`,
`sequence`, `recordedtime`, `dataclassification`, `correlationid`/`causationid` and distributed tracing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

SEQUENCE_DIGITS = 20
ID_BYTES = 16


class Provenance(StrEnum):
    """How the gateway came to know."""

    LIVE = "live"
    SNAPSHOT = "snapshot"
    RECONCILED = "reconciled"
    POLLED = "polled"


class Confidence(StrEnum):
    """Whether the platform said it, or it follows from what the platform said."""

    OBSERVED = "observed"
    INFERRED = "inferred"


class TimeSource(StrEnum):
    """Who said when: `platform`, or `gateway` when the platform gave no time and receipt stands in for it."""

    PLATFORM = "platform"
    GATEWAY = "gateway"


class Classification(StrEnum):
    """How sensitive the data of a type is as a whole; what is masked goes by field (`Sensitivity`)."""

    OPERATIONAL = "operational"
    PERSONAL = "personal"
    CONTENT = "content"


class Sensitivity(StrEnum):
    """What a field gives away; a field is annotated with it, and a sink is denied it (see `gateway.masking`).

    Attributes:
        NUMBERS: telephone numbers and network addresses.
        NAMES: names of people and files.
        TEXTS: what people wrote or typed: bodies of messages, subject lines, digits.
        DATA: values that were attached to a call, an interaction, a recording or an act, and words of other systems.
    """

    NUMBERS = "numbers"
    NAMES = "names"
    TEXTS = "texts"
    DATA = "data"


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all event data. Fields that are unknown are left out, never guessed."""


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="specversion",
    tag="1.0",
):
    """One canonical event, complete but for the `sequence`, which the journal gives.

    Attributes:
        id: deterministic for anything read from a platform (see `event_id`), so that reading twice is harmless.
        source: `/tieline/<connector>/<platform>`, stable over hosts and processes.
        type: `tieline.<noun>.<verb>.v1`, one of the catalogue.
        subject: what it is about, `<kind>/<id>`.
        time: when it happened, by the authority that `timesource` names.
        recordedtime: when the gateway first saw it.
        partitionkey: events with the same key keep their order in every sink.
        anomaly: set when the event is surprising (an illegal transition); it is passed on all the same.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recordedtime: datetime
    partitionkey: str
    data: Data
    dataclassification: Classification
    datacontenttype: str = "application/json"
    timesource: TimeSource = TimeSource.PLATFORM
    provenance: Provenance = Provenance.LIVE
    confidence: Confidence = Confidence.OBSERVED
    correlationid: str | UnsetType = UNSET
    causationid: str | UnsetType = UNSET
    traceparent: str | UnsetType = UNSET
    anomaly: str | UnsetType = UNSET


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer sees of a stored event: the attributes decoded, the data still as the bytes that were written."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    recordedtime: str
    partitionkey: str
    data: msgspec.Raw
    dataclassification: str
    datacontenttype: str = "application/json"
    timesource: str = "platform"
    provenance: str = "live"
    confidence: str = "observed"
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    anomaly: str | None = None


_encoder = msgspec.json.Encoder()
_envelope_decoder = msgspec.json.Decoder(Envelope)
_data_decoder = msgspec.json.Decoder(dict[str, Any])


def encode(event: Event) -> bytes:
    """The CloudEvents JSON form of an event, without `sequence`."""
    return _encoder.encode(event)


class StoredEvent(msgspec.Struct, frozen=True, dict=True):
    """An event as the journal holds it.

    Attributes:
        position: place in the journal; grows, may have holes.
        sequence: 1, 2, 3 … within `source`; a consumer of everything from one source can see a loss by a hole.
        type: the event's type, for filters that must not open the body.
        source: the event's source, likewise.
        body: CloudEvents JSON without `sequence`.
    """

    position: int
    sequence: int
    type: str
    source: str
    body: bytes

    @cached_property
    def envelope(self) -> Envelope:
        """The attributes, decoded on first use; the data stays encoded."""
        return _envelope_decoder.decode(self.body)

    def data(self) -> dict[str, Any]:
        """The data, decoded anew at each call: keep it if you need it twice."""
        return _data_decoder.decode(self.envelope.data)

    @property
    def sequence_text(self) -> str:
        """The `sequence` attribute: zero-padded, so that text order is number order."""
        return str(self.sequence).zfill(SEQUENCE_DIGITS)

    def structured(self) -> bytes:
        """The complete CloudEvents JSON form.

        The body is not parsed for it: `sequence` is put in front of its first member.
        """
        return b'{"sequence":"' + self.sequence_text.encode() + b'",' + self.body[1:]


class DamagedEvent(StoredEvent, frozen=True, dict=True):
    """What stands in the place of an event whose bytes in the journal are no longer what was written.

    Its body is that of an event of the same id, type and source, without data and with an `anomaly` that tells, so that
    readers go on and show it as what it is. No sink gets it: it becomes a dead letter.

    Attributes:
        fault: what is wrong; the damaged bytes themselves stay in the journal until they are trimmed.
    """

    fault: str


def event_id(*parts: str | int) -> str:
    """An id that is the same whenever the same occurrence is read again.

    `parts` must name the occurrence, not its content: feed, platform session, place in that session, and the index and
    type of the event within the message. Returns 32 hexadecimal digits.
    """
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=ID_BYTES).hexdigest()


def source_of(connector: str, platform: str) -> str:
    """The `source` attribute of everything that comes from one connector."""
    return f"/tieline/{connector}/{platform}"


def connector_of(source: str) -> str:
    """The connector's name in a `source` made by `source_of`."""
    return source.split("/", 3)[2]
