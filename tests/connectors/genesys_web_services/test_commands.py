from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.genesys_web_services.capabilities import CAPABILITIES
from connectors.genesys_web_services.commands import (
    Login,
    Request,
    build,
    is_access_denied,
    is_csrf_refusal,
    outcome_of,
    start_session,
)
from gateway.commands import Command, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason
from gateway.events import CATALOGUE

NOW = datetime(2024, 1, 2, tzinfo=UTC)
LOGIN = Login(channels=("voice", "chat"), place="p1")


def request(
    verb: Verb, *, call: str | None = "c1", devices: Sequence[str] = ("d1", "d2"), **arguments: Any
) -> Request:
    command = Command(
        id="1",
        verb=verb,
        connector="gws",
        target=Target(agent="agent1", call=call),
        requester="test",
        created=NOW,
        deadline=NOW + timedelta(seconds=5),
        arguments=arguments,
    )
    return build(command, agent="agent1", login=LOGIN, devices=devices)


@pytest.mark.parametrize(
    ("verb", "arguments", "path", "body"),
    [
        (Verb.AGENT_SET_STATE, {"state": "ready"}, "/api/v2/me", {"operationName": "Ready"}),
        (
            Verb.AGENT_SET_STATE,
            {"state": "not_ready", "reason": "Lunch", "media": "voice"},
            "/api/v2/me/channels/voice",
            {"operationName": "Lunch"},
        ),
        (
            Verb.AGENT_SET_STATE,
            {"state": "after_contact", "media": "e/mail"},
            "/api/v2/me/channels/e%2Fmail",
            {"operationName": "AfterCallWork"},
        ),
        (
            Verb.AGENT_LOGIN,
            {"queue": "q"},
            "/api/v2/me",
            {
                "operationName": "StartContactCenterSession",
                "channels": ["voice", "chat"],
                "place": "p1",
                "queue": "q",
            },
        ),
        (Verb.AGENT_LOGOUT, {}, "/api/v2/me", {"operationName": "EndContactCenterSession"}),
        (
            Verb.CALL_DIAL,
            {"destination": "5550100"},
            "/api/v2/me/devices/d1/calls",
            {"operationName": "Dial", "destination": {"phoneNumber": "5550100"}},
        ),
        (
            Verb.CALL_DIAL,
            {"destination": "1", "device": "d9"},
            "/api/v2/me/devices/d9/calls",
            {"operationName": "Dial", "destination": {"phoneNumber": "1"}},
        ),
        (Verb.CALL_ANSWER, {}, "/api/v2/me/calls/c1", {"operationName": "Answer"}),
        (Verb.CALL_HANG_UP, {}, "/api/v2/me/calls/c1", {"operationName": "Hangup"}),
        (Verb.CALL_HOLD, {}, "/api/v2/me/calls/c1", {"operationName": "Hold"}),
        (Verb.CALL_RETRIEVE, {}, "/api/v2/me/calls/c1", {"operationName": "Retrieve"}),
        (Verb.RECORDING_START, {}, "/api/v2/me/calls/c1", {"operationName": "StartCallRecording"}),
        (Verb.RECORDING_STOP, {}, "/api/v2/me/calls/c1", {"operationName": "StopCallRecording"}),
        (Verb.RECORDING_PAUSE, {}, "/api/v2/me/calls/c1", {"operationName": "PauseCallRecording"}),
        (
            Verb.RECORDING_RESUME,
            {},
            "/api/v2/me/calls/c1",
            {"operationName": "ResumeCallRecording"},
        ),
    ],
)
def test_a_command_becomes_the_vendors_request(
    verb: Verb, arguments: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    made = request(verb, **arguments)

    assert (made.path, made.body) == (path, body)


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda capability: capability.verb.value)
def test_the_table_names_events_that_exist_and_that_the_requests_expect(capability: Any) -> None:
    arguments = {"state": "ready"} if capability.verb is Verb.AGENT_SET_STATE else {}
    arguments |= {"destination": "1"} if capability.verb is Verb.CALL_DIAL else {}

    expectation = request(capability.verb, **arguments).expectation

    assert set(capability.confirmed_by) <= CATALOGUE.keys()
    assert expectation.confirmed_by <= set(capability.confirmed_by)
    assert expectation.refused_by <= CATALOGUE.keys()


@pytest.mark.parametrize(
    ("media", "devices", "expected"),
    [
        (None, ["d1"], {"media": "voice", "state": "ready"}),
        ("voice", [], {"media": "voice", "state": "ready"}),
        (None, [], {"state": "ready"}),
    ],
)
def test_a_state_is_proved_by_the_readiness_of_the_medium_it_is_about(
    media: str | None, devices: list[str], expected: dict[str, str]
) -> None:
    arguments = {"state": "ready"} | ({"media": media} if media else {})

    made = request(Verb.AGENT_SET_STATE, devices=devices, **arguments)

    assert made.expectation.within == {"media": expected}


