"""Messages beside the agent's calls and state: services, accounts, workbins, chats and work items of newer servers."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.genesys_web_services.vendor import (
    CHATS_TOPIC,
    SERVICES_TOPIC,
    USERS_TOPIC,
    WORK_ITEMS_TOPIC,
    WORKBINS_TOPIC,
)
from gateway.events import Event
from tests.connectors.genesys_web_services import samples
from tests.connectors.genesys_web_services.builders import Agent, interaction, verbs

INTERACTIONS = "/v2/me/interactions"


def service(state: str, *, name: str = "SIPS1") -> dict[str, Any]:
    return {"id": "7", "name": name, "type": "Voice", "state": state}


def service_message(state: str, **outer: Any) -> dict[str, Any]:
    return {"messageType": "ServiceStateChangeMessage", "service": service(state), **outer}


def workbin(happened: str, **fields: Any) -> dict[str, Any]:
    """A message of the workbins topic as the reference prints it."""
    return {
        "messageType": "workbinNotificationResource",
        "workbinContentOperation": happened,
        "interaction": {"id": "i1", "state": "Queued", "channel": "email"},
        "workbinInfo": {"workbinTypeId": "Drafts", "workbinAgentId": "kristi"},
        "actorInfo": {"actorType": "Agent", "agentId": "sipp"},
        **fields,
    }


def only(events: list[Event]) -> Any:
    (event,) = events
    return event.data


@pytest.mark.parametrize(
    ("word", "state"),
    [("Inactive", "down"), ("ReadOnly", "degraded"), ("Active", "up"), ("Odd", "unknown")],
)
def test_a_service_is_told_with_its_state_and_the_vendors_words(word: str, state: str) -> None:
    data = only(Agent().hear(service_message(word, referenceId="r1"), SERVICES_TOPIC))

    assert (data.service, data.state, data.previous) == ("SIPS1", state, None)
    assert (data.native.state, data.native.reference) == (word, "r1")
    assert data.native.ids == {"id": "7", "type": "Voice"}


def test_a_service_is_told_with_the_state_before() -> None:
    agent = Agent()
    agent.hear(service_message("Inactive"), SERVICES_TOPIC)

    assert only(agent.hear(service_message("Active"), SERVICES_TOPIC)).previous == "down"
    assert agent.mapper.picture.services == {"SIPS1": "up"}


def test_a_service_in_a_list_of_one_or_without_a_message_type_is_understood() -> None:
    listed = {"messageType": "ServiceStateChangeMessage", "service": [service("Inactive")]}
    bare = {"service": service("Inactive")}

    assert only(Agent().hear(listed, SERVICES_TOPIC)).state == "down"
    assert only(Agent().hear(bare, SERVICES_TOPIC)).state == "down"


def test_a_service_message_without_a_service_is_kept() -> None:
    message = {"messageType": "ServiceStateChangeMessage", "service": None}

    assert Agent().verbs(message, SERVICES_TOPIC) == ["vendor.message"]


def test_of_services_that_are_read_only_those_are_told_that_are_not_as_they_were() -> None:
    agent = Agent()
    agent.hear(service_message("Inactive"), SERVICES_TOPIC)
    listed = [service("Active"), service("Active", name="P"), service("ReadOnly", name="Q")]

    events = agent.mapper.adopt(
        {"services": listed}, reading="gap", received=agent.received, reconciled=True
    )

    assert [(event.subject, event.data.state) for event in events] == [  # type: ignore[attr-defined]  # a service event has it
        ("service/SIPS1", "up"),
        ("service/Q", "degraded"),
    ]


@pytest.mark.parametrize(
    ("fields", "account"),
    [({"userId": "u7"}, "u7"), ({"userUri": "http://gws.example.com/api/v2/users/u8"}, "u8")],
)
def test_another_users_password_is_told_under_that_users_name(
    fields: dict[str, str], account: str
) -> None:
    message = {"notificationType": "PasswordChangeError", "errorCode": 1, **fields}

    (event,) = Agent().hear(message, USERS_TOPIC)

    assert event.type == "tieline.account.password.failed.v1"
    assert (event.subject, event.data.reason) == (f"agent/{account}", "policy")  # type: ignore[attr-defined]  # an account event has it
    assert event.data.native.ids == fields  # type: ignore[attr-defined]  # an account event has it


def test_ones_own_password_is_told_under_the_agents_name() -> None:
    (event,) = Agent().hear({"notificationType": "PasswordChangeSuccessful"}, "/v2/me")

    assert (event.type, event.subject) == (
        "tieline.account.password.changed.v1",
        "agent/agent1",
    )


def test_on_the_users_topic_a_password_of_nobody_is_kept() -> None:
    message = {"notificationType": "PasswordChangeSuccessful"}

    assert Agent().verbs(message, USERS_TOPIC) == ["vendor.message"]


@pytest.mark.parametrize(
    ("operation", "verb"),
    [
        ("PlacedIn", "parked"),
        ("TakenOut", "pulled"),
        ("Pulled", "pulled"),
        ("PropertiesChanged", "changed"),
        ("SomethingNew", "changed"),
    ],
)
def test_what_happens_in_a_workbin_is_told_with_workbin_and_actor(
    operation: str, verb: str
) -> None:
    (event,) = Agent().hear(workbin(operation), WORKBINS_TOPIC)

    assert verbs([event]) == [f"interaction.{verb}"]
    data: Any = event.data
    assert (data.workbin.id, data.workbin.owner, data.workbin.owner_kind) == (
        "Drafts",
        "kristi",
        "agent",
    )
    assert (data.actor, data.native.ids["agentId"]) == ("agent", "sipp")


@pytest.mark.parametrize(
    ("operation", "verb"), [("Create", "parked"), ("Delete", "pulled"), ("Update", "changed")]
)
def test_without_the_contents_operation_the_resources_own_decides(
    operation: str, verb: str
) -> None:
    message = workbin("", operation=operation, messageType="WorkbinStateChangeMessage")

    assert Agent().verbs(message, WORKBINS_TOPIC) == [f"interaction.{verb}"]


def test_what_others_take_out_of_a_workbin_is_not_with_this_agent() -> None:
    agent = Agent()
    agent.hear(workbin("TakenOut"), WORKBINS_TOPIC)

    assert agent.mapper.picture.interactions == {}


def test_the_vendors_content_of_a_workbin_is_told_as_parked() -> None:
    agent = Agent()
    content = samples.load_reply("workbin_content")["interactions"]

    def read(items: list[Any], gap: str) -> list[Event]:
        resources = {"workbins": {"Facebook Workbin InProgress": items}}
        return agent.mapper.adopt(resources, reading=gap, received=agent.received, reconciled=True)

    (event,) = read(content, "gap-1")
    data: Any = event.data
    assert verbs([event]) == ["interaction.parked"]
    assert (data.interaction, data.media, data.direction, data.topic) == (
        "0000Aa8WRME43VG6",
        "email",
        "inbound",
        "test_receive_invite_and_accept_updateproperites",
    )
    assert (data.workbin.id, data.workbin.owner) == ("Facebook Workbin InProgress", "MaratTest")
    assert read(content, "gap-2") == []
    assert verbs(read([], "gap-3")) == ["interaction.pulled"]


def test_a_workbin_that_could_not_be_read_says_nothing() -> None:
    agent = Agent()
    agent.hear(workbin("PlacedIn"), WORKBINS_TOPIC)

    for resources in ({"workbins": {}}, {"workbins": {"Other": []}}, {}):
        assert (
            agent.mapper.adopt(resources, reading="gap", received=agent.received, reconciled=True)
            == []
        )


def test_a_pull_that_both_topics_tell_is_one_pull() -> None:
    pulled = interaction("Pulled")
    one, other = Agent(), Agent()

    assert one.verbs(pulled, INTERACTIONS) == ["interaction.pulled"]
    assert one.verbs(workbin("TakenOut"), WORKBINS_TOPIC) == ["interaction.changed"]
    assert other.verbs(workbin("TakenOut"), WORKBINS_TOPIC) == ["interaction.pulled"]
    assert other.verbs(pulled, INTERACTIONS) == ["interaction.changed"]
    assert one.mapper.picture.interactions.keys() == other.mapper.picture.interactions.keys()


def test_a_pull_after_a_pull_and_a_return_is_told_again() -> None:
    agent = Agent()
    told = [
        agent.verbs(message, topic)
        for message, topic in [
            (workbin("TakenOut"), WORKBINS_TOPIC),
            (interaction("Pulled"), INTERACTIONS),
            (workbin("PlacedIn"), WORKBINS_TOPIC),
            (interaction("Pulled"), INTERACTIONS),
        ]
    ]

    assert told == [
        ["interaction.pulled"],
        ["interaction.changed"],
        ["interaction.parked"],
        ["interaction.pulled"],
    ]


def test_a_workbin_message_without_an_interaction_and_a_subscriptions_state_are_kept() -> None:
    agent = Agent()

    for message in (
        {"messageType": "WorkbinStateChangeMessage", "workbin": {"id": "w1"}},
        {"messageType": "WorkbinSubscriptionStateChangeMessage", "state": "Active"},
    ):
        (event,) = agent.hear(message, WORKBINS_TOPIC)
        assert verbs([event]) == ["vendor.message"]
        assert event.data.native.payload == message  # type: ignore[attr-defined]  # a vendor message has it


def chat(state: str, **fields: Any) -> dict[str, Any]:
    """A chat as newer servers tell it on a topic of its own."""
    return {
        "messageType": "ChatStateChangeMessage",
        "notificationType": "StatusChange",
        "chat": {"id": "h1", "state": state, **fields},
    }


def test_a_chat_on_its_own_topic_is_an_interaction_with_the_medium_chat() -> None:
    agent = Agent()

    assert agent.verbs(chat("Invited"), CHATS_TOPIC) == ["interaction.offered"]
    (event,) = agent.hear(chat("Accepted"), CHATS_TOPIC)
    assert verbs([event]) == ["interaction.accepted"]
    assert event.data.media == "chat"  # type: ignore[attr-defined]  # an interaction event has it


@pytest.mark.parametrize("place", ["chat", "id", "interactionId"])
def test_new_lines_of_a_chat_are_told_once_whatever_names_the_chat(place: str) -> None:
    agent = Agent()
    agent.hear(chat("Accepted"), CHATS_TOPIC)
    line = {"index": 1, "type": "Text", "text": "Hello", "from": {"type": "Customer"}}
    log: dict[str, Any] = {"messageType": "MessageLogUpdated", "notificationType": "NewMessages"}
    log |= (
        {"chat": {"id": "h1", "messages": [line]}}
        if place == "chat"
        else {place: "h1", "messages": [line]}
    )

    (event,) = agent.hear(log, CHATS_TOPIC)
    assert verbs([event]) == ["interaction.message.added"]
    assert event.data.sender.role == "customer"  # type: ignore[attr-defined]  # a message event has it
    again = agent.verbs({**log, "referenceId": "r2"}, CHATS_TOPIC)
    assert "interaction.message.added" not in again


def test_a_chat_that_both_topics_tell_is_offered_once() -> None:
    agent = Agent()
    agent.hear(interaction("Invited", id="h1", channel="chat"), INTERACTIONS)

    assert agent.verbs(chat("Invited"), CHATS_TOPIC) == ["interaction.changed"]


@pytest.mark.parametrize("name", ["workitem", "workItem", "interaction"])
def test_a_work_item_on_its_own_topic_is_an_interaction_with_that_medium(name: str) -> None:
    message = {
        "messageType": "WorkItemStateChangeMessage",
        name: {"id": "w1", "state": "Invited"},
    }

    (event,) = Agent().hear(message, WORK_ITEMS_TOPIC)

    assert verbs([event]) == ["interaction.offered"]
    assert event.data.media == "workitem"  # type: ignore[attr-defined]  # an interaction event has it
