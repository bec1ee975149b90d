"""What an event says about a command that waits for it, where the platform echoes the command's id."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from gateway.commands import Expectation, Status
from gateway.events import Classification, DamagedEvent, Event, StoredEvent, encode
from gateway.events.calls import Call
from gateway.events.common import Party
from gateway.evidence import judge

NOW = datetime(2024, 1, 2, tzinfo=UTC)
HELD = "tieline.call.held.v1"
FAILED = "tieline.call.failed.v1"
WAITING = Expectation(
    confirmed_by=frozenset({HELD}),
    refused_by=frozenset({FAILED}),
    subject="call/c1",
    cause="mine",
)


def told(type_name: str, *, call: str = "c1", cause: str | None = None) -> StoredEvent:
    event = Event(
        id="e1",
        source="/tieline/a/b",
        type=type_name,
        subject=f"call/{call}",
        time=NOW,
        recordedtime=NOW,
        partitionkey=call,
        data=Call(call=call, cause="invalid destination"),
        dataclassification=Classification.PERSONAL,
        causationid=UNSET if cause is None else cause,
    )
    return StoredEvent(1, 1, type_name, event.source, encode(event))


@pytest.mark.parametrize("type_name", [HELD, FAILED])
def test_an_event_of_another_command_decides_nothing(type_name: str) -> None:
    assert judge(WAITING, told(type_name, cause="another")) is None


@pytest.mark.parametrize("type_name", [HELD, FAILED])
def test_what_stands_in_for_a_damaged_event_decides_nothing(type_name: str) -> None:
    event = told(type_name, cause="mine")
    stand_in = DamagedEvent(1, 1, type_name, event.source, event.body, "a bit flipped")
    assert judge(WAITING, event) is not None
    assert judge(WAITING, stand_in) is None


@pytest.mark.parametrize("cause", ["mine", None])
def test_an_event_of_this_command_or_of_none_that_is_known_decides(cause: str | None) -> None:
    confirmed, refused = (judge(WAITING, told(name, cause=cause)) for name in (HELD, FAILED))

    assert confirmed is not None
    assert refused is not None
    assert (confirmed.status, refused.status) == (Status.DONE, Status.REFUSED)


def test_a_failure_of_this_command_refuses_it_whatever_it_is_about() -> None:
    verdict = judge(WAITING, told(FAILED, call="device:5001", cause="mine"))

    assert verdict is not None
    assert verdict.message == "invalid destination"
    assert judge(WAITING, told(FAILED, call="device:5001")) is None


def test_a_confirmation_is_about_the_right_thing_even_if_the_command_caused_it() -> None:
    assert judge(WAITING, told(HELD, call="c2", cause="mine")) is None


@pytest.mark.parametrize(("number", "decides"), [("5002", True), ("5003", False)])
def test_an_object_in_the_data_counts_as_its_only_member(number: str, *, decides: bool) -> None:
    left = "tieline.call.party.left.v1"
    expected = Expectation(
        confirmed_by=frozenset({left}), subject="call/c1", within={"party": {"number": number}}
    )
    event = Event(
        id="e1",
        source="/tieline/a/b",
        type=left,
        subject="call/c1",
        time=NOW,
        recordedtime=NOW,
        partitionkey="c1",
        data=Call(call="c1", party=Party(role="customer", number="5002")),
        dataclassification=Classification.PERSONAL,
    )

    verdict = judge(expected, StoredEvent(1, 1, left, event.source, encode(event)))

    assert (verdict is not None) is decides
