"""Whatever arrives, the mapping neither raises nor swallows it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.genesys_engage_cloud.mapping import AgentPicture, vocabulary
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs, to_pairs
from connectors.genesys_engage_cloud.mapping.provisioning import ProvisioningMapper
from connectors.genesys_engage_cloud.mapping.statistics import StatisticsMapper
from gateway.events import encode
from gateway.events.operations import VendorMessage
from tests.connectors.genesys_engage_cloud.builders import (
    ORIGIN,
    RECEIVED,
    Agent,
    call,
    dn,
    error,
    interaction,
)
from tests.support.garbage import check_events, json_values, near_messages

topics = st.sampled_from(["/workspace/v3/voice", "/workspace/v3/initialization", "/x"])

_WORDS = {
    "messageType": sorted(vocabulary()),
    "notificationType": ["StateChange", "ParticipantsUpdated", "AttachedDataChanged", "NewMessages"],
    "state": ["Dialing", "Ringing", "Established", "Held", "Released", "Processing", "Complete", "InWorkbin"],
    "agentState": ["Ready", "NotReady", "LoggedOut"],
    "id": ["a", "b"],
    "callType": ["Consult", "Inbound"],
    "eventType": ["MonitoringStarted", "MonitoringStopped"],
    "otherDN": ["5002"],
    "connId": ["n1"], "parentConnId": ["n1"],
    "operationId": ["tieline:call.transfer:k1", "tieline:call.send_dtmf:k2", "x"],
    "channel": ["operations", "objects"],
    "path": ["/objects/users/1"],
    "serviceName": ["VOICE"], "serviceState": ["AVAILABLE"],
    "objectId": ["o"], "name": ["chat"], "type": ["Text", "kvlist"], "key": ["k"],
}  # fmt: skip
_NAMES = [
    *_WORDS, "call", "dn", "media", "channels", "interaction", "interactions", "chat", "email",
    "messages", "userData", "participants", "number", "from", "event", "error", "errorMessage",
    "statistics", "value", "timestamp", "data", "progress", "workbin", "workbins", "index", "text",
    "attachments", "reasons", "user", "activeSession", "calls", "recordingState", "eventContent",
]  # fmt: skip
near = near_messages(_WORDS, _NAMES)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(topics, json_values | near), max_size=8))
def test_any_json_leads_to_encodable_events_or_is_counted_as_a_duplicate(
    messages: list[tuple[str, Any]],
) -> None:
    agent = Agent()
    for topic, data in messages:
        before = agent.mapper.duplicates

        events = agent.hear(data, topic)

        check_events(events)
        assert bool(events) is not (agent.mapper.duplicates > before)


@settings(max_examples=40, deadline=None)
@given(st.lists(json_values | near, max_size=6))
def test_any_json_of_the_other_apis_leads_to_encodable_events(messages: list[Any]) -> None:
    for mapper in (StatisticsMapper(ORIGIN), ProvisioningMapper(ORIGIN)):
        for ordinal, data in enumerate(messages):
            events = mapper.map("/x", data, session="s", ordinal=ordinal, received=RECEIVED)
            assert events
            check_events(events)


@settings(max_examples=40, deadline=None)
@given(st.lists(near, max_size=6))
def test_the_picture_goes_through_json_and_goes_on_the_same(messages: list[dict[str, Any]]) -> None:
    one, other = Agent(), Agent()
    for data in messages:
        found = one.hear(data)
        encoded = msgspec.json.encode(other.mapper.picture)
        other.mapper.picture = msgspec.json.decode(encoded, type=AgentPicture)

        assert other.hear(data) == found


@settings(max_examples=40, deadline=None)
@given(near | json_values)
def test_any_answer_about_the_session_can_be_adopted(answer: Any) -> None:
    agent = Agent()
    agent.hear(call("Established"))
    agent.hear(interaction("Processing"))

    check_events(agent.mapper.adopt(answer, reading="r", received=RECEIVED, reconciled=True))


@settings(max_examples=60, deadline=None)
@given(json_values)
def test_any_value_can_be_read_as_pairs_and_objects_come_back(value: Any) -> None:
    found = from_pairs(value)

    assert isinstance(found, dict)
    encode_again = from_pairs(to_pairs(found))
    assert set(encode_again) == set(found) - {""}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("text", "not an object"),
        (None, "not an object"),
        ({}, "neither a message type nor a known shape"),
        ({"messageType": "Surprise"}, "unknown message type 'Surprise'"),
        ({"notificationType": "Surprise"}, "unknown notification type 'Surprise'"),
        (call("Ringing", id=None, callUuid=None, connId=None), "without an id"),
        ({"messageType": "CallStateChanged"}, "without a call"),
        ({"messageType": "DnStateChanged"}, "without a phone"),
        ({"messageType": "ChannelStateChanged"}, "without a channel"),
        ({"messageType": "InteractionStateChanged"}, "without an id"),
        ({"messageType": "EventError"}, "without an error"),
        ({"messageType": "ServiceStateChanged"}, "without a service"),
        ({"messageType": "MonitoringStateChanged"}, "without its kind"),
        ({"messageType": "EventUserEvent", "userData": []}, "another program"),
    ],
)
def test_what_is_not_understood_is_kept_whole_with_the_reason(data: Any, why: str) -> None:
    (event,) = Agent().hear(data)

    assert isinstance(event.data, VendorMessage)
    assert why in event.data.why
    assert event.data.native.payload == data


@pytest.mark.parametrize(
    "message", [call("Ringing"), dn("Ready"), interaction("Invited"), error(), {"messageType": "?"}]
)
def test_every_event_carries_the_reference_of_its_message(message: dict[str, Any]) -> None:
    for event in Agent().hear({**message, "referenceId": "sim-7"}):
        assert event.data.native.reference == "sim-7"  # type: ignore[attr-defined]  # all of these have it


def test_depth_and_size_of_numbers_are_bounded_so_that_the_event_can_be_written() -> None:
    deep: Any = "end"
    pairs: Any = "end"
    for _ in range(300):
        deep = {"d": deep}
        pairs = [{"key": "d", "type": "kvlist", "value": pairs}]

    for data in (
        {"messageType": "?", "deep": deep, "large": 2**70},
        call("Ringing", userData=pairs),
    ):
        for event in Agent().hear(data):
            encode(event)
