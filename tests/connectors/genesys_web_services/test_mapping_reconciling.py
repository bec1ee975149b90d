"""What is read after a gap: what is concluded from it, and the ids that make telling it twice harmless."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.genesys_web_services.mapping import AgentPicture, Mapper
from gateway.events import Event
from tests.connectors.genesys_web_services import samples
from tests.connectors.genesys_web_services.builders import (
    ORIGIN,
    RECEIVED,
    Agent,
    call,
    device,
    interaction,
    verbs,
)

DEVICES = "/v2/me/devices"


def adopted(agent: Agent, resources: dict[str, Any], *, reading: str = "gap-1") -> list[Event]:
    return agent.mapper.adopt(resources, reading=reading, received=RECEIVED, reconciled=True)


def again(agent: Agent) -> Agent:
    """The same agent in a process that starts from the picture as it was stored now."""
    other = Agent()
    stored = msgspec.json.encode(agent.mapper.picture)
    other.mapper = Mapper(ORIGIN, msgspec.json.decode(stored, type=AgentPicture))
    return other


def in_a_call() -> Agent:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)
    agent.hear(call("Ringing", id="c1"))
    agent.hear(call("Ringing", id="c2"))
    agent.hear(interaction("Accepted"), "/v2/me/interactions")
    return agent


RESOURCES = {
    "devices": device("NotReady")["devices"],
    "calls": [call("Established", id="c1", userData={"A": "1"})["call"]],
    "interactions": [],
}


def test_reading_again_from_the_same_picture_tells_the_same_under_the_same_ids() -> None:
    """A crash after the reading was told and before its picture was stored repeats it."""
    agent = in_a_call()
    other = again(agent)

    first, second = adopted(agent, RESOURCES), adopted(other, RESOURCES)

    assert len(first) > 4
    assert [event.id for event in first] == [event.id for event in second]


def test_what_else_changed_between_two_readings_gives_no_transition_a_second_id() -> None:
    agent = in_a_call()
    other = again(agent)
    later = RESOURCES | {
        "calls": [call("Established", id="c1", duration="9", participants=["5"])["call"]]
    }

    first, second = adopted(agent, RESOURCES), adopted(other, later)

    def connected(events: list[Event]) -> list[str]:
        return [event.id for event in events if verbs([event]) == ["call.connected"]]

    assert connected(first) == connected(second) != []


def test_the_same_transition_in_another_gap_has_another_id() -> None:
    agent = in_a_call()
    ids = set()
    for number, state in enumerate(["Held", "Established", "Held"]):
        events = adopted(agent, {"calls": [call(state)["call"]]}, reading=f"gap-{number}")
        ids |= {event.id for event in events if event.subject == "call/c1"}

    assert len(ids) == 3


def test_a_partial_answer_ends_nothing_that_it_does_not_name() -> None:
    agent = in_a_call()

    events = adopted(
        agent,
        {"statusCode": 7, "devices": [], "channels": [], "calls": [], "interactions": []},
    )

    assert verbs(events) == ["agent.state.snapshot"]
    assert set(agent.mapper.picture.calls) == {"c1", "c2"}


def test_a_list_that_was_not_read_says_nothing() -> None:
    agent = in_a_call()

    assert verbs(adopted(agent, {"calls": [call("Ringing", id="c1")["call"]]})) == ["call.ended"]
    assert set(agent.mapper.picture.interactions) == {"i1"}
    assert set(agent.mapper.picture.devices) == {"d1"}


def test_what_the_feed_speaks_of_meanwhile_is_left_to_the_feed() -> None:
    """The answer may be older or newer than what waits to be heard; either way it would tell things twice."""
    agent = in_a_call()
    waiting = [
        call("Established", id="c1"),
        call("Ringing", id="c9"),
        device("NotReady"),
        interaction("Completed"),
        {"messageType": "InteractionStateMessage", "id": "i9", "state": "Invited"},
        {"messageType": "ServiceStateChangeMessage", "service": {"name": "P", "state": "Active"}},
        "no message at all",
    ]
    resources = RESOURCES | {
        "calls": [call("Held", id="c1")["call"], call("Established", id="c9")["call"]],
        "interactions": [interaction("Accepted", id="i9")["interaction"]],
        "services": [{"name": "P", "state": "Inactive"}],
    }

    events = agent.mapper.adopt(
        resources, reading="gap-1", received=RECEIVED, reconciled=True, heard=waiting
    )

    assert [(event.subject, *verbs([event])) for event in events] == [
        ("call/c2", "call.ended"),
        ("agent/agent1", "agent.state.snapshot"),
    ]
    told = [agent.verbs(message) for message in waiting[:4]]
    assert [found[0] for found in told] == [
        "call.connected",
        "call.offered",
        "agent.state.changed",
        "interaction.completed",
    ]


def test_a_chat_of_its_own_list_is_not_missed_in_the_other() -> None:
    agent = Agent()
    chat = {"messageType": "ChatStateChangeMessage", "chat": {"id": "h1", "state": "Accepted"}}
    agent.hear(chat, "/v2/me/chats")

    assert adopted(agent, {"interactions": []}) == []
    assert adopted(agent, {"interactions": [], "chats": [chat["chat"]]}) == []
    (event,) = adopted(agent, {"interactions": [], "chats": []})
    assert verbs([event]) == ["interaction.completed"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("state_overall", [("agent.state.snapshot", "not_ready", "Lunch", "Out to Lunch")]),
        ("state_devices", [("agent.state.snapshot", "not_ready", "Lunch", "Out to Lunch")]),
        ("state_channels", [("agent.state.snapshot", "not_ready", "Lunch", "Out to Lunch")]),
        ("services", []),
    ],
)
def test_the_vendors_answers_about_an_agent_are_read(
    name: str, expected: list[tuple[str, ...]]
) -> None:
    events = adopted(Agent(), samples.load_reply(name))
    told: list[Any] = [event.data for event in events]

    assert [
        (verb, data.state, data.reason, data.reason_label)
        for verb, data in zip(verbs(events), told, strict=True)
    ] == expected


@pytest.mark.parametrize(
    ("name", "inside"), [("state_device", "device"), ("state_channel", "channel")]
)
def test_what_the_vendor_shows_of_one_thing_is_what_its_lists_have(name: str, inside: str) -> None:
    one = samples.load_reply(name)[inside]
    (listed,) = samples.load_reply(f"{name}s")[f"{inside}s"][:1]

    assert one == listed


def test_one_service_is_shown_as_a_list_of_one() -> None:
    reply = samples.load_reply("service")
    message = {"messageType": "ServiceStateChangeMessage", "service": reply["service"]}

    assert Agent().verbs(message, "/notifications/services") == ["service.state.changed"]
