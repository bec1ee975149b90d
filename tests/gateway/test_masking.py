"""Masking: what a sink may not have is replaced, what gives an event its meaning stays."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.events import CATALOGUE, Data, Event, StoredEvent, encode, event_id
from gateway.events.calls import Call, CallDataChanged, CallDtmf, CallJourney, Recording
from gateway.events.common import Native, Party
from gateway.events.interactions import InteractionMessage
from gateway.events.operations import MetricObject, Metrics
from gateway.masking import MASK, Masker

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stored(kind: str, data: Data) -> StoredEvent:
    entry = CATALOGUE[f"tieline.{kind}.v1"]
    event = Event(
        id=event_id(kind, 1),
        source="/tieline/main/scripted",
        type=entry.name,
        subject="call/c1",
        time=NOW,
        recordedtime=NOW,
        partitionkey="c1",
        data=data,
        dataclassification=entry.classification,
    )
    return StoredEvent(1, 1, event.type, event.source, encode(event))


def test_without_levels_an_event_passes_untouched() -> None:
    event = stored("call.held", Call(call="c1"))
    assert Masker(())(event) is event


@pytest.mark.parametrize(
    ("denied", "seen"),
    [
        ("numbers", {"role": "customer", "number": MASK, "name": "Ann"}),
        ("names", {"role": "customer", "number": "5550100", "name": MASK}),
        ("personal", {"role": "customer", "number": MASK, "name": MASK}),
    ],
)
def test_numbers_and_names_of_parties_are_denied_singly_or_together(
    denied: str, seen: dict[str, str]
) -> None:
    party = Party(role="customer", number="5550100", name="Ann")
    masked = Masker([denied])(stored("call.held", Call(call="c1", parties=[party])))
    assert masked.data() == {"call": "c1", "parties": [seen]}


def test_another_word_is_an_error() -> None:
    with pytest.raises(ValueError, match="secrets"):
        Masker(["secrets"])


@pytest.mark.parametrize(
    ("kind", "data", "secret"),
    [
        ("call.data.changed", CallDataChanged(call="c1", values={"pin": "1234"}), "1234"),
        ("call.dtmf.sent", CallDtmf(call="c1", digits="4711"), "4711"),
        (
            "interaction.message.added",
            InteractionMessage(interaction="i", media="chat", message="m1", text="my card"),
            "my card",
        ),
        ("call.held", Call(call="c1", native=Native(payload={"ani": "999"})), "999"),
        ("recording.tagged", Recording(recording="r1", tags={"user2": "12345678"}), "12345678"),
    ],
)
def test_content_is_replaced(kind: str, data: Data, secret: str) -> None:
    masked = Masker(["content"])(stored(kind, data))
    assert secret not in masked.body.decode()
    assert MASK in masked.body.decode()


def test_attached_data_keeps_its_keys_and_shape() -> None:
    data = CallDataChanged(call="c1", changed=["pin"], values={"pin": {"deep": "1234"}})
    masked = Masker(["content"])(stored("call.data.changed", data))
    assert masked.data()["values"] == {"pin": MASK}


def test_steps_of_a_journey_keep_their_number_and_keys() -> None:
    data = CallJourney(call="c1", steps=[{"node": "7", "entered": "4711"}, {"queue": "q"}])
    masked = Masker(["data"])(stored("call.journey.observed", data))
    assert masked.data()["steps"] == [{"node": MASK, "entered": MASK}, {"queue": MASK}]


def test_figures_are_no_attached_data() -> None:
    data = Metrics(object=MetricObject(kind="queue", id="q"), values={"n": 3.0}, observed_at=NOW)
    event = stored("queue.metrics.observed", data)
    assert Masker(["data"])(event) is event


def test_a_key_of_attached_data_is_no_field_of_the_event() -> None:
    data = CallDataChanged(call="c1", values={"text": "kept", "payload": {"digits": "1"}})
    masked = Masker(["texts"])(stored("call.data.changed", data))
    assert masked.data()["values"] == {"text": "kept", "payload": {"digits": "1"}}


def test_a_text_that_looks_like_a_field_changes_nothing() -> None:
    event = stored("call.failed", Call(call="c1", cause='{"payload":"x"}'))
    assert Masker(["texts"])(event) is event


def test_of_a_type_that_is_not_known_all_data_is_masked() -> None:
    body = b'{"id":"1","type":"tieline.later.v9","data":{"said":"secret"}}'
    masked = Masker(["texts"])(StoredEvent(1, 1, "tieline.later.v9", "/tieline/main/x", body))
    assert masked.body == b'{"id":"1","type":"tieline.later.v9","data":{"said":"[masked]"}}'


@pytest.mark.parametrize("values", [b'"secret"', b'["secret"]', b"7"])
def test_what_has_another_shape_than_today_is_masked_whole(values: bytes) -> None:
    kind = "tieline.call.data.changed.v1"
    body = b'{"id":"1","data":{"call":"c1","values":' + values + b"}}"
    masked = Masker(["data"])(StoredEvent(1, 1, kind, "/tieline/main/x", body))
    assert masked.body == b'{"id":"1","data":{"call":"c1","values":"[masked]"}}'


def test_what_is_not_told_stays_untold() -> None:
    kind = "tieline.call.dtmf.sent.v1"
    body = b'{"id":"1","data":{"call":"c1","digits":null}}'
    masked = Masker(["texts"])(StoredEvent(1, 1, kind, "/tieline/main/x", body))
    assert masked.body == body


def test_the_id_of_a_message_is_no_content() -> None:
    message = InteractionMessage(interaction="i", media="chat", message="m1", text="secret")
    masked = Masker(["content"])(stored("interaction.message.added", message))
    assert masked.data()["message"] == "m1"


def test_a_masked_event_is_still_a_cloudevent_with_the_same_attributes() -> None:
    event = stored("call.held", Call(call="c1"))
    masked = Masker(["personal", "content"])(event)
    before, after = (msgspec.json.decode(one.structured()) for one in (event, masked))
    assert {key: value for key, value in after.items() if key != "data"} == {
        key: value for key, value in before.items() if key != "data"
    }
