"""Commands become the requests of the vendor's overview, and its replies become outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.incontact_wfo import PLATFORM, commands, vendor
from connectors.incontact_wfo.commands import Who
from gateway.capabilities import check
from gateway.commands import Command, CommandRequest, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason
from tests.connectors.incontact_wfo.harness import command
from tests.connectors.incontact_wfo.reference import REQUESTS

TAG = Verb.RECORDING_TAG
ANNA = Who(identifier="Id", value="1")


def whom(wanted: Command, holder: str | None = None) -> Who:
    return commands.whom(wanted, identify_by="Username", holder=holder)


def built(wanted: Command) -> commands.Request:
    who = commands.whom(wanted, identify_by="Id", holder=None)
    return commands.build(wanted, who, tag_fields=vendor.TAG_FIELDS)


@pytest.mark.parametrize(("verb", "target", "arguments", "path", "body"), REQUESTS)
def test_each_verb_has_the_request_of_the_overview(
    verb: str, target: dict[str, str], arguments: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    request = built(command(Verb(verb), **target, **arguments))

    assert (request.path, request.body) == (path, body)


def test_a_command_names_an_agent_a_device_or_a_call_and_only_one() -> None:
    start = Verb.RECORDING_START
    assert whom(command(start, agent="jdoe")) == Who(identifier="Username", value="jdoe")
    assert whom(command(start, agent="1", identifier="Id")) == ANNA
    assert whom(command(start, device="4678")) == Who(identifier="Phone", value="4678")
    assert whom(command(start, call="c7"), "1") == Who(identifier="Id", value="1", call="c7")
    for wanted in (
        command(start),
        command(start, agent="1", device="4678"),
        command(start, agent="1", call="c7"),
        command(start, interaction="i"),
        command(start, device="4678", identifier="Id"),
    ):
        with pytest.raises(CommandRefused) as refused:
            whom(wanted, "1")
        assert refused.value.reason is Reason.INVALID
        assert "target" in refused.value.message


def test_a_call_that_nobody_has_is_refused() -> None:
    with pytest.raises(CommandRefused) as refused:
        whom(command(Verb.RECORDING_STOP, call="c8"))

    assert refused.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ({}, "arguments.tags"),
        ({"keepdays": "1"}, "keepdays"),
        ({"user2": True}, "user2"),
        ({"user2": ["x"]}, "user2"),
        ({"user2": "x" * 5000}, "user2"),
    ],
)
def test_tags_that_cannot_be_sent_are_refused_by_name(tags: dict[str, Any], named: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        built(command(TAG, agent="1", tags=tags))

    assert refused.value.reason is Reason.INVALID
    assert named in refused.value.message


def test_tags_are_texts_and_their_names_in_lower_case() -> None:
    request = built(command(TAG, agent="1", tags={"User2": 12, "user3": ""}))

    assert request.body["CallMetadata"] == {"user2": "12", "user3": ""}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.AUTH),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (405, Reason.UNSUPPORTED),
        (418, Reason.CLIENT_ERROR),
        (302, Reason.CLIENT_ERROR),
        (429, Reason.RATE_LIMITED),
    ],
)
def test_a_refusal_says_why(status: int, reason: Reason) -> None:
    outcome = commands.outcome_of(ANNA, status, {"Message": "no"})

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)
    assert outcome.native_reply == {"Message": "no"}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_recorder_is_uncertain(status: int) -> None:
    with pytest.raises(CommandUncertain):
        commands.outcome_of(ANNA, status, None)


def test_a_reply_that_takes_the_command_is_no_proof() -> None:
    assert commands.outcome_of(ANNA, 200, None).status is Status.ACCEPTED


def test_a_tag_is_proved_by_its_own_fields() -> None:
    expected = commands.expectation(command(TAG, agent="1", tags={"User2": 7}), "1")

    assert expected.within == {"tags": {"user2": "7"}}
    assert (expected.where, expected.cause) == ({"agent": "1"}, "cmd-recording.tag")


@pytest.mark.parametrize("identifier", ["Agent ID", "id", ""])
def test_an_identifier_that_the_recorder_does_not_know_is_refused(identifier: str) -> None:
    request = CommandRequest(
        verb=Verb.RECORDING_START,
        connector="wfo",
        target=Target(agent="1"),
        arguments={"identifier": identifier},
    )
    with pytest.raises(CommandRefused, match=r"arguments\.identifier"):
        check(request, PLATFORM.capabilities)
