"""`EventError`: what it is told about, and which command it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from connectors.genesys_engage_cloud.mapping import Asked
from tests.connectors.genesys_engage_cloud.builders import RECEIVED, Agent, call, dn, error

HOLD = "tieline:call.hold:k1"


def asked(command: str, *, about: str | None = None, seconds: float = 10) -> Asked:
    until = (RECEIVED + timedelta(seconds=seconds)).timestamp()
    proofs = ["tieline.call.held.v1"] if about else ["tieline.call.initiated.v1"]
    return Asked(command=command, call=about, proofs=proofs, until=until)


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"connId": "n1"}, "call/c1"),
        ({"callUuid": "u1", "dn": "5001"}, "call/c1"),
        ({"connectionId": "n1"}, "call/c1"),
        ({"connId": "n9"}, "call/n9"),
        ({"dn": "5009"}, "call/device:5009"),
        ({"dn": {"number": "5009"}}, "call/device:5009"),
        ({}, "call/device:5001"),
    ],
)
def test_an_error_is_told_about_what_it_names(fields: dict[str, Any], subject: str) -> None:
    agent = Agent()
    agent.hear(dn("Ready"))
    agent.hear(call("Ringing"))

    (event,) = agent.hear(error(**fields))

    assert event.type == "tieline.call.failed.v1"
    assert event.subject == subject
    assert event.data.cause == "Invalid Destination DN"  # type: ignore[attr-defined]  # a call has it
    assert event.data.native.reason == "415"  # type: ignore[attr-defined]  # as above


def test_an_echoed_operation_names_the_command() -> None:
    (event,) = Agent().hear(error(operationId=HOLD))

    assert event.causationid == "k1"
    assert event.confidence.value == "observed"


def test_an_operation_of_another_program_names_no_command_of_ours() -> None:
    (event,) = Agent().hear(error(operationId="7d1f"))

    assert event.causationid is UNSET


def test_without_an_echo_the_only_command_that_waits_is_meant() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))
    agent.mapper.asked(asked("k1", about="c1"))

    (event,) = agent.hear(error())

    assert event.causationid == "k1"
    assert event.subject == "call/c1"
    assert event.confidence.value == "inferred"


def test_a_call_that_is_named_tells_which_of_two_commands_is_meant() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))
    agent.mapper.asked(asked("k1", about="c1"))
    agent.mapper.asked(asked("k2", about="c2"))

    (event,) = agent.hear(error(connId="n1"))

    assert event.causationid == "k1"


def test_of_two_that_wait_and_no_call_named_none_is_guessed() -> None:
    agent = Agent()
    agent.mapper.asked(asked("k1", about="c1"))
    agent.mapper.asked(asked("k2"))

    (event,) = agent.hear(error())

    assert event.causationid is UNSET


def test_a_command_that_was_answered_waits_no_more() -> None:
    agent = Agent()
    agent.hear(call("Established"))
    agent.mapper.asked(asked("k1", about="c1"))
    agent.hear(call("Held"))

    (event,) = agent.hear(error())

    assert event.causationid is UNSET


def test_a_command_whose_time_is_over_waits_no_more() -> None:
    agent = Agent()
    agent.mapper.asked(asked("k1", seconds=-1))

    (event,) = agent.hear(error())

    assert event.causationid is UNSET
    assert agent.mapper.picture.asked == []


def test_a_failed_operation_on_a_recording_is_told_for_the_recording_too() -> None:
    agent = Agent()
    agent.hear(call("Established"))

    assert agent.verbs(error(connId="n1", operationId="tieline:recording.pause:k1")) == [
        "call.failed",
        "recording.failed",
    ]


def test_the_same_error_for_another_call_is_no_duplicate() -> None:
    agent = Agent()

    assert agent.verbs(error(connId="n1")) == ["call.failed"]
    assert agent.verbs(error(connId="n2")) == ["call.failed"]
    assert agent.verbs(error(connId="n2")) == []
    assert agent.mapper.duplicates == 1
