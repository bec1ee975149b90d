from __future__ import annotations

from typing import Any

import pytest

from gateway.events.interactions import Interaction, InteractionMessage
from gateway.events.operations import ServiceState
from tests.connectors.genesys_web_services.builders import Agent, interaction

TOPIC = "/v2/me/interactions"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Invited", "offered"),
        ("Accepted", "accepted"),
        ("Revoked", "revoked"),
        ("Rejected", "rejected"),
        ("ReplyCreated", "created"),
        ("Queued", "queued"),
        ("Pulled", "pulled"),
        ("Completed", "completed"),
        ("Canceled", "cancelled"),
        ("Transfigured", "changed"),
    ],
)
def test_the_state_word_says_what_happened(word: str, expected: str) -> None:
    assert Agent().verbs(interaction(word), TOPIC) == [f"interaction.{expected}"]


@pytest.mark.parametrize(
    "message",
    [
        {
            "messageType": "InteractionStateMessage",
            "interaction": {
                "id": "i1", "state": "Invited", "channel": "email", "type": "Inbound",
                "parentId": "p", "currentQueue": "q", "content": {"subject": "s"},
            },
        },
        {
            "messageType": "InteractionStateMessage", "id": "i1", "state": "Invited",
            "channel": "email", "interactionType": "Inbound", "parentInteractionId": "p",
            "currentQueue": "q", "email_object": {"Subject": "s"},
        },
        {
            "messageTypeName": "InteractionStateMessage", "id": "i1", "state": "Invited",
            "channel": "email", "interactionType": "Email", "interactionSubType": "InboundNew",
            "parentId": "p", "Queue": "q", "userData": {}, "email_object": {"Subject": "s"},
        },
        {
            "interaction": {
                "InteractionId": "i1", "state": "Invited", "MediaType": "email",
                "InteractionType": "Inbound", "parentId": "p", "Queue": "q",
                "content": {"subject": "s"},
            },
        },
    ],
    ids=["nested", "flat", "without an envelope", "without a message type"],
)  # fmt: skip
def test_every_nesting_and_naming_is_read(message: dict[str, Any]) -> None:
    (event,) = Agent().hear(message, TOPIC)

    data = event.data
    assert isinstance(data, Interaction)
    assert event.type == "tieline.interaction.offered.v1"
    assert (data.interaction, data.media, data.direction) == ("i1", "email", "inbound")
    assert (data.parent, data.queue, data.topic) == ("p", "q", "s")


def chat(events: list[dict[str, Any]]) -> dict[str, Any]:
    return interaction(
        "PropertiesChanged", channel="chat", content={"sessionId": "s1", "events": events}
    )


def test_chat_events_are_told_once_and_in_order_of_their_ids() -> None:
    agent = Agent()
    joined = {"id": 1, "messageType": "PARTY_JOINED", "userId": "u", "userType": "Client"}
    typing = {"id": 2, "messageType": "NOTICE", "noticeType": "TypingStarted", "userId": "u"}
    said = {"id": 3, "messageType": "MESSAGE", "userId": "u", "text": "hello"}

    assert agent.verbs(chat([typing, joined]), TOPIC) == [
        "interaction.party.joined",
        "interaction.typing.changed",
    ]
    (event,) = agent.hear(chat([said, typing, joined]), TOPIC)

    assert isinstance(event.data, InteractionMessage)
    assert event.data.sender is not None
    assert (event.data.text, event.data.sender.role) == ("hello", "customer")
    assert event.data.message == "s1/3"


def test_a_chat_message_with_nothing_new_is_a_change_of_the_interaction() -> None:
    agent = Agent()
    joined = {"id": 1, "messageType": "PARTY_JOINED", "userId": "u", "userType": "Client"}
    agent.hear(chat([joined]), TOPIC)

    assert agent.verbs({**chat([joined]), "extra": 1}, TOPIC) == ["interaction.changed"]


def test_the_memory_of_chat_events_is_bounded() -> None:
    agent = Agent()
    for number in range(10, 4000, 2):
        agent.hear(chat([{"id": number, "messageType": "MESSAGE", "text": "x"}]), TOPIC)

    (item,) = agent.mapper.picture.interactions.values()
    assert len(item.seen) <= 257


def test_an_unknown_event_of_a_chat_is_kept_whole() -> None:
    agent = Agent()

    (event,) = agent.hear(chat([{"id": 1, "messageType": "WHISPERED", "loud": 3}]), TOPIC)

    assert event.type == "tieline.vendor.message.v1"
    assert event.data.native.payload["loud"] == 3  # type: ignore[attr-defined]  # a vendor message


def test_the_newer_chat_messages_are_read() -> None:
    message = {
        "messageType": "MessageLogUpdated",
        "notificationType": "NewMessages",
        "chat": {
            "id": "i1",
            "messages": [{"index": 1, "type": "Text", "text": "hi", "from": {"type": "Customer"}}],
        },
    }

    (event,) = Agent().hear(message, "/v2/me/chats")

    assert isinstance(event.data, InteractionMessage)
    assert (event.data.media, event.data.text) == ("chat", "hi")


def test_attached_data_of_an_interaction_is_told_when_it_changes() -> None:
    agent = Agent()
    agent.hear(interaction("Invited", userData={"a": 1}), TOPIC)

    assert agent.verbs(interaction("Accepted", userData={"a": 2}), TOPIC) == [
        "interaction.accepted",
        "interaction.data.changed",
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"notificationType": "PasswordChangeSuccessful"}, "account.password.changed"),
        (
            {"notificationType": "PasswordChangeError", "errorCode": 2, "errorMessage": "no"},
            "account.password.failed",
        ),
    ],
)
def test_results_of_password_changes_are_told(message: dict[str, Any], expected: str) -> None:
    assert Agent().verbs(message, "/v2/me") == [expected]


def test_a_service_message_is_told_as_the_services_state() -> None:
    message = {
        "messageType": "ServiceStateChangeMessage",
        "service": {"name": "SIPS1", "type": "Voice", "state": "ReadOnly"},
    }

    (event,) = Agent().hear(message, "/notifications/services")

    assert isinstance(event.data, ServiceState)
    assert (event.subject, event.data.state) == ("service/SIPS1", "degraded")
