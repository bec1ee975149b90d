"""Commands become the vendor's requests."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from connectors._wire.upload import Upload
from connectors.genesys_web_services.capabilities import CAPABILITIES
from connectors.genesys_web_services.commands import Request, Spelling, build
from connectors.genesys_web_services.mapping import AgentPicture
from connectors.genesys_web_services.mapping.offers import Offers
from connectors.genesys_web_services.mapping.picture import Device, Item
from gateway import capabilities
from gateway.commands import Capability, CommandRequest, Expectation, Target, Verb
from gateway.errors import CommandRefused
from gateway.events import CATALOGUE
from tests.connectors.genesys_web_services.operations import (
    ELSEWHERE,
    OPERATIONS,
    OTHER_SPELLINGS,
    REFERENCE,
    Operation,
    command,
    made_of,
    request,
    situation,
)

CALL = "/api/v2/me/calls/c1"
ITEM = "/api/v2/me/interactions/i1"
BY_ANSWER = {
    Verb.INTERACTION_ADD_ATTACHMENT: {"name": "a.txt", "content_base64": "aGVsbG8="},
    Verb.INTERACTION_REMOVE_ATTACHMENT: {"attachment": "d1"},
}


def expected(made: Request) -> Expectation:
    assert made.expectation is not None
    return made.expectation


def full(proof: str) -> str:
    return f"tieline.{proof}.v1"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_of_the_reference_is_sent_as_the_reference_shows_it(
    operation: Operation,
) -> None:
    made = made_of(operation)

    assert (made.method, made.path) == ("POST", operation.path)
    assert made.body == {"operationName": operation.name, **operation.body}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_is_proved_by_an_event_of_the_table(operation: Operation) -> None:
    capability = next(each for each in CAPABILITIES if each.verb is operation.verb)

    expectation = expected(made_of(operation))

    assert full(operation.proof) in expectation.confirmed_by <= set(capability.confirmed_by)
    assert expectation.confirmed_by.isdisjoint(expectation.refused_by)
    assert expectation.confirmed_by | expectation.refused_by <= CATALOGUE.keys()


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_arguments_of_an_operation_are_those_of_the_table(operation: Operation) -> None:
    asked = CommandRequest(
        verb=operation.verb,
        connector="gws",
        target=Target(agent="agent1", call="c1", interaction="i1"),
        arguments=operation.arguments,
    )

    capabilities.check(asked, CAPABILITIES)


def test_every_word_of_the_reference_is_sent_or_has_a_reason_why_not() -> None:
    named = {operation.name for operation in OPERATIONS}

    assert named | OTHER_SPELLINGS.keys() | ELSEWHERE.keys() == REFERENCE
    assert not named & ELSEWHERE.keys()


@pytest.mark.parametrize(("word", "verb"), OTHER_SPELLINGS.items())
def test_another_word_of_the_reference_is_sent_after_a_refusal(word: str, verb: Verb) -> None:
    made = [made_of(operation) for operation in OPERATIONS if operation.verb is verb]

    assert word in {each.body.get("operationName") for one in made for each in one.others}


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda capability: capability.verb.value)
def test_every_verb_of_the_table_has_an_operation(capability: Capability) -> None:
    if capability.verb in BY_ANSWER:
        assert request(capability.verb, **BY_ANSWER[capability.verb]).expectation is None
        assert capability.confirmed_by == ()
        return
    assert capability.verb in {operation.verb for operation in OPERATIONS}
    assert capability.confirmed_by


@pytest.mark.parametrize(
    ("media", "devices", "wanted"),
    [
        (None, ["d1"], {"media": "voice", "state": "ready"}),
        ("voice", [], {"media": "voice", "state": "ready"}),
        (None, [], {"state": "ready"}),
    ],
)
def test_a_state_is_proved_by_the_readiness_of_the_medium_it_is_about(
    media: str | None, devices: list[str], wanted: dict[str, str]
) -> None:
    arguments = {"state": "ready"} | ({"media": media} if media else {})

    made = build(command(Verb.AGENT_SET_STATE, **arguments), situation(devices=devices))

    assert expected(made).within == {"media": wanted}


@pytest.mark.parametrize(
    ("verb", "arguments", "field"),
    [
        (Verb.AGENT_SET_STATE, {}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "asleep"}, "arguments.state"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": 3}, "arguments.media"),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": ".."}, "arguments.media"),
        (
            Verb.AGENT_SET_STATE,
            {"state": "ready", "media": "chat", "device": "d"},
            "arguments.device",
        ),
        (Verb.AGENT_LOGIN, {"channels": "voice"}, "arguments.channels"),
        (Verb.AGENT_LOGIN, {"channels": [1]}, "arguments.channels"),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {}, "arguments.on"),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": "yes"}, "arguments.on"),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True, "scope": "media"}, "arguments.media"),
        (Verb.CALL_DIAL, {}, "arguments.destination"),
        (Verb.CALL_DIAL, {"destination": {"phoneNumber": "1"}}, "arguments.destination"),
        (Verb.CALL_TRANSFER, {"destination": "1", "mode": "warm"}, "arguments.mode"),
        (Verb.CALL_SEND_DTMF, {"digits": "12x"}, "arguments.digits"),
        (Verb.CALL_ATTACH_DATA, {"data": {}}, "arguments.data"),
        (Verb.CALL_DELETE_DATA, {}, "arguments.key"),
        (Verb.CALL_DELETE_DATA, {"key": "a", "all": True}, "arguments.key"),
        (Verb.INTERACTION_DELETE_DATA, {}, "arguments.keys"),
        (Verb.INTERACTION_DELETE_DATA, {"keys": ["a"], "all": True}, "arguments.keys"),
        (Verb.INTERACTION_DELETE_DATA, {"keys": [str(n) for n in range(101)]}, "arguments.keys"),
        (Verb.INTERACTION_PARK, {"workbin": ".."}, "arguments.workbin"),
        (Verb.INTERACTION_TYPING, {}, "arguments.on"),
        (Verb.SUPERVISION_LISTEN, {}, "verb"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_field(
    verb: Verb, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(CommandRefused, match=field):
        request(verb, **arguments)


@pytest.mark.parametrize(
    ("verb", "kind"), [(Verb.CALL_HOLD, "call"), (Verb.INTERACTION_ACCEPT, "interaction")]
)
def test_a_command_without_its_target_is_refused(verb: Verb, kind: str) -> None:
    with pytest.raises(CommandRefused, match=rf"target\.{kind}"):
        build(command(verb, **{kind: None}), situation())


def test_dialling_without_a_known_phone_is_refused_with_the_remedy() -> None:
    with pytest.raises(CommandRefused, match="log the agent in"):
        build(command(Verb.CALL_DIAL, destination="1"), situation(devices=()))


def test_a_conference_without_a_known_consultation_is_refused_with_the_remedy() -> None:
    with pytest.raises(CommandRefused, match="name its call"):
        build(command(Verb.CALL_COMPLETE_CONFERENCE), situation(picture=AgentPicture()))


def test_names_are_one_segment_of_the_path() -> None:
    made = build(command(Verb.CALL_HOLD, call="a/../b"), situation())

    assert made.path == "/api/v2/me/calls/a%2F..%2Fb"


def test_the_uri_that_the_platform_gave_a_call_is_used() -> None:
    offers = Offers()
    offers.take({"call": {"id": "c2", "capabilities": ["Hold"], "uri": "http://n1/x/c2"}})

    made = build(command(Verb.CALL_SWAP, other_call="c2"), situation(offers=offers))

    assert made.body["otherCallUri"] == "http://n1/x/c2"


def names(made: Request) -> list[str]:
    return [made.body["operationName"], *(each.body["operationName"] for each in made.others)]


@pytest.mark.parametrize(
    ("verb", "arguments", "tried"),
    [
        (Verb.INTERACTION_COMPLETE, {}, ["Complete", "StopProcessing"]),
        (Verb.INTERACTION_SEND_MESSAGE, {"text": "t"}, ["SendMessage", "Send"]),
        (Verb.INTERACTION_INVITE, {"destination": "u"}, ["InviteUser", "SingleStepConference"]),
        (Verb.INTERACTION_LEAVE, {}, ["LeaveConference", "LeaveChat"]),
        (
            Verb.INTERACTION_ATTACH_DATA,
            {"data": {"a": "b"}},
            ["AttachUserData", "UpdateProperties"],
        ),
        (
            Verb.INTERACTION_PULL,
            {"workbin": "w"},
            ["PullInteractionFromWorkbin", "PullInteraction"],
        ),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True}, ["DoNotDisturbOn", "DNDOn"]),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": False}, ["DoNotDisturbOff", "DNDOff"]),
    ],
)
def test_further_names_of_an_operation_are_tried_after_the_documented_one(
    verb: Verb, arguments: dict[str, Any], tried: list[str]
) -> None:
    picture = AgentPicture(interactions={"i1": Item(media="chat")})

    assert names(build(command(verb, **arguments), situation(picture=picture))) == tried


@pytest.mark.parametrize("offered", ["SingleStepTransfer", "Transfer"])
def test_of_two_documented_names_the_one_that_is_offered_comes_first(offered: str) -> None:
    offers = Offers()
    offers.take({"interaction": {"id": "i1", "capabilities": [offered]}})

    made = build(command(Verb.INTERACTION_TRANSFER, destination="u"), situation(offers=offers))

    assert names(made)[0] == offered
    assert {*names(made)} == {"Transfer", "SingleStepTransfer"}
    assert [each.body.keys() & {"userId", "agentId"} for each in made.others] == [
        {"userId"},
        {"agentId"},
        {"agentId"},
    ]


@pytest.mark.parametrize(
    ("media", "first"), [("email", "Transfer"), ("chat", "SingleStepTransfer")]
)
def test_what_is_not_offered_is_named_as_the_reference_does_for_the_medium(
    media: str, first: str
) -> None:
    picture = AgentPicture(interactions={"i1": Item(media=media)})

    made = build(command(Verb.INTERACTION_TRANSFER, destination="u"), situation(picture=picture))

    assert names(made)[0] == first


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (Verb.CALL_TRANSFER, {}),
        (Verb.CALL_TRANSFER, {"mode": "consult"}),
        (Verb.CALL_CONFERENCE, {}),
        (Verb.CALL_CONFERENCE, {"mode": "consult"}),
        (Verb.CALL_DIAL, {}),
        (Verb.AGENT_FORWARD, {}),
    ],
)
def test_a_destination_is_tried_in_both_forms(verb: Verb, arguments: dict[str, Any]) -> None:
    made = request(verb, destination="5550100", **arguments)

    forms = [made.body["destination"], *(each.body["destination"] for each in made.others)]
    assert "5550100" in forms
    assert {"phoneNumber": "5550100"} in forms


def test_a_device_is_tried_below_me_and_without_it() -> None:
    made = request(Verb.AGENT_CANCEL_FORWARD, device="d9")

    assert made.path == "/api/v2/me/devices/d9"
    assert made.others == (Spelling("/api/v2/devices/d9", {"operationName": "ForwardCallsOff"}),)


def test_a_workbin_of_somebody_is_named_with_its_owner() -> None:
    made = request(Verb.INTERACTION_PARK, workbin="w", owner="north", owner_kind="agent_group")

    assert made.body["workbin"] == {"workbinTypeId": "w", "workbinGroupId": "north"}
    assert made.others == (Spelling("/api/v2/me/workbins/w/interactions", {"interactionId": "i1"}),)


def test_keys_of_an_interaction_may_also_be_sent_as_a_list() -> None:
    made = request(Verb.INTERACTION_DELETE_DATA, keys=["old"])

    assert made.others == (Spelling(ITEM, {"operationName": "DeleteUserData", "keys": ["old"]}),)


def test_all_data_of_an_interaction_goes_by_its_known_keys() -> None:
    assert request(Verb.INTERACTION_DELETE_DATA, all=True).body["userData"] == {"old": ""}

    with pytest.raises(CommandRefused, match="name the keys"):
        build(command(Verb.INTERACTION_DELETE_DATA, all=True), situation(picture=AgentPicture()))


@pytest.mark.parametrize(
    ("arguments", "where"),
    [({"key": "old"}, {"removed": ["old"]}), ({"key": "new"}, {}), ({"all": True}, {})],
)
def test_data_of_a_call_that_is_known_must_be_told_as_removed(
    arguments: dict[str, Any], where: dict[str, Any]
) -> None:
    expectation = expected(request(Verb.CALL_DELETE_DATA, **arguments))

    assert expectation.where == where
    unknown = full("call.changed") in expectation.confirmed_by
    assert unknown is (arguments == {"key": "new"})


@pytest.mark.parametrize(
    ("verb", "media", "arguments"),
    [
        (Verb.INTERACTION_SEND_MESSAGE, "email", {"text": "t"}),
        (
            Verb.INTERACTION_SEND,
            "chat",
            {"queue": "q", "to": "a", "subject": "s", "text": "t", "from": "b"},
        ),
    ],
)
def test_the_word_that_two_media_share_is_never_sent_to_the_wrong_one(
    verb: Verb, media: str, arguments: dict[str, str]
) -> None:
    picture = AgentPicture(interactions={"i1": Item(media=media)})

    with pytest.raises(CommandRefused, match=media):
        build(command(verb, **arguments), situation(picture=picture))


def test_what_may_be_an_email_gets_no_second_spelling_of_a_chat_message() -> None:
    made = build(
        command(Verb.INTERACTION_SEND_MESSAGE, text="t"), situation(picture=AgentPicture())
    )

    assert names(made) == ["SendMessage"]


def test_data_that_is_there_already_needs_no_change_for_a_proof() -> None:
    there = expected(request(Verb.CALL_ATTACH_DATA, data={"old": "x"}))
    new = expected(request(Verb.CALL_ATTACH_DATA, data={"old": "z", "number": 1}))

    assert there.confirmed_by == {full("call.data.changed"), full("call.changed")}
    assert new.confirmed_by == {full("call.data.changed")}
    assert new.within == {"values": {"old": "z"}}


@pytest.mark.parametrize("was", [None, False, True])
def test_do_not_disturb_that_is_on_already_needs_no_change_for_a_proof(*, was: bool | None) -> None:
    picture = AgentPicture(devices={"d1": Device(do_not_disturb=was)})

    made = build(command(Verb.AGENT_SET_DO_NOT_DISTURB, on=True), situation(picture=picture))

    restated = full("agent.state.snapshot") in expected(made).confirmed_by
    assert restated is bool(was)


def test_an_attachment_is_a_form_of_bounded_length() -> None:
    content = base64.b64encode(b"hello").decode()
    arguments = {"name": "a.txt", "content_base64": content, "content_type": "text/plain"}

    made = request(Verb.INTERACTION_ADD_ATTACHMENT, **arguments)

    assert (made.path, made.body) == (f"{ITEM}/attachments", {})
    assert made.upload == Upload(name="a.txt", content=b"hello", content_type="text/plain")
    for most in (1, 4):
        with pytest.raises(CommandRefused, match="raise max_attachment_bytes"):
            build(
                command(Verb.INTERACTION_ADD_ATTACHMENT, **arguments),
                situation(max_attachment_bytes=most),
            )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "../a"}, "arguments.name"),
        ({"name": 'a"\r\nX: y'}, "arguments.name"),
        ({"content_type": "text"}, "arguments.content_type"),
        ({"content_type": "text/plain\r\nX: y"}, "arguments.content_type"),
        ({"content_base64": "a*"}, "arguments.content_base64"),
    ],
)
def test_an_attachment_cannot_break_out_of_its_form(changed: dict[str, str], field: str) -> None:
    arguments = {"name": "a.txt", "content_base64": "aGVsbG8="} | changed

    with pytest.raises(CommandRefused, match=field):
        request(Verb.INTERACTION_ADD_ATTACHMENT, **arguments)


def test_an_attachment_is_removed_by_its_id() -> None:
    made = request(Verb.INTERACTION_REMOVE_ATTACHMENT, attachment="d/1")

    assert (made.method, made.path) == ("DELETE", f"{ITEM}/attachments/d%2F1")
