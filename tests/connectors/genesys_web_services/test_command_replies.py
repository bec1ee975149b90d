"""What the platform's answers to commands mean."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.genesys_web_services.commands import (
    Login,
    is_access_denied,
    is_csrf_refusal,
    is_unknown,
    outcome_of,
    start_session,
)
from connectors.genesys_web_services.vendor import StatusCode
from gateway.commands import Status, Verb
from gateway.errors import CommandUncertain, Reason
from tests.connectors.genesys_web_services.operations import request

LOGIN = Login(channels=("voice", "chat"), place="p1")


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
    assert outcome.parts["chat"].message == "m (code 4)"


def test_access_denied_and_a_csrf_refusal_are_told_apart() -> None:
    denied = b'{"statusCode": 20, "statusMessage": "Access denied"}'
    csrf = b'{"statusCode": 3, "statusMessage": "Missing CSRF token"}'

    assert (is_access_denied(403, denied), is_csrf_refusal(403, denied)) == (True, False)
    assert (is_access_denied(403, csrf), is_csrf_refusal(403, csrf)) == (False, True)
    assert (is_access_denied(200, denied), is_csrf_refusal(200, csrf)) == (False, False)


@pytest.mark.parametrize("code", sorted(set(StatusCode) - {0, 7, 9}))
def test_every_code_has_a_bounded_reason_and_a_message_that_helps(code: int) -> None:
    outcome = outcome_of(start_session("agent1", LOGIN), 200, b'{"statusCode": %d}' % code)

    assert outcome.status is Status.REFUSED
    assert outcome.reason is not Reason.REFUSED
    assert (outcome.message or "").endswith(f"(code {code})")
    assert "HTTP" not in (outcome.message or "")


def test_a_code_that_nobody_documents_is_refused_all_the_same() -> None:
    outcome = outcome_of(start_session("agent1", LOGIN), 200, b'{"statusCode": 77}')

    assert (outcome.status, outcome.reason) == (Status.REFUSED, Reason.REFUSED)
    assert "code 77" in (outcome.message or "")


def test_an_operation_that_is_incomplete_is_uncertain() -> None:
    with pytest.raises(CommandUncertain, match="incomplete"):
        outcome_of(start_session("agent1", LOGIN), 200, b'{"statusCode": 9}')


@pytest.mark.parametrize(
    ("status", "body", "unknown"),
    [
        (200, b'{"statusCode": 2}', True),
        (200, b'{"statusCode": 1}', True),
        (200, b'{"statusCode": 6}', True),
        (200, b'{"statusCode": 10}', True),
        (404, b"", True),
        (405, b"", True),
        (200, b'{"statusCode": 5}', False),
        (403, b'{"statusCode": 3}', False),
        (200, b'{"statusCode": 4}', False),
        (200, b'{"status": "error"}', True),
        (200, b'{"status": 4}', False),
        (400, b"", False),
    ],
)
def test_another_spelling_is_tried_only_where_the_platform_may_not_know_this_one(
    status: int, body: bytes, *, unknown: bool
) -> None:
    assert is_unknown(status, body) is unknown


def test_the_answer_to_a_reply_names_the_interaction_that_the_proof_must_be_about() -> None:
    made = request(Verb.INTERACTION_REPLY, queue="q")

    named = outcome_of(made, 200, b'{"status": "ok", "replyInteractionId": "i2"}').expectation
    unnamed = outcome_of(made, 200, b'{"status": "ok"}').expectation

    assert named is not None
    assert (named.subject, named.confirmed_by) == (
        "interaction/i2",
        frozenset({"tieline.interaction.created.v1"}),
    )
    assert unnamed == made.expectation


def test_an_answer_that_is_itself_the_proof_is_done() -> None:
    made = request(Verb.INTERACTION_REMOVE_ATTACHMENT, attachment="d1")

    outcome = outcome_of(made, 200, b'{"statusCode": 0}')

    assert (outcome.status, outcome.native_reply) == (Status.DONE, {"statusCode": 0})


@pytest.mark.parametrize("parts", [None, {}, [1, "x", None], [{"statusCode": "y"}]])
def test_a_partial_success_of_any_shape_has_an_outcome(parts: Any) -> None:
    body = msgspec.json.encode({"statusCode": 7, "failed": parts, "succeeded": parts})

    assert outcome_of(start_session("agent1", LOGIN), 200, body).status is Status.PARTIAL