@pytest.mark.parametrize(
    ("verb", "arguments", "field"),
    [
        (Verb.AGENT_SET_STATE, {}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "asleep"}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": 3}, "arguments.media"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": ".."}, "arguments.media"),
        (Verb.AGENT_LOGIN, {"channels": "voice"}, "arguments.channels"),
        (Verb.AGENT_LOGIN, {"channels": [1]}, "arguments.channels"),
        (Verb.CALL_DIAL, {}, "arguments.destination"),
        (Verb.CALL_DIAL, {"destination": {"phoneNumber": "1"}}, "arguments.destination"),
        (Verb.CALL_SWAP, {}, "verb"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_field(
    verb: Verb, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(CommandRefused, match=field):
        request(verb, **arguments)


def test_a_call_command_without_a_call_is_refused() -> None:
    with pytest.raises(CommandRefused, match=r"target\.call"):
        request(Verb.CALL_HOLD, call=None)


def test_dialling_without_a_known_phone_is_refused_with_the_remedy() -> None:
    command = Command(
        id="1",
        verb=Verb.CALL_DIAL,
        connector="gws",
        target=Target(agent="agent1"),
        requester="test",
        created=NOW,
        deadline=NOW,
        arguments={"destination": "1"},
    )

    with pytest.raises(CommandRefused, match="log the agent in"):
        build(command, agent="agent1", login=LOGIN, devices=[])


@pytest.mark.parametrize(
    "body",
    [
        b'{"statusCode": 0}',
        b'{"statusCode": "0"}',
        b'{"status": "ok"}',
        b'{"status": "ok", "replyInteractionId": "i"}',
        b'{"status": 0}',
        b'{"uri": "http://h/x"}',
        b"",
        b" \n",
    ],
)
def test_every_form_of_success_is_accepted_and_waits_for_its_event(body: bytes) -> None:
    made = start_session("agent1", LOGIN)

    outcome = outcome_of(made, 200, body)

    assert outcome.status is Status.ACCEPTED
    assert outcome.expectation == made.expectation


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (200, b'{"statusCode": 1, "statusMessage": "no place"}', Reason.INVALID, "no place"),
        (200, b'{"statusCode": 2}', Reason.CONFLICT, "code 2"),
        (200, b'{"status": "error", "errorDescription": "busy"}', Reason.SERVER_ERROR, "busy"),
        (200, b'{"status": 6, "description": "gone"}', Reason.NOT_FOUND, "gone"),
        (200, b'{"status": "3"}', Reason.FORBIDDEN, "code 3"),
        (404, b"", Reason.NOT_FOUND, "HTTP 404"),
        (403, b'{"statusCode": 5, "statusMessage": "rights"}', Reason.FORBIDDEN, "rights"),
        (500, b'{"statusCode": 4, "statusMessage": "down"}', Reason.SERVER_ERROR, "down"),
        (302, b"", Reason.REFUSED, "HTTP 302"),
    ],
)
def test_every_form_of_failure_is_refused_with_its_reason(
    status: int, body: bytes, reason: Reason, message: str
) -> None:
    outcome = outcome_of(start_session("agent1", LOGIN), status, body)

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)
    assert message in (outcome.message or "")


@pytest.mark.parametrize(
    ("status", "body"), [(502, b"<html>"), (503, b""), (200, b"<html>"), (200, b"[]")]
)
def test_an_answer_that_leaves_it_open_is_uncertain(status: int, body: bytes) -> None:
    with pytest.raises(CommandUncertain):
        outcome_of(start_session("agent1", LOGIN), status, body)


@pytest.mark.parametrize("key", ["channel", "id", "uri"])
def test_partial_success_has_an_outcome_for_each_part(key: str) -> None:
    body = (
        f'{{"statusCode": 7, "failed": [{{"statusCode": 4, "statusMessage": "m", "{key}": "chat"}}],'
        f' "succeeded": [{{"statusCode": 0, "{key}": "voice"}}]}}'
    )

    outcome = outcome_of(start_session("agent1", LOGIN), 200, body.encode())

    assert outcome.status is Status.PARTIAL
    assert {name: part.status for name, part in outcome.parts.items()} == {
        "voice": Status.ACCEPTED,
        "chat": Status.REFUSED,
    }
    assert outcome.parts["chat"].message == "m"


def test_access_denied_and_a_csrf_refusal_are_told_apart() -> None:
    denied = b'{"statusCode": 20, "statusMessage": "Access denied"}'
    csrf = b'{"statusCode": 3, "statusMessage": "Missing CSRF token"}'

    assert (is_access_denied(403, denied), is_csrf_refusal(403, denied)) == (True, False)
    assert (is_access_denied(403, csrf), is_csrf_refusal(403, csrf)) == (False, True)
    assert (is_access_denied(200, denied), is_csrf_refusal(200, csrf)) == (False, False)
