from __future__ import annotations

from typing import Any

import pytest

from gateway.events.agents import AgentChannel, AgentDevice, AgentStateData
from tests.connectors.genesys_web_services.builders import RECEIVED, Agent, call, device, verbs

DEVICES = "/v2/me/devices"
CHANNELS = "/v2/me/channels"


def states(events: list[Any]) -> list[AgentStateData]:
    return [event.data for event in events if isinstance(event.data, AgentStateData)]


@pytest.mark.parametrize(
    ("word", "work_mode", "expected"),
    [
        ("Ready", None, "ready"),
        ("Ready", "AutoIn", "ready"),
        ("NotReady", None, "not_ready"),
        ("NotReady", "AuxWork", "not_ready"),
        ("NotReady", "AfterCallWork", "after_contact"),
        ("LoggedIn", None, "not_ready"),
        ("LoggedOut", None, "logged_off"),
        ("Logged Out", None, "logged_off"),
        ("Logout", None, "logged_off"),
        ("Offline", None, "logged_off"),
        ("OnTheMoon", None, "unknown"),
    ],
)
def test_a_devices_state_and_work_mode_give_the_agents_state(
    word: str, work_mode: str | None, expected: str
) -> None:
    (told,) = states(Agent().hear(device(word, work_mode=work_mode), DEVICES))

    assert told.state == expected
    assert told.native_state == (f"{word}/{work_mode}" if work_mode else word)


def test_an_inactive_device_is_logged_off() -> None:
    (told,) = states(Agent().hear(device("Ready", deviceState="Inactive"), DEVICES))

    assert told.state == "logged_off"


@pytest.mark.parametrize("name", ["reason", "reasonCode"])
def test_the_reason_is_told_under_either_name(name: str) -> None:
    message = device("NotReady", userState={"state": "NotReady", name: "Lunch", "displayName": "L"})

    (told,) = states(Agent().hear(message, DEVICES))

    assert (told.reason, told.reason_label) == ("Lunch", "L")


def test_logging_in_and_out_begins_and_ends_a_session() -> None:
    agent = Agent()
    agent.hear(device("LoggedOut"), DEVICES)

    assert agent.verbs(device("NotReady"), DEVICES) == [
        "agent.session.started",
        "agent.state.changed",
    ]
    assert agent.verbs(device("LoggedOut"), DEVICES) == [
        "agent.session.ended",
        "agent.state.changed",
    ]


def test_a_state_that_is_only_restated_is_a_snapshot_and_no_change() -> None:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)

    assert agent.verbs(device("Ready", model="other"), DEVICES) == ["agent.state.snapshot"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"doNotDisturb": "On"}, {"do_not_disturb": True}),
        ({"doNotDisturb": "Off", "forwardTo": "900"}, {"forward_to": "900"}),
    ],
)
def test_do_not_disturb_and_forwarding_are_changes_of_the_device(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    agent = Agent()
    agent.hear(device("Ready", doNotDisturb="Off"), DEVICES)

    (event,) = agent.hear(device("Ready", **fields), DEVICES)

    assert isinstance(event.data, AgentDevice)
    assert {name: getattr(event.data, name) for name in expected} == expected


def test_a_change_of_base_state_during_a_call_is_told_as_pending() -> None:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)
    agent.hear(call("Ringing"))
    agent.hear(call("Established"))

    (told,) = states(agent.hear(device("NotReady"), DEVICES))

    assert (told.state, told.pending_state) == ("busy", "not_ready")
    assert [(m.media, m.state) for m in told.media] == [("voice", "not_ready")]


def test_the_agent_is_as_available_as_the_most_available_medium() -> None:
    agent = Agent()
    agent.hear(device("NotReady"), DEVICES)

    events = agent.hear(
        {"channels": [{"channel": "chat", "userState": {"state": "Ready"}}]}, CHANNELS
    )

    assert verbs(events) == ["agent.channel.changed", "agent.state.changed"]
    (told,) = states(events)
    assert told.state == "ready"
    assert [(m.media, m.state) for m in told.media] == [("voice", "not_ready"), ("chat", "ready")]


@pytest.mark.parametrize("name", ["dndState", "doNotDisturb"])
def test_a_channels_do_not_disturb_is_read_under_either_name(name: str) -> None:
    message = {"channels": [{"channel": "chat", name: "On", "userState": {"state": "Ready"}}]}

    channel = Agent().hear(message, CHANNELS)[0].data

    assert isinstance(channel, AgentChannel)
    assert channel.do_not_disturb is True


def test_what_the_platform_says_on_a_fresh_start_is_a_snapshot() -> None:
    agent = Agent()
    (resource,) = device("Ready")["devices"]

    events = agent.mapper.adopt(
        {"user": {"devices": [resource]}}, reading="c", received=RECEIVED, reconciled=False
    )

    assert verbs(events) == ["agent.state.snapshot"]
    assert {event.provenance.value for event in events} == {"snapshot"}


def test_what_changed_during_a_gap_is_told_as_reconciled() -> None:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)
    for name in ("c1", "c2"):
        agent.hear(call("Ringing", id=name))
        agent.hear(call("Established", id=name))
    (resource,) = device("NotReady")["devices"]
    held, offered = call("Held")["call"], call("Ringing", id="c3")["call"]

    events = agent.mapper.adopt(
        {"devices": [resource], "calls": [held, offered], "channels": []},
        reading="gap-1",
        received=RECEIVED,
        reconciled=True,
    )

    assert [(event.subject, *verbs([event])) for event in events] == [
        ("call/c1", "call.held"),
        ("call/c3", "call.offered"),
        ("call/c2", "call.ended"),
        ("agent/agent1", "agent.state.changed"),
    ]
    assert {event.provenance.value for event in events} == {"reconciled"}
    assert not any(event.anomaly for event in events)


def test_a_gap_without_a_change_tells_the_state_once_more() -> None:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)
    agent.hear(call("Ringing"))
    (resource,) = device("Ready")["devices"]

    events = agent.mapper.adopt(
        {"devices": [resource], "calls": [call("Ringing")["call"]]},
        reading="gap-1",
        received=RECEIVED,
        reconciled=True,
    )

    assert verbs(events) == ["agent.state.snapshot"]


def test_devices_that_are_gone_after_a_gap_end_the_session() -> None:
    agent = Agent()
    agent.hear(device("Ready"), DEVICES)

    events = agent.mapper.adopt(
        {"devices": []}, reading="gap-1", received=RECEIVED, reconciled=True
    )

    assert verbs(events) == ["agent.session.ended", "agent.state.changed"]
