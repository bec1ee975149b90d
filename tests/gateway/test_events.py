from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.events import (
    CATALOGUE,
    Classification,
    Event,
    Provenance,
    StoredEvent,
    connector_of,
    encode,
    event_id,
    source_of,
)
from gateway.events.calls import Call
from gateway.states import ConnectionState

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def held(**changes: object) -> Event:
    """A call that was put on hold."""
    event = Event(
        id=event_id("feed", "session", 1),
        source=source_of("gws-main", "genesys_web_services"),
        type="tieline.call.held.v1",
        subject="call/c1",
        time=WHEN,
        recordedtime=WHEN,
        partitionkey="c1",
        data=Call(call="c1", state=ConnectionState.HELD),
        dataclassification=Classification.PERSONAL,
    )
    return msgspec.structs.replace(event, **changes)


def stored(event: Event, *, sequence: int = 7) -> StoredEvent:
    return StoredEvent(
        position=3, sequence=sequence, type=event.type, source=event.source, body=encode(event)
    )


def test_the_encoded_form_is_a_cloudevent() -> None:
    """The attributes that CloudEvents 1.0 requires are there, as text, beside ours and the data."""
    body = json.loads(encode(held()))
    assert body["specversion"] == "1.0"
    assert (body["id"], body["source"], body["type"]) == (
        event_id("feed", "session", 1),
        "/tieline/gws-main/genesys_web_services",
        "tieline.call.held.v1",
    )
    assert (body["time"], body["subject"]) == ("2026-01-02T03:04:05.678000Z", "call/c1")
    assert body["data"] == {"call": "c1", "state": "held"}
    assert (body["provenance"], body["confidence"]) == ("live", "observed")


def test_what_is_unknown_is_left_out() -> None:
    """Optional attributes appear only when they are set: absent and null are not the same."""
    body = json.loads(encode(held()))
    assert not {"correlationid", "causationid", "traceparent", "anomaly"} & set(body)
    assert json.loads(encode(held(correlationid="i1")))["correlationid"] == "i1"


def test_the_envelope_is_decoded_without_the_data() -> None:
    """A consumer sees the attributes; the data is the bytes that were written."""
    event = stored(held(provenance=Provenance.RECONCILED, anomaly="held twice"))
    envelope = event.envelope
    assert envelope is event.envelope
    assert (envelope.partitionkey, envelope.provenance) == ("c1", "reconciled")
    assert (envelope.anomaly, envelope.correlationid) == ("held twice", None)
    assert bytes(envelope.data) == b'{"call":"c1","state":"held"}'
    assert event.data() == {"call": "c1", "state": "held"}


def test_the_structured_form_adds_the_sequence_only() -> None:
    """The complete form is the stored body with a sequence whose text order is number order."""
    event = held()
    complete = json.loads(stored(event).structured())
    assert complete.pop("sequence") == "00000000000000000007"
    assert complete == json.loads(encode(event))
    assert stored(event, sequence=9).sequence_text < stored(event, sequence=10).sequence_text


def test_an_id_is_the_same_for_the_same_occurrence() -> None:
    """Reading again gives the same id; another place, session or feed gives another."""
    identity = event_id("feed", "session", 41, 0, "held")
    assert identity == event_id("feed", "session", "41", "0", "held")
    assert len(identity) == 32
    assert int(identity, 16) >= 0
    others = {
        event_id("feed", "session", 42, 0, "held"),
        event_id("feed", "session", 4, 10, "held"),
        event_id("feed", "sessio", "n", 41, 0, "held"),
        event_id("feed", "other", 41, 0, "held"),
        event_id("other", "session", 41, 0, "held"),
    }
    assert len(others | {identity}) == 6


def test_a_source_tells_its_connector() -> None:
    """The connector's name comes back out of the source."""
    assert connector_of(source_of("gws-main", "genesys_web_services")) == "gws-main"


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_names_of_the_catalogue_are_regular(name: str) -> None:
    """Each type is `tieline.<noun>.<verb>.v1`, lower case, and its noun is found."""
    entry = CATALOGUE[name]
    prefix, noun, *verb, version = name.split(".")
    assert (prefix, version, entry.name) == ("tieline", "v1", name)
    assert verb
    assert entry.noun == noun
    assert name == name.lower()
