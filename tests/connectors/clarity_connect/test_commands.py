"""Commands to requests, replies to outcomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.clarity_connect import PLATFORM, commands
from connectors.clarity_connect.commands import Request, Situation
from connectors.clarity_connect.mapping import State
from connectors.clarity_connect.mapping.state import AgentKnown, SessionKnown
from gateway.commands import Command, Outcome, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

NOW = datetime(2024, 1, 1, tzinfo=UTC)
STATUSES = [
    {
        "agentStatus": "Unavailable",
        "agentStatusId": 3,
        "reasonCodeName": "At Lunch",
        "reasonCodeId": "2",
    }
]


def command(verb: Verb, *, agent: str | None = None, call: str | None = None,
            interaction: str | None = None, **arguments: Any) -> Command:  # fmt: skip
    return Command(
        id="c1", verb=verb, connector="cc", requester="test", created=NOW, deadline=NOW,
        target=Target(agent=agent, call=call, interaction=interaction), arguments=arguments,
    )  # fmt: skip


def situation(**changes: Any) -> Situation:
    return Situation(state=changes.pop("state", State()), **changes)


@pytest.mark.parametrize(
    ("asked", "method", "path", "body"),
    [
        (command(Verb.AGENT_SET_STATE, agent="5", state="ready"), "POST", "v2/agentStatus/update/5",
         {"agentStatusId": 1}),
        (command(Verb.AGENT_SET_STATE, agent="5", status="atLunch"), "POST", "v2/agentStatus/update/5",
         {"agentStatusId": 17}),
        (command(Verb.AGENT_SET_STATE, agent="5", state="not_ready", reason="at lunch"), "POST",
         "v2/agentStatus/update/5", {"agentStatusId": 3, "reasonCodeId": 2}),
        (command(Verb.AGENT_SET_SUSPENDED, agent="5", suspended=False), "POST",
         "v2/agentStatus/update/5", {"isSuspended": False}),
        (command(Verb.AGENT_LOGOUT, agent="5", sip="sip:a@b.c", gruu="1;x"), "POST",
         "v2/profile/unregister?sip=a@b.c&gruu=1%3Bx&sids=70", None),
        (command(Verb.RECORDING_START, agent="5"), "POST",
         "v2/sessions/callcontrol/startRecordingSessions/5", None),
        (command(Verb.RECORDING_STOP, agent="5"), "POST",
         "v2/sessions/callcontrol/stopRecordingSessions/5", None),
        (command(Verb.CALL_ADD_NOTE, call="70", note="hm"), "GET", "v2/sessions/70/setcallnotes",
         {"note": "hm"}),
        (command(Verb.CALL_SET_DISPOSITION, call="70", disposition=1, sub_disposition=2), "GET",
         "v2/sessions/70/setdispositions", {"dispositionId": 1, "subDispositionId": 2}),
        (command(Verb.INTERACTION_ATTACH_DATA, interaction="70", data={"Subject": 7}), "GET",
         "v2/sessions/70/setextraitems", {"extraItemName": "Subject", "extraItemValue": "7"}),
    ],
    ids=lambda value: value.verb.value if isinstance(value, Command) else "",
)  # fmt: skip
def test_each_verb_has_its_request(
    asked: Command, method: str, path: str, body: dict[str, Any] | None
) -> None:
    state = State(sessions={"70": SessionKnown(modality="audio", holders=["agent/5"])})

    (request,) = commands.build(asked, situation(statuses=STATUSES, state=state))

    assert (request.method, request.path, request.body) == (method, path, body)


def test_every_verb_of_the_table_is_built() -> None:
    for line in PLATFORM.capabilities:
        with pytest.raises(CommandRefused) as refusal:
            commands.build(command(line.verb), situation())
        assert refusal.value.reason is Reason.INVALID, line.verb


@pytest.mark.parametrize("reason", ["At Lunch", "atlunch", "2"])
def test_a_reason_is_found_by_name_or_number(reason: str) -> None:
    asked = command(Verb.AGENT_SET_STATE, agent="5", reason=reason)

    (request,) = commands.build(asked, situation(statuses=STATUSES))

    assert request.body == {"agentStatusId": 3, "reasonCodeId": 2}
    assert request.expectation is not None
    assert request.expectation.where == {"native_state": "unavailable", "reason": "At Lunch"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "state"),
        ({"state": "ready", "status": "busy"}, "status"),
        ({"state": "ready", "reason": "At Lunch"}, "reason"),
        ({"reason": "nowhere"}, "reason"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], named: str) -> None:
    asked = command(Verb.AGENT_SET_STATE, agent="5", **arguments)

    with pytest.raises(CommandRefused, match=f"arguments.{named}"):
        commands.build(asked, situation(statuses=STATUSES))


def test_what_is_so_already_is_done_without_an_event() -> None:
    asked = command(Verb.AGENT_SET_STATE, agent="5", state="ready")
    state = State(agents={"5": AgentKnown(status="available")})
    (request,) = commands.build(asked, situation(state=state))

    assert commands.outcome_of(asked, request, 204, None).status is Status.DONE


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.INVALID),
        (401, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (405, Reason.UNSUPPORTED),
    ],
)
def test_refusals_have_their_reason(status: int, reason: Reason) -> None:
    asked = command(Verb.AGENT_SET_STATE, agent="5", state="ready")
    (request,) = commands.build(asked, situation())

    outcome = commands.outcome_of(asked, request, status, {"message": "no"})

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)
    assert outcome.message is not None
    assert outcome.message.endswith(": no")


def test_a_failure_of_the_platform_leaves_it_open() -> None:
    asked = command(Verb.AGENT_SET_STATE, agent="5", state="ready")
    (request,) = commands.build(asked, situation())

    with pytest.raises(CommandUncertain):
        commands.outcome_of(asked, request, 500, None)


def recorded(*items: dict[str, Any]) -> Outcome:
    asked = command(Verb.RECORDING_START, agent="5")
    (request,) = commands.build(asked, situation())
    return commands.outcome_of(asked, request, 200, {"items": list(items), "count": len(items)})


WAITING = {"sessionId": 100, "isRecording": False, "canBeRecorded": True, "requestDenied": False,
           "requestFailed": False}  # fmt: skip


def test_each_session_of_a_recording_has_its_own_result() -> None:
    on = {**WAITING, "sessionId": 1, "isRecording": True}
    denied = {**WAITING, "sessionId": 2, "requestDenied": True}
    failed = {**WAITING, "sessionId": 3, "requestFailed": True}

    assert recorded(on).status is Status.DONE
    assert recorded(denied).reason is Reason.FORBIDDEN
    assert recorded(failed).reason is Reason.SERVER_ERROR
    mixed = recorded(on, denied, WAITING)
    assert mixed.status is Status.PARTIAL
    assert {name: part.status for name, part in mixed.parts.items()} == {
        "1": Status.DONE, "2": Status.REFUSED, "100": Status.UNKNOWN,
    }  # fmt: skip


def test_a_recording_that_is_asked_for_waits_for_its_event() -> None:
    """The vendor's sample answers before it records."""
    outcome = recorded(WAITING)

    assert outcome.status is Status.ACCEPTED
    assert outcome.expectation is not None
    assert outcome.expectation.subject == "recording/100"


def test_no_session_is_a_refusal() -> None:
    assert recorded().reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "told", "shown"),
    [
        ({"note": "a"}, {"callNote": "a"}, True),
        ({"note": "a"}, {}, False),
        ({"dispositionId": 1}, {"selectedCallDisposition": {"callDispositionId": 1}}, True),
        ({"dispositionId": 1, "subDispositionId": 2},
         {"selectedCallDisposition": {"callDispositionId": 1}}, False),
        ({"extraItemName": "k", "extraItemValue": "v"},
         {"extraItems": {"items": [{"key": "k", "value": "v"}]}}, True),
        ({"extraItemName": "k", "extraItemValue": "v"}, None, False),
    ],
)  # fmt: skip
def test_what_a_session_shows_is_the_proof(
    body: dict[str, Any],
    told: Any,
    shown: bool,  # noqa: FBT001 - a column of the table
) -> None:
    request = Request(method="GET", path="", body=body)

    assert commands.is_shown(request, told) is shown
