"""Events of the session, one by one, to what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.states import AgentState, ConnectionState
from tests.connectors.nice_incontact.builders import (
    AGENT,
    Session,
    call,
    chat,
    event,
    only,
    start,
    state,
    verbs,
)

STATES = [
    (state("Available"), AgentState.READY),
    (state("Unavailable", CurrentOutReason="Lunch"), AgentState.NOT_READY),
    (state("Unavailable", IsAcw="True", CurrentOutReason="Wrap Up"), AgentState.AFTER_CONTACT),
    (state("Unavailable", CurrentOutReason="OutboundPending"), AgentState.RESERVED),
    (state("LoggedIn"), AgentState.NOT_READY),
    (state("LoggedOut"), AgentState.LOGGED_OFF),
    (state("InboundContact"), AgentState.BUSY),
    (state("OutboundContact"), AgentState.BUSY),
    (state("InboundConsult"), AgentState.BUSY),
    (state("OutboundConsult"), AgentState.BUSY),
    (state("Dialer"), AgentState.BUSY),
    (state("Hovering"), AgentState.UNKNOWN),
]
INBOUND = [
    (call("Incoming"), ["call.offered"]),
    (call("Active", at=1), ["call.connected"]),
    (call("Holding", at=2), ["call.held"]),
    (call("Active", at=3), ["call.retrieved"]),
    (call("Holding", at=4), ["call.held"]),
    (call("Active", at=5), ["call.retrieved"]),
    (call("Disconnected", at=6), ["call.ended"]),
    (call("Disconnected", at=6, FinalState="True"), ["call.changed"]),
]


@pytest.mark.parametrize(("told", "expected"), STATES, ids=lambda value: str(value)[-40:])
def test_every_state_of_an_agent_has_a_meaning(told: dict[str, Any], expected: AgentState) -> None:
    data = only(Session().push(told))

    assert data.state is expected
    assert data.native_state == told["CurrentState"]


def test_the_state_that_follows_a_contact_is_told() -> None:
    session = Session().begun()
    following = [{"State": "Unavailable", "OutReason": "Break"}]

    data = only(session.push(state("InboundContact", NextStates=following)))

    assert data.state is AgentState.BUSY
    assert data.pending_state is AgentState.NOT_READY
    assert data.previous_state is AgentState.READY


def test_a_session_begins_before_what_happened_in_it() -> None:
    """The platform may send the beginning behind the first state."""
    events = Session().push(state(), start())

    assert verbs(events) == ["agent.session.started", "agent.state.changed"]
    assert events[0].data.station == "4711"  # type: ignore[attr-defined]  # an AgentSession


def test_an_inbound_call_is_told_step_by_step() -> None:
    session = Session().begun()

    for told, expected in INBOUND:
        assert verbs(session.push(told)) == expected, told["Status"]
    assert session.mapper.picture.contacts == {}


def test_the_same_transition_twice_has_two_ids_and_a_repetition_none() -> None:
    session = Session().begun()
    ids = [one.id for told, _ in INBOUND for one in session.push(told)]

    assert len(set(ids)) == len(INBOUND)
    assert session.push(INBOUND[-1][0]) == []
    assert session.mapper.duplicates == 1


def test_an_answer_that_is_read_twice_has_the_same_ids() -> None:
    first, second = Session().begun(), Session().begun()

    assert [one.id for one in first.push(call("Incoming"))] == [
        one.id for one in second.push(call("Incoming"))
    ]


def test_a_call_has_its_parties_times_and_ids() -> None:
    (offered,) = Session().begun().push(call("Incoming", at=7))
    data = offered.data

    assert offered.time.minute == 7
    assert offered.partitionkey == offered.correlationid == "77"
    assert data.direction == "inbound"  # type: ignore[attr-defined]  # a Call
    assert [(one.role, one.number or one.agent) for one in data.parties] == [  # type: ignore[attr-defined]
        ("agent", AGENT),
        ("customer", "8015551234"),
    ]
    assert data.queue == "501"  # type: ignore[attr-defined]
    assert data.native.ids == {"ContactID": "77", "MasterID": "70"}  # type: ignore[attr-defined]


def test_keys_and_booleans_are_read_in_any_spelling() -> None:
    session = Session().begun()
    told = {
        "type": "callcontactevent",
        "contactId": 77,
        "STATUS": "Active",
        "isInbound": "False",
        "dnis": "8015551234",
        "islogging": True,
    }

    events = session.push(told)

    assert verbs(events) == ["call.connected", "recording.started"]
    assert events[0].data.direction == "outbound"  # type: ignore[attr-defined]  # a Call


def test_the_text_false_is_false() -> None:
    """A language may take any text for true."""
    session = Session().begun()

    events = session.push(call("Active", IsLogging="False", FinalState="False"))

    assert verbs(events) == ["call.connected"]
    assert list(session.mapper.picture.contacts) == ["77"]


def test_masking_pauses_the_recording_and_leaves_the_call_connected() -> None:
    session = Session().begun()
    session.push(call("Active"))

    masked = session.push(call("Masking", at=1))
    unmasked = session.push(call("Active", at=2))

    assert verbs(masked) == ["recording.paused"]
    assert only(masked).reason == "mask"
    assert verbs(unmasked) == ["recording.resumed"]
    assert session.mapper.picture.contacts["77"].state is ConnectionState.CONNECTED


def test_a_transfer_is_told_of_both_calls() -> None:
    session = Session().begun()
    session.push(call("Active"), call("Holding", at=1))
    second = {"contact": "78", "ParentContactId": "77", "IsInbound": "False"}
    session.push(call("Dialing", **second), call("Active", at=1, **second))

    events = session.push(
        call("Disconnected", at=3, DisconnectCode="TransferComplete"),
        call("Disconnected", at=3, DisconnectCode="TransferComplete", **second),
    )

    assert verbs(events) == ["call.transferred", "call.ended"] * 2
    assert {one.data.related_call for one in events[:1]} == {"78"}  # type: ignore[attr-defined]
    assert {one.data.related_call for one in events[2:]} == {"77"}  # type: ignore[attr-defined]


def test_a_conference_is_told_of_each_call_that_joins() -> None:
    session = Session().begun()
    session.push(call("Active"), call("Active", contact="78"))

    events = session.push(
        call("Joined", at=1),
        call("Joined", contact="78", at=1),
        event("Conference", ConferenceNo="1"),
    )

    assert verbs(events) == ["call.conferenced", "call.conferenced", "call.changed", "call.changed"]


def test_a_consultation_is_one() -> None:
    (offered,) = Session().begun().push(call("Ringing", CallType="Consult", ParentContactId="70"))

    assert offered.data.direction == "consult"  # type: ignore[attr-defined]  # a Call
    assert offered.data.related_call == "70"  # type: ignore[attr-defined]


def test_a_call_to_another_agent_is_internal_and_one_from_a_customer_is_not() -> None:
    session = Session().begun()

    (to_agent,) = session.push(call("Dialing", CallType="PersonalQueue", IsInbound="False"))
    (customer,) = session.push(call("Incoming", contact="78", CallType="PersonalQueue"))

    assert to_agent.data.direction == "internal"  # type: ignore[attr-defined]  # a Call
    assert [one.role for one in to_agent.data.parties] == ["agent", "destination"]  # type: ignore[attr-defined]
    assert customer.data.direction == "inbound"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "verb", "cause"),
    [("Busy", "failed", "busy"), ("NoAnswer", "failed", "no_answer"), ("Succeeded", "ended", None)],
)
def test_a_dialled_call_that_did_not_come_to_be_failed(
    code: str, verb: str, cause: str | None
) -> None:
    session = Session().begun()
    session.push(call("Dialing", IsInbound="False"))

    data = only(told := session.push(call("Disconnected", IsInbound="False", DisconnectCode=code)))

    assert verbs(told) == [f"call.{verb}"]
    assert data.cause == cause


def test_an_error_names_command_and_code() -> None:
    session = Session().begun()
    session.push(call("Active"))

    data = only(session.push(error("Hold", "InvalidState", "77")))

    assert (data.call, data.cause) == ("77", "Hold: InvalidState")
    assert data.state is ConnectionState.CONNECTED


def test_an_error_without_a_contact_is_told_of_the_leg() -> None:
    data = only(Session().begun().push(error("DialPhone", "BadNumber", "-1")))

    assert data.call == f"leg:{AGENT}"
    assert data.agent == AGENT


def test_an_error_of_the_recording_is_also_told_of_it() -> None:
    events = Session().begun().push(error("Mask", "InvalidState", "77"))

    assert verbs(events) == ["recording.failed", "call.failed"]


def error(command: str, code: str, contact: str) -> dict[str, Any]:
    """AgentError."""
    return event(
        "AgentError", Command=command, ResultCode=code, ContactID=contact, Target="AgentLeg"
    )


def test_an_ended_session_takes_its_contacts_along() -> None:
    session = Session().begun()
    session.push(call("Active"), chat("Active"))

    events = session.push(event("AgentSessionEnd", Success="True", Message=""))

    assert verbs(events) == [
        "call.ended", "interaction.completed", "agent.session.ended", "agent.state.changed",
    ]  # fmt: skip
    assert session.mapper.picture.contacts == {}
    assert session.push(event("AgentSessionEnd", Success="True", Message="")) == []


def test_a_forced_end_is_told_once_with_its_reason() -> None:
    session = Session().begun()

    events = session.push(
        event("RemoteAgentSessionEnd", Message="RemoteLogoff"),
        event("AgentSessionEnd", Success="True", Message=""),
    )

    assert verbs(events) == ["agent.session.ended", "agent.state.changed"]
    assert events[0].data.reason == "RemoteLogoff"  # type: ignore[attr-defined]  # an AgentSession


def test_mute_is_told_of_the_call_and_without_one_of_the_leg() -> None:
    session = Session().begun()
    leg = event("AgentLeg", AgentLegId="5", Status="Active", FinalState="False")

    assert verbs(session.push(leg, event("Mute", AgentMuted="True"))) == ["agent.leg.changed"] * 2
    session.push(event("Mute", AgentMuted="False"), call("Active"))
    muted = session.push(event("Mute", AgentMuted="True"))

    assert verbs(muted) == ["call.mute.changed"]
    assert only(muted).muted is True


def test_a_chat_has_its_messages() -> None:
    session = Session().begun()
    history = [{"Text": "Hello", "TimeStamp": "2026-11-24T09:00:00.000Z", "PartyType": "Client"}]
    said = event(
        "ChatText", RoomId="room-1", Label="Ann", Message="Hi", PartyType="Agent", TimeStamp=""
    )

    offered = session.push(chat("Incoming", Messages=history))
    accepted = session.push(chat("Active"))
    text = session.push(said)

    assert verbs(offered) == ["interaction.offered", "interaction.message.added"]
    assert verbs(accepted) == ["interaction.accepted"]
    assert only(text).interaction == "88"
    assert (only(text).sender.role, only(text).text) == ("agent", "Hi")


def test_the_same_words_said_twice_are_two_messages() -> None:
    session = Session().begun()
    session.push(chat("Active"))
    said = event("ChatText", RoomId="room-1", Message="Yes", PartyType="Client", TimeStamp="")

    events = session.push(said, said)

    assert verbs(events) == ["interaction.message.added"] * 2
    assert events[0].id != events[1].id


def test_a_chat_that_is_taken_away_was_revoked() -> None:
    session = Session().begun()
    session.push(chat("Incoming"))

    assert verbs(session.push(chat("Disconnected", FinalState="True"))) == ["interaction.revoked"]


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("WorkItemContactEvent", "workitem"),
        ("VoiceMailContactEvent", "voicemail"),
        ("DigitalContactEvent", "digital"),
    ],
)
def test_other_contacts_are_interactions_of_their_medium(kind: str, media: str) -> None:
    session = Session().begun()
    told = {"ContactID": "99", "Status": "Incoming", "FinalState": "False"}

    data = only(session.push(event(kind, **told)))

    assert (data.interaction, data.media) == ("99", media)


def test_a_callback_is_offered_and_its_status_told() -> None:
    session = Session().begun()

    events = session.push(
        event("PromiseKeeper", CallbackId="5", DialNumber="801", SkillId="501", Notes="call"),
        event("PromiseKeeperStatus", Status="Dialing"),
    )

    assert verbs(events) == ["interaction.offered", "interaction.changed"]
    assert [one.subject for one in events] == ["interaction/5"] * 2


def test_a_callback_that_makes_way_for_another_or_for_the_end_is_over() -> None:
    session = Session().begun()
    session.push(event("PromiseKeeper", CallbackId="5"))

    second = session.push(event("PromiseKeeper", CallbackId="6"))
    ended = session.push(event("AgentSessionEnd", Success="True", Message=""))

    assert [one.subject for one in second] == ["interaction/5", "interaction/6"]
    assert verbs(second) == ["interaction.completed", "interaction.offered"]
    assert (verbs(ended)[0], ended[0].subject) == ("interaction.completed", "interaction/6")


def test_supervision_begins_changes_and_stops() -> None:
    session = Session().begun()
    monitor = {"TargetAgentId": "1002", "MonitorStartTime": "2026-11-24T09:00:00.000Z"}
    begun = event("SupervisorMonitor", FinalState="False", **monitor)
    contact = {**call("Active", contact="90"), "Type": "SupervisorContact"}

    events = session.push(
        begun, contact, contact | {"Status": "Joined"},
        event("SupervisorMonitor", FinalState="True", **monitor),
    )  # fmt: skip

    assert verbs(events) == [
        "supervision.started", "supervision.changed", "supervision.changed", "supervision.stopped",
    ]  # fmt: skip
    assert [one.data.mode for one in events] == ["listen", "listen", "barge", "barge"]  # type: ignore[attr-defined]
    assert {one.data.agent for one in events} == {"1002"}  # type: ignore[attr-defined]


def test_the_mode_that_a_command_asks_for_is_confirmed_by_a_restatement() -> None:
    session = Session().begun()
    contact = {**call("Active", contact="90"), "Type": "SupervisorContact"}
    session.push(event("SupervisorMonitor", TargetAgentId="1002", FinalState="False"), contact)
    session.mapper.expect_mode("coach")

    data = only(session.push(contact))

    assert data.mode == "coach"
    assert session.push(contact) == []


@pytest.mark.parametrize(
    ("signal", "directory"),
    [
        ("UpdateSkills", "skills"),
        ("UpdateUnavailableCodes", "states"),
        ("UpdateCallbacks", "callbacks"),
    ],
)
def test_a_signal_says_what_is_to_be_read_anew(signal: str, directory: str) -> None:
    assert only(Session().begun().push(event(signal))).directory == directory


def test_what_a_script_shows_is_data_of_its_contact() -> None:
    session = Session().begun()
    session.push(call("Active"), chat("Active"))

    page = session.push(event("PageOpen", ContactID="77", Action="OPEN", PageUri="https://x.test/"))
    popped = session.push(event("PopURL", ContactId="88", URL="https://x.test/", TabTitle="x"))

    assert verbs(page) == ["call.data.changed"]
    assert only(page).values["PageOpen.PageUri"] == "https://x.test/"
    assert verbs(popped) == ["interaction.data.changed"]


def test_data_of_a_call_is_told_when_it_changes() -> None:
    session = Session().begun()
    variables = [{"account": "12"}, {"name": "vip", "value": "yes"}]

    first = session.push(call("Active", CustomData="a=1", ScreenPopUrlVariables=variables))
    second = session.push(call("Active", CustomData="a=2", ScreenPopUrlVariables=variables))

    assert verbs(first) == ["call.connected", "call.data.changed"]
    assert first[1].data.values == {"CustomData": "a=1", "account": "12", "vip": "yes"}  # type: ignore[attr-defined]
    assert only(second).values == {"CustomData": "a=2"}


def test_thresholds_are_told_of_each_medium() -> None:
    told = event("MchAgentSettingsChangeEvent", ChatThreshold="0", VoiceThreshold="1")

    events = Session().begun().push(told)

    assert {one.data.media: one.data.active for one in events} == {"chat": False, "voice": True}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "told",
    [
        event("CustomEvent", eventName="x", data="{}"),
        event("HoursOfOperation", ShowContinueReskill="True"),
        event("NeverHeardOf"),
        event("CallContactEvent", Status="Active"),
        {"IISHost": "x"},
        "text",
    ],
)
def test_what_has_no_canonical_type_is_kept_whole(told: Any) -> None:
    events = Session().begun().push(told)

    assert verbs(events) == ["vendor.message"]
    assert only(events).native.payload == told


def test_a_surprising_transition_is_passed_on_and_flagged() -> None:
    (held,) = Session().begun().push(call("Holding"))

    assert held.anomaly == "illegal_transition"


@pytest.mark.parametrize("fields", [{"ParentContactId": "70"}, {"CallType": "TakeOver"}])
def test_a_call_that_was_handed_over_begins_in_its_middle(fields: dict[str, str]) -> None:
    """Its contact is a new one for the agent; nothing was missed."""
    (connected,) = Session().begun().push(call("Active", **fields))

    assert connected.type == "tieline.call.connected.v1"
    assert not isinstance(connected.anomaly, str)
