"""Commands: which request each is, what the agent's picture does not allow, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.nice_incontact import commands
from connectors.nice_incontact.capabilities import CAPABILITIES
from connectors.nice_incontact.commands import Already, Request, Situation
from gateway.commands import Command, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason
from tests.connectors.nice_incontact.builders import AGENT, Session, call, chat, event, state

LEG = event("AgentLeg", AgentLegId="5", Status="Active", FinalState="False")
LISTENING = event("SupervisorMonitor", TargetAgentId="1002", FinalState="False")
SECOND = call("Active", contact="78")
OVER = call("Disconnected")


class Answer(msgspec.Struct):
    """An answer of the platform."""

    body: bytes = b""
    reason: str = ""
    headers: Mapping[str, str] = {}


def command(
    verb: Verb, *, call: str | None = None, interaction: str | None = None, **arguments: Any
) -> Command:
    now = datetime.now(UTC)
    target = Target(agent=AGENT, call=call, interaction=interaction)
    return Command(
        id="c1", verb=verb, connector="nice", target=target, requester="test", created=now,
        deadline=now, arguments=arguments,
    )  # fmt: skip


def situation(*told: Any, session: str = "agent-sessions/S1") -> Situation:
    feed = Session().begun()
    feed.push(*told)
    login = {"inactivityTimeout": 0, "stationId": "4711"}
    return Situation(agent=AGENT, session=session, picture=feed.mapper.picture, login=login)


def built(asked: Command, *told: Any) -> Request:
    request = commands.build(asked, situation(*told))
    assert isinstance(request, Request)
    return request


REQUESTS: list[tuple[Command, tuple[Any, ...], str, dict[str, Any] | None]] = [
    (command(Verb.AGENT_SET_STATE, state="not_ready", reason="Lunch"), (), "state",
     {"state": "Unavailable", "reason": "Lunch"}),
    (command(Verb.AGENT_SET_STATE, state="ready"), (state("Unavailable"),), "state", {"state": "Available"}),
    (command(Verb.AGENT_CONNECT_LEG), (), "agent-phone/dial", None),
    (command(Verb.AGENT_DISCONNECT_LEG), (LEG,), "agent-phone/end", None),
    (command(Verb.CALL_MUTE), (LEG,), "agent-phone/mute", None),
    (command(Verb.CALL_UNMUTE), (LEG, event("Mute", AgentMuted="True")), "agent-phone/unmute", None),
    (command(Verb.CALL_DIAL, destination="801", skill="501"), (), "dial-phone",
     {"phoneNumber": "801", "skillId": "501"}),
    (command(Verb.CALL_DIAL, agent="1002"), (call("Holding"),), "dial-agent",
     {"targetAgentId": "1002", "parentContactId": "77"}),
    (command(Verb.CALL_DIAL, skill="501"), (), "dial-skill", {"skillId": "501"}),
    (command(Verb.CALL_ANSWER, call="77"), (call("Ringing", CallType="Consult"),),
     "interactions/77/accept-consult", None),
    (command(Verb.CALL_ANSWER, call="77"), (call("Incoming", IsRequireManualAccept="True"),),
     "interactions/77/accept", None),
    (command(Verb.CALL_HANG_UP, call="77"), (call("Active"),), "interactions/77/end", None),
    (command(Verb.CALL_HOLD, call="77"), (call("Active"),), "interactions/77/hold", None),
    (command(Verb.CALL_RETRIEVE, call="77"), (call("Holding"),), "interactions/77/resume", None),
    (command(Verb.CALL_TRANSFER, call="77", destination="801"), (call("Holding"),), "dial-phone",
     {"phoneNumber": "801", "parentContactId": "77", "skillId": "501"}),
    (command(Verb.CALL_CONFERENCE, call="77", agent="1002"), (call("Holding"),), "consult-agent",
     {"targetAgentId": "1002", "parentContactId": "77"}),
    (command(Verb.CALL_COMPLETE_TRANSFER), (call("Holding"), SECOND), "interactions/transfer-calls", None),
    (command(Verb.CALL_COMPLETE_CONFERENCE), (call("Holding"), SECOND), "interactions/conference-calls", None),
    (command(Verb.CALL_SEND_DTMF, digits="12#"), (call("Active"),), "send-dtmf",
     {"dtmfSequence": "12#", "toneDurationMS": 100, "toneSpacingMS": 100}),
    (command(Verb.CALL_SET_DISPOSITION, call="77", disposition="901", note="fine"), (OVER,),
     "interactions/77/disposition", {"primaryDispositionId": "901", "primaryDispositionNotes": "fine"}),
    (command(Verb.CALL_ATTACH_DATA, call="77", data={"a": "1", "b": True}), (call("Active"),),
     "interactions/77/custom-data", {"indicatorName": "CustomData", "data": "a=1|b=true"}),
    (command(Verb.RECORDING_START, call="77"), (call("Active"),), "interactions/77/record", None),
    (command(Verb.RECORDING_PAUSE, call="77"), (call("Active"),), "interactions/77/mask", None),
    (command(Verb.RECORDING_RESUME, call="77"), (call("Masking"),), "interactions/77/unmask", None),
    (command(Verb.SUPERVISION_LISTEN, agent="1002"), (), "monitor", {"targetAgentId": "1002"}),
    (command(Verb.SUPERVISION_COACH), (LISTENING,), "coach", None),
    (command(Verb.SUPERVISION_BARGE), (LISTENING,), "barge", None),
    (command(Verb.SUPERVISION_STOP), (LISTENING,), "agent-phone/end", None),
    (command(Verb.INTERACTION_ACCEPT, interaction="88"), (chat("Incoming"),), "interactions/88/accept", None),
    (command(Verb.INTERACTION_REJECT, interaction="88"), (chat("Incoming"),), "interactions/88/reject", None),
    (command(Verb.INTERACTION_COMPLETE, interaction="88"), (chat("Active"),), "interactions/88/end", None),
    (command(Verb.INTERACTION_TRANSFER, interaction="88", skill="601"), (chat("Active"),),
     "interactions/88/transfer-chat-to-skill", {"targetSkillId": "601"}),
    (command(Verb.INTERACTION_SEND_MESSAGE, interaction="88", text="Hi"), (chat("Active"),),
     "interactions/88/send-chat-text", {"chatText": "Hi"}),
    (command(Verb.INTERACTION_SET_DISPOSITION, interaction="88", disposition="901"), (chat("Disconnected"),),
     "interactions/88/disposition", {"primaryDispositionId": "901"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told", "path", "body"), REQUESTS, ids=lambda value: getattr(value, "verb", "")
)
def test_each_verb_has_its_request(
    asked: Command, told: tuple[Any, ...], path: str, body: dict[str, Any] | None
) -> None:
    request = built(asked, *told)

    assert request.path == f"agent-sessions/S1/{path}"
    assert request.method == "POST"
    assert request.body == body
    line = next(line for line in CAPABILITIES if line.verb is asked.verb)
    proofs = request.expectation.confirmed_by if request.expectation else frozenset()
    assert proofs <= set(line.confirmed_by)


def test_every_verb_of_the_table_is_built() -> None:
    others = {Verb.AGENT_LOGIN, Verb.AGENT_LOGOUT, Verb.AGENT_SEND_USER_EVENT}

    assert {asked.verb for asked, *_ in REQUESTS} | others == {line.verb for line in CAPABILITIES}


REFUSED: list[tuple[Command, tuple[Any, ...], str]] = [
    (command(Verb.CALL_HANG_UP, call="77"), (call("Holding"),), "held; ending needs it"),
    (command(Verb.CALL_HOLD, call="77"), (call("Holding"),), "held; holding needs it connected"),
    (command(Verb.CALL_RETRIEVE, call="77"), (call("Active"),), "connected; retrieving needs it held"),
    (command(Verb.CALL_HOLD, call="99"), (call("Active"),), "no call '99'"),
    (command(Verb.CALL_ANSWER, call="77"), (call("Incoming"),), "answered at the phone"),
    (command(Verb.CALL_COMPLETE_TRANSFER), (call("Active"),),
     "has 1 calls connected or held (77); a transfer needs exactly two"),
    (command(Verb.CALL_COMPLETE_CONFERENCE), (), "has 0 calls connected or held; a conference needs exactly two"),
    (command(Verb.CALL_TRANSFER, call="77", destination="8"), (call("Active"),),
     "connected; a second call needs it held"),
    (command(Verb.CALL_DIAL, agent="1002"), (call("Active"),), "0 calls on hold"),
    (command(Verb.CALL_DIAL), (), "arguments.destination"),
    (command(Verb.CALL_DIAL, destination="8", agent="1002"), (call("Holding"),), "either a number or an agent"),
    (command(Verb.CALL_DIAL, agent="Ann"), (call("Holding"),), "arguments.agent: expected an id"),
    (command(Verb.CALL_SEND_DTMF, digits="1"), (), "no connected call"),
    (command(Verb.CALL_SEND_DTMF, digits="x"), (call("Active"),), "arguments.digits"),
    (command(Verb.CALL_SEND_DTMF, digits="1", tone_milliseconds=60), (call("Active"),), "61 to 15000"),
    (command(Verb.CALL_SET_DISPOSITION, call="77", disposition="901"), (call("Active"),),
     "a disposition needs it cleared"),
    (command(Verb.CALL_SET_DISPOSITION, call="77", disposition="901"),
     (call("Active"), call("Disconnected", FinalState="True")),
     "is closed"),
    (command(Verb.CALL_ATTACH_DATA, call="77", data={"a|b": 1}), (call("Active"),), "arguments.data"),
    (command(Verb.CALL_ATTACH_DATA, call="77", data={str(n): n for n in range(21)}), (call("Active"),), "at most 20"),
    (command(Verb.CALL_ATTACH_DATA, call="77", data={"a": "x" * 32_001}), (call("Active"),), "at most 32000"),
    (command(Verb.RECORDING_RESUME, call="77"), (call("Active"),), "not masked"),
    (command(Verb.CALL_MUTE), (), "muting needs it active"),
    (command(Verb.AGENT_DISCONNECT_LEG), (), "no leg"),
    (command(Verb.AGENT_SET_STATE, state="ready", reason="Lunch"), (), "arguments.reason"),
    (command(Verb.AGENT_LOGOUT), (call("Active"),), "open contacts: 77"),
    (command(Verb.AGENT_LOGIN), (), "has a session already"),
    (command(Verb.SUPERVISION_COACH), (), "listens to nobody"),
    (command(Verb.SUPERVISION_STOP), (LISTENING, call("Active")), "calls of its own"),
    (command(Verb.SUPERVISION_LISTEN, agent=AGENT), (), "the supervisor itself"),
    (command(Verb.SUPERVISION_LISTEN, agent="1003"), (LISTENING,), "listens to agent 1002"),
    (command(Verb.INTERACTION_ACCEPT, interaction="88"), (chat("Active"),), "accept needs it alerting"),
    (command(Verb.INTERACTION_SEND_MESSAGE, interaction="77", text="Hi"), (call("Active"),), "no interaction '77'"),
    (command(Verb.INTERACTION_TRANSFER, interaction="88"), (chat("Active"),), "either an agent or a skill"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told", "why"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_the_picture_does_not_allow_is_refused_by_name(
    asked: Command, told: tuple[Any, ...], why: str
) -> None:
    with pytest.raises(CommandRefused) as refused:
        commands.build(asked, situation(*told))

    assert why in refused.value.message


ALREADY = [
    (command(Verb.AGENT_SET_STATE, state="ready"), ()),
    (command(Verb.AGENT_CONNECT_LEG), (LEG,)),
    (command(Verb.CALL_UNMUTE), (LEG,)),
    (command(Verb.RECORDING_START, call="77"), (call("Active", IsLogging="True"),)),
    (command(Verb.RECORDING_PAUSE, call="77"), (call("Masking"),)),
]


@pytest.mark.parametrize(("asked", "told"), ALREADY, ids=lambda value: getattr(value, "verb", ""))
def test_what_is_so_already_is_not_asked_for(asked: Command, told: tuple[Any, ...]) -> None:
    assert isinstance(commands.build(asked, situation(*told)), Already)


def test_without_a_session_only_a_login_goes() -> None:
    nobody = situation(session="")

    with pytest.raises(CommandRefused, match="no session"):
        commands.build(command(Verb.AGENT_SET_STATE, state="ready"), nobody)
    request = commands.build(command(Verb.AGENT_LOGIN, phone_number="801"), nobody)

    assert isinstance(request, Request)
    assert request.path == "agent-sessions"
    assert request.body == {"inactivityTimeout": 0, "stationPhoneNumber": "801"}


def test_a_logout_is_a_delete_with_its_choices() -> None:
    request = built(command(Verb.AGENT_LOGOUT, end_contacts=True, force=True), call("Active"))

    assert (request.method, request.path) == ("DELETE", "agent-sessions/S1")
    assert request.body == {"forceLogoff": True, "endContacts": True, "ignorePersonalQueue": False}


@pytest.mark.parametrize("session", ["", "agent-sessions/S1"])
def test_an_event_for_other_programs_needs_no_session(session: str) -> None:
    asked = command(Verb.AGENT_SEND_USER_EVENT, name="greeting", data={"a": 1})

    request = commands.build(asked, situation(session=session))

    assert isinstance(request, Request)
    assert (request.method, request.path) == ("PUT", f"agents/{AGENT}/custom-event")
    assert request.body == {"eventName": "greeting", "persistInMemory": False, "data": '{"a":1}'}
    assert request == commands.administrate(asked, AGENT)


def test_during_a_contact_the_state_that_follows_is_the_proof() -> None:
    request = built(command(Verb.AGENT_SET_STATE, state="not_ready"), state("InboundContact"))

    assert request.expectation is not None
    assert request.expectation.where == {"agent": AGENT, "pending_state": "not_ready"}


def test_an_agent_whose_session_is_not_followed_is_administrated() -> None:
    asked = command(Verb.AGENT_SET_STATE, state="not_ready", reason="12")

    request = commands.administrate(asked, "2001")

    assert request.path == "agents/2001/state"
    assert request.body == {"state": "Unavailable", "outStateId": 12}
    assert request.expectation is None
    assert commands.administrate(command(Verb.AGENT_LOGOUT), "2001").path == "agents/2001/logout"


@pytest.mark.parametrize(
    ("verb", "agent", "reason"),
    [(Verb.CALL_HOLD, "2001", Reason.NOT_FOUND), (Verb.AGENT_LOGOUT, "../x", Reason.INVALID)],
)
def test_other_commands_need_a_session_that_is_followed(
    verb: Verb, agent: str, reason: Reason
) -> None:
    with pytest.raises(CommandRefused) as refused:
        commands.administrate(command(verb, call="77"), agent)

    assert refused.value.reason is reason


HOLD = built(command(Verb.CALL_HOLD, call="77"), call("Active"))
LOGOUT = built(command(Verb.AGENT_LOGOUT))


@pytest.mark.parametrize(
    ("request_made", "status", "answer", "expected", "reason"),
    [
        (HOLD, 202, Answer(), Status.ACCEPTED, None),
        (HOLD, 400, Answer(reason="Invalid contact"), Status.REFUSED, Reason.INVALID),
        (HOLD, 403, Answer(), Status.REFUSED, Reason.FORBIDDEN),
        (HOLD, 404, Answer(), Status.REFUSED, Reason.NOT_FOUND),
        (HOLD, 409, Answer(), Status.REFUSED, Reason.CONFLICT),
        (HOLD, 418, Answer(), Status.REFUSED, Reason.CLIENT_ERROR),
        (HOLD, 429, Answer(), Status.REFUSED, Reason.RATE_LIMITED),
        (LOGOUT, 404, Answer(reason="Invalid agent session"), Status.DONE, None),
        (LOGOUT, 409, Answer(reason="Session Ended"), Status.DONE, None),
        (LOGOUT, 409, Answer(reason="Contacts are open"), Status.REFUSED, Reason.CONFLICT),
    ],
)
def test_each_answer_has_its_outcome(
    request_made: Request, status: int, answer: Answer, expected: Status, reason: Reason | None
) -> None:
    outcome = commands.outcome_of(request_made, status, answer)

    assert (outcome.status, outcome.reason) == (expected, reason)


def test_200_without_an_event_to_come_is_done() -> None:
    request = built(command(Verb.CALL_SET_DISPOSITION, call="77", disposition="901"), OVER)

    assert commands.outcome_of(request, 200, Answer()).status is Status.DONE


def test_a_failure_of_the_server_leaves_it_open() -> None:
    with pytest.raises(CommandUncertain):
        commands.outcome_of(HOLD, 500, Answer())


def test_the_text_of_a_refusal_is_found_wherever_it_stands() -> None:
    body = Answer(body=b'{"error":"x","error_description":"in the body"}', reason="Conflict")
    header = Answer(headers={"icStatusDescription": "in the header"}, reason="Conflict")

    assert "in the body" in (commands.outcome_of(HOLD, 409, body).message or "")
    assert "in the header" in (commands.outcome_of(HOLD, 409, header).message or "")
    assert "Conflict" in (commands.outcome_of(HOLD, 409, Answer(reason="Conflict")).message or "")
