"""Commands on their way out and answers on their way in, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.genesys_engage_cloud.capabilities import CAPABILITIES
from connectors.genesys_engage_cloud.commands import (
    Login,
    Request,
    Situation,
    activate,
    build,
    outcome_of,
    summary,
)
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture, Ended, Item, Leg
from connectors.genesys_engage_cloud.operation_ids import command_of, operation_id, verb_of
from gateway.commands import Command, Outcome, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason
from gateway.states import ConnectionState

NOW = datetime(2024, 1, 2, tzinfo=UTC)
ROOT = "/workspace/v3"
LOGIN = Login(agent_id="kristi", place="P1")


def picture() -> AgentPicture:
    return AgentPicture(
        calls={
            "c1": Leg(state=ConnectionState.HELD, connection="n1"),
            "c2": Leg(
                state=ConnectionState.CONNECTED, connection="n2", parent="n1", direction="consult"
            ),
            "c3": Leg(state=ConnectionState.ALERTING, connection="n3"),
        },
        interactions={"m1": Item(media="email"), "t1": Item(media="chat")},
        ended={"w1": Ended(parked=True, media="workitem")},
    )


def command(
    verb: Verb, *, call: str | None = None, interaction: str | None = None, **arguments: Any
) -> Command:
    return Command(
        id="k1",
        verb=verb,
        connector="cloud",
        target=Target(agent="kristi", call=call, interaction=interaction),
        requester="test",
        created=NOW,
        deadline=NOW + timedelta(seconds=10),
        arguments=arguments,
    )


def built(verb: Verb, **given: Any) -> Request:
    return build(command(verb, **given), situation())


def situation() -> Situation:
    return Situation(agent="kristi", login=LOGIN, picture=picture(), users={"kate": "kate.lewis"})


def data(request: Request) -> Any:
    assert request.body is not None
    return request.body.get("data")


CALL = {"call": "c1"}
MAIL = {"interaction": "m1"}
CHAT = {"interaction": "t1"}
PAIRS = [{"key": "a", "type": "str", "value": "b"}, {"key": "n", "type": "int", "value": 7}]
OPERATIONS: list[tuple[Verb, dict[str, Any], str, Any]] = [
    (Verb.AGENT_SET_STATE, {"state": "ready"}, "voice/ready", None),
    (
        Verb.AGENT_SET_STATE,
        {"state": "not_ready", "reason": "7"},
        "voice/not-ready",
        {"reasonCode": "7"},
    ),
    (
        Verb.AGENT_SET_STATE,
        {"state": "after_contact"},
        "voice/not-ready",
        {"agentWorkMode": "AfterCallWork"},
    ),
    (Verb.AGENT_SET_STATE, {"state": "logged_off"}, "voice/logout", None),
    (Verb.AGENT_SET_STATE, {"state": "ready", "media": "chat"}, "media/chat/ready", None),
    (Verb.AGENT_SET_STATE, {"state": "ready", "media": "all"}, "media/ready", None),
    (Verb.AGENT_LOGIN, {}, "activate-channels", {"agentId": "kristi", "placeName": "P1"}),
    (
        Verb.AGENT_LOGIN,
        {"dn": "5001", "channels": ["chat"], "queue": "q"},
        "activate-channels",
        {"agentId": "kristi", "dn": "5001", "queueName": "q", "channels": ["voice", "chat"]},
    ),
    (Verb.AGENT_LOGOUT, {}, "voice/logout", None),
    (Verb.AGENT_LOGOUT, {"media": "all"}, "media/logout", None),
    (Verb.AGENT_LOGOUT, {"end_session": True}, "logout", None),
    (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True}, "voice/dnd-on", None),
    (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": False, "scope": "media"}, "media/dnd-off", None),
    (Verb.AGENT_FORWARD, {"destination": "9"}, "voice/set-forward", {"forwardTo": "9"}),
    (Verb.AGENT_CANCEL_FORWARD, {}, "voice/cancel-forward", None),
    (
        Verb.CALL_DIAL,
        {"destination": "9", "data": {"a": "b", "n": 7}, "caller_id": "1", "location": "L"},
        "voice/make-call",
        {"destination": "9", "location": "L", "userData": PAIRS, "outboundCallerId": "1"},
    ),
    (Verb.CALL_ANSWER, CALL, "voice/calls/c1/answer", None),
    (Verb.CALL_HOLD, CALL, "voice/calls/c1/hold", None),
    (Verb.CALL_RETRIEVE, CALL, "voice/calls/c1/retrieve", None),
    (
        Verb.CALL_RETRIEVE,
        {**CALL, "release_call": "c2"},
        "voice/calls/c2/reconnect",
        {"heldConnId": "n1"},
    ),
    (Verb.CALL_HANG_UP, CALL, "voice/calls/c1/release", None),
    (Verb.CALL_HANG_UP, {**CALL, "everyone": True}, "voice/calls/c1/clear", None),
    (
        Verb.CALL_TRANSFER,
        {**CALL, "destination": "9"},
        "voice/calls/c1/single-step-transfer",
        {"destination": "9"},
    ),
    (
        Verb.CALL_TRANSFER,
        {"call": "c3", "destination": "9"},
        "voice/calls/c3/redirect",
        {"destination": "9"},
    ),
    (
        Verb.CALL_TRANSFER,
        {**CALL, "destination": "9", "mode": "consult"},
        "voice/calls/c1/initiate-transfer",
        {"destination": "9"},
    ),
    (
        Verb.CALL_COMPLETE_TRANSFER,
        CALL,
        "voice/calls/c2/complete-transfer",
        {"parentConnId": "n1"},
    ),
    (
        Verb.CALL_CONFERENCE,
        {**CALL, "destination": "9"},
        "voice/calls/c1/single-step-conference",
        {"destination": "9"},
    ),
    (
        Verb.CALL_CONFERENCE,
        {**CALL, "destination": "9", "mode": "consult"},
        "voice/calls/c1/initiate-conference",
        {"destination": "9"},
    ),
    (
        Verb.CALL_COMPLETE_CONFERENCE,
        {**CALL, "consult_call": "c2"},
        "voice/calls/c2/complete-conference",
        {"parentConnId": "n1"},
    ),
    (
        Verb.CALL_REMOVE_PARTY,
        {**CALL, "party": "9"},
        "voice/calls/c1/delete-from-conference",
        {"dnToDrop": "9"},
    ),
    (
        Verb.CALL_SWAP,
        {"call": "c2", "other_call": "c1"},
        "voice/calls/c2/alternate",
        {"heldConnId": "n1"},
    ),
    (Verb.CALL_MERGE, {**CALL, "other_call": "c2"}, "voice/calls/c1/merge", {"otherConnId": "n2"}),
    (
        Verb.CALL_SEND_DTMF,
        {**CALL, "digits": "1a#"},
        "voice/calls/c1/send-dtmf",
        {"dtmfDigits": "1A#"},
    ),
    (
        Verb.CALL_ATTACH_DATA,
        {**CALL, "data": {"a": "b", "n": 7}},
        "voice/calls/c1/attach-user-data",
        {"userData": PAIRS},
    ),
    (
        Verb.CALL_ATTACH_DATA,
        {**CALL, "data": {"a": "b", "n": 7}, "mode": "replace"},
        "voice/calls/c1/update-user-data",
        {"userData": PAIRS},
    ),
    (
        Verb.CALL_DELETE_DATA,
        {**CALL, "keys": ["a"]},
        "voice/calls/c1/delete-user-data-pair",
        {"key": "a"},
    ),
    (Verb.RECORDING_START, CALL, "voice/calls/c1/start-recording", None),
    (Verb.RECORDING_PAUSE, CALL, "voice/calls/c1/pause-recording", None),
    (Verb.RECORDING_RESUME, CALL, "voice/calls/c1/resume-recording", None),
    (Verb.RECORDING_STOP, CALL, "voice/calls/c1/stop-recording", None),
    (
        Verb.SUPERVISION_LISTEN,
        {"destination": "9", "next": "all_calls", "scope": "agent"},
        "voice/start-monitoring",
        {
            "phoneNumberToMonitor": "9",
            "monitoringMode": "Mute",
            "monitoringNextCallType": "AllCalls",
            "monitoringScope": "Agent",
        },
    ),
    (
        Verb.SUPERVISION_COACH,
        CALL,
        "voice/calls/c1/switch-to-coaching",
        {"monitoringScope": "Call"},
    ),
    (
        Verb.SUPERVISION_BARGE,
        CALL,
        "voice/calls/c1/switch-to-barge-in",
        {"monitoringScope": "Call"},
    ),
    *(
        (
            verb,
            {"destination": "9"},
            "voice/start-monitoring",
            {
                "phoneNumberToMonitor": "9",
                "monitoringMode": mode,
                "monitoringNextCallType": "OneCall",
                "monitoringScope": "Call",
            },
        )
        for verb, mode in (
            (Verb.SUPERVISION_LISTEN, "Mute"),
            (Verb.SUPERVISION_COACH, "Coach"),
            (Verb.SUPERVISION_BARGE, "Connect"),
        )
    ),
    (
        Verb.SUPERVISION_STOP,
        {"destination": "9"},
        "voice/stop-monitoring",
        {"phoneNumber": "9"},
    ),
    (
        Verb.INTERACTION_CREATE,
        {"to": ["a@example.com"], "subject": "s", "text": "t"},
        "media/email/interactions/create",
        {"to": ["a@example.com"], "subject": "s", "body": "t"},
    ),
    (
        Verb.INTERACTION_ACCEPT,
        {**CHAT, "nickname": "Kim"},
        "media/chat/interactions/t1/accept",
        {"nickname": "Kim"},
    ),
    (Verb.INTERACTION_REJECT, MAIL, "media/email/interactions/m1/reject", None),
    (Verb.INTERACTION_CANCEL, MAIL, "media/email/interactions/m1/cancel", None),
    (Verb.INTERACTION_COMPLETE, MAIL, "media/email/interactions/m1/complete", None),
    (Verb.INTERACTION_PULL, {"interaction": "w1"}, "media/workitem/interactions/w1/pull", None),
    (
        Verb.INTERACTION_QUEUE,
        {**MAIL, "queue": "q"},
        "media/email/interactions/m1/place-in-queue",
        {"queue": "q"},
    ),
    (
        Verb.INTERACTION_PARK,
        {**MAIL, "workbin": "w"},
        "workbins/w/add-interaction",
        {"interactionId": "m1"},
    ),
    (
        Verb.INTERACTION_TRANSFER,
        {**MAIL, "destination": "sipp"},
        "media/email/interactions/m1/transfer-agent",
        {"agentId": "sipp"},
    ),
    (
        Verb.INTERACTION_REPLY,
        {**MAIL, "text": "t", "all": True},
        "media/email/interactions/m1/reply-all",
        {"body": "t"},
    ),
    (
        Verb.INTERACTION_REPLY,
        {**MAIL, "text": "t"},
        "media/email/interactions/m1/reply",
        {"body": "t"},
    ),
    (
        Verb.INTERACTION_SEND,
        {**MAIL, "from": "h@example.com"},
        "media/email/interactions/m1/send",
        {"from": "h@example.com"},
    ),
    (
        Verb.INTERACTION_SEND_MESSAGE,
        {**CHAT, "text": "hi", "visibility": "Agent"},
        "media/chat/interactions/t1/send-message",
        {"message": "hi", "visibility": "Agent"},
    ),
    (
        Verb.INTERACTION_TYPING,
        {**CHAT, "on": True},
        "media/chat/interactions/t1/send-typing-started",
        None,
    ),
    (
        Verb.INTERACTION_TYPING,
        {**CHAT, "on": False},
        "media/chat/interactions/t1/send-typing-stopped",
        None,
    ),
    (
        Verb.INTERACTION_INVITE,
        {**CHAT, "destination": "sipp"},
        "media/chat/interactions/t1/invite",
        {"agentId": "sipp"},
    ),
    (
        Verb.INTERACTION_INVITE,
        {**CHAT, "queue": "q"},
        "media/chat/interactions/t1/invite-by-queue",
        {"queue": "q"},
    ),
    (
        Verb.INTERACTION_LEAVE,
        {**CHAT, "after": "keep"},
        "media/chat/interactions/t1/leave",
        {"afterAction": "KeepAlive"},
    ),
    (
        Verb.INTERACTION_END_SESSION,
        CHAT,
        "media/chat/interactions/t1/leave",
        {"afterAction": "ForceClose"},
    ),
    (
        Verb.INTERACTION_ATTACH_DATA,
        {**MAIL, "data": {"a": "b", "n": 7}},
        "media/email/interactions/m1/attach-user-data",
        {"userData": PAIRS},
    ),
    (
        Verb.INTERACTION_ATTACH_DATA,
        {**MAIL, "data": {"a": "b", "n": 7}, "mode": "replace"},
        "media/email/interactions/m1/update-user-data",
        {"userData": PAIRS},
    ),
    (
        Verb.INTERACTION_DELETE_DATA,
        {**MAIL, "keys": ["a", "n"]},
        "media/email/interactions/m1/delete-user-data",
        {"keys": ["a", "n"]},
    ),
    (
        Verb.INTERACTION_ADD_NOTE,
        {"interaction": "x1", "media": "workitem", "text": "t"},
        "media/workitem/interactions/x1/set-comment",
        {"comment": "t"},
    ),
    (
        Verb.AGENT_SET_STATE,
        {"state": "not_ready", "reason": "7", "user": "kate", "dn": "5003"},
        "supervisor/voice/not-ready",
        {"userName": "kate.lewis", "dn": "5003", "reasonCode": "7"},
    ),
    (
        Verb.AGENT_LOGOUT,
        {"user": "kate.lewis"},
        "supervisor/voice/logout",
        {"userName": "kate.lewis"},
    ),
    (Verb.AGENT_LOGIN, {"media": "voice"}, "voice/login", None),
    (
        Verb.AGENT_SEND_USER_EVENT,
        {"data": {"a": "b", "n": 7}},
        "voice/send-user-event",
        {"userData": PAIRS},
    ),
    (
        Verb.AGENT_SEND_USER_EVENT,
        {**CALL, "data": {"a": "b", "n": 7}},
        "voice/send-user-event",
        {"userData": PAIRS, "connId": "n1"},
    ),
    (
        Verb.CALL_COMPLETE,
        {**CALL, "data": {"a": "b", "n": 7}},
        "voice/calls/c1/complete",
        {"userData": PAIRS},
    ),
    (
        Verb.SUPERVISION_LISTEN,
        {"destination": "e0002", "media": "chat", "next": "all_calls"},
        "media/chat/start-monitoring",
        {
            "agentId": "e0002",
            "monitoringMode": "Monitor",
            "monitoringNextInteractionType": "AllInteractions",
        },
    ),
    (Verb.SUPERVISION_LISTEN, CHAT, "media/chat/interactions/t1/switch-to-monitor", None),
    (Verb.SUPERVISION_COACH, CHAT, "media/chat/interactions/t1/switch-to-coach", None),
    (Verb.SUPERVISION_BARGE, CHAT, "media/chat/interactions/t1/switch-to-barge-in", None),
    (
        Verb.SUPERVISION_STOP,
        {"destination": "e0002", "media": "chat"},
        "media/chat/stop-monitoring",
        {"agentId": "e0002"},
    ),
    (
        Verb.INTERACTION_CREATE,
        {
            "media": "workitem",
            "subject": "s",
            "subtype": "InternalNew",
            "queue": "q",
            "contact": "p1",
            "parent": "m1",
            "data": {"a": "b", "n": 7},
        },
        "media/workitem/interactions/create",
        {
            "subject": "s",
            "subtype": "InternalNew",
            "queue": "q",
            "contactId": "p1",
            "parentId": "m1",
            "userData": PAIRS,
        },
    ),
    (
        Verb.INTERACTION_FORWARD,
        {**MAIL, "to": ["a@example.com"], "content_type": "text/html", "queue": "q"},
        "media/email/interactions/m1/forward",
        {"to": ["a@example.com"], "mime": "text/html", "queue": "q"},
    ),
    (
        Verb.INTERACTION_SAVE,
        {**MAIL, "text": "t"},
        "media/email/interactions/m1/save",
        {"body": "t"},
    ),
    (
        Verb.INTERACTION_PULL,
        {"interaction": "w1", "workbin": "w", "owner": "sipp"},
        "media/workitem/interactions/w1/pull",
        {"workbinId": "w", "ownerId": "sipp"},
    ),
    (
        Verb.INTERACTION_PARK,
        {**MAIL, "workbin": "w", "owner": "sipp"},
        "workbins/w/add-interaction",
        {"interactionId": "m1", "ownerId": "sipp"},
    ),
    *(
        (
            verb,
            {"interaction": "x9", "supervised": True, **given},
            f"media-management/{operation}",
            {"interactions": ["x9"], **body},
        )
        for verb, given, operation, body in (
            (Verb.INTERACTION_CANCEL, {}, "cancel", {}),
            (Verb.INTERACTION_COMPLETE, {}, "complete", {}),
            (Verb.INTERACTION_QUEUE, {"queue": "q"}, "move-to-queue", {"queue": "q"}),
            (
                Verb.INTERACTION_PARK,
                {"workbin": "w", "owner": "sipp"},
                "move-to-workbin",
                {"workbinId": "w", "ownerId": "sipp"},
            ),
            (
                Verb.INTERACTION_ATTACH_DATA,
                {"data": {"a": "b", "n": 7}},
                "manage-user-data",
                {"addedUserData": PAIRS},
            ),
            (
                Verb.INTERACTION_ATTACH_DATA,
                {"data": {"a": "b", "n": 7}, "mode": "replace"},
                "manage-user-data",
                {"updatedUserData": PAIRS},
            ),
            (
                Verb.INTERACTION_DELETE_DATA,
                {"keys": ["a"]},
                "manage-user-data",
                {"deletedUserData": ["a"]},
            ),
        )
    ),
    (
        Verb.INTERACTION_SEND_MESSAGE,
        {**CHAT, "text": "https://example.com", "kind": "url"},
        "media/chat/interactions/t1/send-url",
        {"url": "https://example.com"},
    ),
    (
        Verb.INTERACTION_SEND_MESSAGE,
        {**CHAT, "text": "co-browsing", "kind": "notification", "data": {"a": "b", "n": 7}},
        "media/chat/interactions/t1/send-custom-notification",
        {"message": "co-browsing", "userData": PAIRS},
    ),
    (
        Verb.INTERACTION_SEND_MESSAGE,
        {**CHAT, "text": "start", "kind": "command"},
        "media/chat/interactions/t1/send-system-command",
        {"message": "start"},
    ),
    (
        Verb.INTERACTION_INVITE,
        {**CHAT, "destination": "sipp", "mode": "consult"},
        "media/chat/interactions/t1/consult",
        {"agentId": "sipp"},
    ),
    (
        Verb.INTERACTION_INVITE,
        {**CHAT, "queue": "q", "mode": "consult"},
        "media/chat/interactions/t1/consult-by-queue",
        {"queue": "q"},
    ),
    (
        Verb.INTERACTION_REMOVE_PARTY,
        {**CHAT, "party": "sipp"},
        "media/chat/interactions/t1/remove-from-conference",
        {"agentId": "sipp"},
    ),
    (
        Verb.INTERACTION_REMOVE_PARTY,
        CHAT,
        "media/chat/interactions/t1/cancel-consult",
        None,
    ),
    (
        Verb.INTERACTION_SET_NICKNAME,
        {**CHAT, "nickname": "Kim"},
        "media/chat/interactions/t1/update-nickname",
        {"nickname": "Kim"},
    ),
    (
        Verb.INTERACTION_HOLD,
        {**CHAT, "queue": "q"},
        "media/chat/interactions/t1/put-on-hold",
        {"queue": "q"},
    ),
    (
        Verb.INTERACTION_RETRIEVE,
        {**CHAT, "nickname": "Kim"},
        "media/chat/interactions/t1/resume",
        {"nickname": "Kim"},
    ),
    (
        Verb.INTERACTION_ASSIGN_CONTACT,
        {**MAIL, "contact": "p/1"},
        "media/email/interactions/m1/assign-contact/p%2F1",
        None,
    ),
    (
        Verb.INTERACTION_ADD_ATTACHMENT,
        {**MAIL, "content_base64": "aGVsbG8=", "name": "a.txt"},
        "media/email/interactions/m1/add-attachment",
        None,
    ),
    (
        Verb.INTERACTION_ADD_ATTACHMENT,
        {**MAIL, "document": "d1", "name": "a.pdf", "content_type": "application/pdf"},
        "media/email/interactions/m1/add-document",
        {"documentId": "d1", "name": "a.pdf", "mime": "application/pdf"},
    ),
    (
        Verb.INTERACTION_REMOVE_ATTACHMENT,
        {**MAIL, "attachment": "d1"},
        "media/email/interactions/m1/remove-attachment/d1",
        None,
    ),
]


@pytest.mark.parametrize(
    ("verb", "given", "path", "body"), OPERATIONS, ids=lambda value: getattr(value, "value", "")
)
def test_parameters_travel_in_data(verb: Verb, given: dict[str, Any], path: str, body: Any) -> None:
    """Path and body of each operation; what is not given is not sent."""
    request = built(verb, **given)

    assert request.path == f"{ROOT}/{path}"
    assert data(request) == body
    assert request.body is not None
    assert request.body["operationId"] == f"tieline:{verb.value}:k1"


def test_every_verb_of_the_table_has_its_request_here() -> None:
    assert {line.verb for line in CAPABILITIES} == {verb for verb, *_ in OPERATIONS}


@pytest.mark.parametrize("line", CAPABILITIES, ids=lambda line: line.verb.value)
def test_what_decides_is_what_the_table_promises(line: Any) -> None:
    """No request waits for a type that the table does not name, and together they wait for all of them."""
    waited: set[str] = set()
    for verb, given, _, _ in OPERATIONS:
        expectation = built(verb, **given).expectation if verb is line.verb else None
        if expectation is not None:
            waited |= expectation.confirmed_by
            assert expectation.cause == "k1"

    assert waited == set(line.confirmed_by)


def test_the_sample_request_of_the_introduction() -> None:
    request = built(Verb.CALL_DIAL, destination="5002")
    sample = json.loads('{"data":{"destination":"5002"}}')

    assert request.path == "/workspace/v3/voice/make-call"
    assert request.body is not None
    assert {"data": request.body["data"]} == sample


def test_a_synchronous_success_is_taken() -> None:
    """What code 0 and code 1 have in common: an event decides where one is to come, else the answer does."""
    request = built(Verb.CALL_HOLD, call="c1")
    leave = built(Verb.AGENT_LOGOUT, end_session=True)

    for code in (0, 1):
        body = json.dumps({"status": {"code": code}}).encode()
        assert outcome_of(request, 200, body).status is Status.ACCEPTED
        assert outcome_of(leave, 200, body).status is Status.DONE


def test_a_partial_success_tells_each_error() -> None:
    body = {
        "status": {"code": 2},
        "data": {"done": 1},
        "errors": [
            {"code": 500, "message": "Resource not found", "detail": {"ConfCode": 12345}},
            {"code": 403},
        ],
    }
    outcome = outcome_of(built(Verb.CALL_HOLD, call="c1"), 200, json.dumps(body).encode())

    assert outcome.status is Status.PARTIAL
    assert [part.message for part in outcome.parts.values()] == [
        "Resource not found (ConfCode 12345)",
        "no reason given",
    ]


def test_the_sample_error_of_the_introduction() -> None:
    sample = b'{"status":{"code":500,"message":"Resource not found","detail":{"ConfCode":12345}}}'
    outcome = outcome_of(built(Verb.CALL_HOLD, call="c1"), 200, sample)

    assert outcome.status is Status.REFUSED
    assert outcome.reason is Reason.SERVER_ERROR
    assert outcome.message == "Resource not found (ConfCode 12345)"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b'{"status":{"code":404,"message":"no"}}', Reason.NOT_FOUND),
        (200, b'{"status":{"code":603}}', Reason.REFUSED),
        (501, b'{"status":{"code":501}}', Reason.UNSUPPORTED),
        (403, b"<html>", Reason.FORBIDDEN),
        (302, b"", Reason.REFUSED),
        (200, b'{"status":409}', Reason.CONFLICT),
        (200, b'{"status":{"code":"400"}}', Reason.INVALID),
    ],
)
def test_refusals_have_a_bounded_reason(status: int, body: bytes, reason: Reason) -> None:
    outcome = outcome_of(built(Verb.CALL_HOLD, call="c1"), status, body)

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)


@pytest.mark.parametrize(("status", "body"), [(500, b"<html>"), (502, b""), (200, b"<html>")])
def test_an_answer_that_leaves_it_open_is_uncertain(status: int, body: bytes) -> None:
    with pytest.raises(CommandUncertain):
        outcome_of(built(Verb.CALL_HOLD, call="c1"), status, body)


def test_an_empty_answer_of_a_good_status_is_taken() -> None:
    """Some answers lack a JSON type or any content."""
    assert outcome_of(built(Verb.CALL_HOLD, call="c1"), 200, b"").status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("verb", "given", "field"),
    [
        (Verb.CALL_HOLD, {}, "target.call"),
        (Verb.CALL_HOLD, {"call": ".."}, "target.call"),
        (Verb.CALL_DIAL, {}, "arguments.destination"),
        (Verb.CALL_SEND_DTMF, {"call": "c1", "digits": "x"}, "arguments.digits"),
        (Verb.CALL_COMPLETE_TRANSFER, {"call": "c3", "consult_call": ""}, "consult_call"),
        (Verb.CALL_DELETE_DATA, {"call": "c1"}, "arguments.keys"),
        (Verb.CALL_ATTACH_DATA, {"call": "c1", "data": {}}, "arguments.data"),
        (Verb.AGENT_SET_STATE, {"state": "asleep"}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "after_contact", "media": "chat"}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "work_mode": "x"}, "arguments.work_mode"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": ".."}, "arguments.media"),
        (Verb.INTERACTION_COMPLETE, {"interaction": "x"}, "arguments.media"),
        (Verb.INTERACTION_INVITE, {"interaction": "t1"}, "arguments.destination"),
        (Verb.INTERACTION_DELETE_DATA, {"interaction": "t1", "keys": []}, "arguments.keys"),
        (Verb.INTERACTION_SEND, {"interaction": "m1", "to": "a@example.com"}, "arguments.to"),
        (Verb.CALL_MUTE, {"call": "c1"}, "verb"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_named(
    verb: Verb, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(CommandRefused, match=field):
        built(verb, **given)


def test_channels_cannot_be_activated_without_a_phone_and_a_place() -> None:
    with pytest.raises(CommandRefused, match="neither a place nor a phone"):
        activate("kristi", Login(agent_id="kristi"))


def test_a_name_is_one_segment_of_the_path() -> None:
    assert built(Verb.CALL_HOLD, call="a/../b?c").path == f"{ROOT}/voice/calls/a%2F..%2Fb%3Fc/hold"


def test_keys_are_taken_away_one_by_one() -> None:
    request = built(Verb.CALL_DELETE_DATA, call="c1", keys=["a", "b"])

    assert [data(each) for each in (request, *request.further)] == [{"key": "a"}, {"key": "b"}]
    assert [each.part for each in (request, *request.further)] == ["a", "b"]


def test_one_refused_part_of_several_makes_the_command_partial() -> None:
    yes, no = Outcome(status=Status.ACCEPTED), Outcome(status=Status.REFUSED, message="no")

    assert summary({"a": yes, "b": yes}).status is Status.ACCEPTED
    assert summary({"a": yes, "b": no}).parts == {"a": yes, "b": no}
    assert summary({"a": no, "b": no}).status is Status.REFUSED


def test_an_operations_id_names_the_command_and_the_verb_and_others_do_not() -> None:
    ours = operation_id("k:1", Verb.CALL_HOLD)

    assert command_of(ours) == "k:1"
    assert verb_of(ours) is Verb.CALL_HOLD
    for other in (None, 7, "", "tieline", "another:call.hold:k1", "tieline:call.hold:"):
        assert command_of(other) is None
        assert verb_of(other) is None
