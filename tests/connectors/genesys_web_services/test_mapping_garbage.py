"""Whatever arrives, the mapping neither raises nor swallows it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.genesys_web_services.dictionaries import SOURCES, entries
from connectors.genesys_web_services.mapping import AgentPicture
from connectors.genesys_web_services.mapping.statistics import observations
from gateway.events import Event, encode
from gateway.events.operations import VendorMessage
from tests.connectors.genesys_web_services.builders import (
    RECEIVED,
    Agent,
    call,
    device,
    interaction,
)
from tests.support.garbage import check_events, json_values, near_messages

topics = st.sampled_from(["/v2/me", "/v2/me/calls", "/v2/me/devices", "/v2/me/channels", "/x"])

_WORDS = {
    "messageType": ["CallStateChangeMessage", "DeviceStateChangeMessage", "InteractionStateMessage",
        "MessageLogUpdated", "workbinNotificationResource", "ServiceStateChangeMessage"],
    "notificationType": ["StatusChange", "ParticipantsUpdated", "AttachedDataChanged", "DtmfSent",
        "CallRecordingStateChange", "PasswordChangeError"],
    "state": ["Dialing", "Ringing", "Established", "Held", "Released", "Accepted", "Ready", "NotReady"],
    "id": ["a", "b"],
    "errorMessage": ["no recording"],
    "referenceId": ["r1", "r2"],
    "recordingState": ["Recording", "Paused"],
    "noticeType": ["TypingStarted"],
}  # fmt: skip
_NAMES = [
    *_WORDS, "call", "devices", "channels", "interaction", "chat", "content", "events", "messages",
    "userData", "userState", "participants", "metrics", "eventProcessing", "from", "service", "mute",
    "serverGenerationTimestamp", "duration", "callUuid", "text", "attachments", "workbinInfo", "channel",
]  # fmt: skip
near = near_messages(_WORDS, _NAMES)


def check(events: list[Event], *, duplicate: bool) -> None:
    assert bool(events) is not duplicate
    check_events(events)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(topics, json_values | near), max_size=8))
def test_any_json_leads_to_encodable_events_or_is_counted_as_a_duplicate(
    messages: list[tuple[str, Any]],
) -> None:
    agent = Agent()
    for topic, data in messages:
        before = agent.mapper.duplicates

        events = agent.hear(data, topic)

        check(events, duplicate=agent.mapper.duplicates > before)


@settings(max_examples=40, deadline=None)
@given(st.lists(near, max_size=6))
def test_the_picture_goes_through_json_and_goes_on_the_same(messages: list[dict[str, Any]]) -> None:
    one, other = Agent(), Agent()
    for data in messages:
        found = one.hear(data)
        encoded = msgspec.json.encode(other.mapper.picture)
        other.mapper.picture = msgspec.json.decode(encoded, type=AgentPicture)

        assert other.hear(data) == found


resources = st.dictionaries(
    st.sampled_from(
        [
            "user",
            "devices",
            "channels",
            "calls",
            "interactions",
            "chats",
            "workitems",
            "services",
            "workbins",
            "statusCode",
        ]
    ),
    json_values | near | st.lists(near, max_size=3),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(near, max_size=3), json_values | resources, st.lists(json_values))
def test_any_answer_about_the_agent_leads_to_encodable_events(
    before: list[dict[str, Any]], answer: Any, heard: list[Any]
) -> None:
    agent = Agent()
    for data in before:
        agent.hear(data)

    events = agent.mapper.adopt(
        answer, reading="gap-1", received=RECEIVED, reconciled=True, heard=heard
    )

    check(events, duplicate=not events)
    msgspec.json.encode(agent.mapper.picture)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SOURCES)), json_values | near)
def test_any_answer_of_a_dictionary_or_of_statistics_is_read(dictionary: str, reply: Any) -> None:
    fields = reply if isinstance(reply, dict) else {"settings": reply, dictionary: reply}

    for key, entry in entries(dictionary, fields, personal=True).items():
        assert key == entry.id
        assert entry.mark
    for one in observations({"statistics": reply}):
        assert one.statistic


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("text", "not an object"),
        (None, "not an object"),
        ([1], "not an object"),
        ({}, "neither a message type nor a known shape"),
        ({"messageType": "Surprise"}, "unknown message type 'Surprise'"),
        ({"notificationType": "Surprise"}, "unknown notification type 'Surprise'"),
        (call("Ringing", id=None, callUuid=None), "without an id"),
        ({"messageType": "CallStateChangeMessage"}, "neither a call nor an error"),
        ({"messageType": "DeviceStateChangeMessage", "devices": []}, "without a device"),
        ({"messageType": "InteractionStateMessage", "interaction": {}}, "without an id"),
    ],
)
def test_what_is_not_understood_is_kept_whole_with_the_reason(data: Any, why: str) -> None:
    (event,) = Agent().hear(data)

    assert isinstance(event.data, VendorMessage)
    assert why in event.data.why
    assert event.data.native.payload == data


def test_an_unknown_notification_is_kept_beside_what_it_changed() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.verbs(call("Established", notification="Teleported")) == [
        "call.connected",
        "vendor.message",
    ]


@pytest.mark.parametrize(
    "message", [call("Ringing"), device("Ready"), interaction("Invited"), {"messageType": "?"}]
)
def test_every_event_carries_the_reference_of_its_message(message: dict[str, Any]) -> None:
    for event in Agent().hear({**message, "referenceId": "sim-7"}):
        assert event.data.native.reference == "sim-7"  # type: ignore[attr-defined]  # all of these have it


def test_depth_and_size_of_numbers_are_bounded_so_that_the_event_can_be_written() -> None:
    deep: Any = "end"
    for _ in range(300):
        deep = {"d": deep}

    for event in Agent().hear({"messageType": "?", "deep": deep, "large": 2**70}):
        encode(event)
