from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.genesys_web_services.mapping.picture import MAX_CALLS
from gateway.events import TimeSource
from gateway.events.calls import Call, CallDataChanged
from gateway.states import ConnectionState
from tests.connectors.genesys_web_services.builders import Agent, call, device, verbs

STAMP = 1_700_000_000_000


def stamped(message: dict, *, at: int = STAMP, reference: str | None = None) -> dict:
    metrics = {"eventProcessing": {"serverGenerationTimestamp": at}}
    return {**message, "metrics": metrics} | ({"referenceId": reference} if reference else {})


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["Dialing"], "call.initiated"),
        (["Ringing"], "call.offered"),
        (["Ringing", "Established"], "call.connected"),
        (["Ringing", "Established", "Held"], "call.held"),
        (["Ringing", "Established", "Held", "Established"], "call.retrieved"),
        (["Ringing", "Established", "Released"], "call.ended"),
        (["Ringing", "Established", "Completed"], "call.ended"),
        (["RINGING"], "call.offered"),
        (["Ringing", "Levitating"], "call.changed"),
    ],
)
def test_a_status_change_becomes_the_transition_that_the_previous_state_makes_it(
    states: list[str], expected: str
) -> None:
    agent = Agent()
    for state in states[:-1]:
        agent.hear(call(state))

    assert agent.verbs(call(states[-1])) == [expected]


def test_an_unknown_state_word_is_kept_beside_the_unknown_state() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    (event,) = agent.hear(call("Levitating"))

    assert isinstance(event.data, Call)
    assert event.data.state is ConnectionState.UNKNOWN
    assert event.data.native is not None
    assert event.data.native.state == "Levitating"


def test_an_illegal_transition_is_passed_on_and_flagged() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    (event,) = agent.hear(call("Held"))

    assert (event.type, event.anomaly) == ("tieline.call.held.v1", "illegal_transition")


def test_a_verbatim_repetition_is_counted_and_leads_to_no_event() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.hear(call("Ringing")) == []
    assert agent.mapper.duplicates == 1


def test_hold_retrieve_hold_with_equal_content_is_three_events() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))
    agent.hear(call("Established"))

    found = [agent.verbs(call(state)) for state in ("Held", "Established", "Held")]

    assert found == [["call.held"], ["call.retrieved"], ["call.held"]]
    assert agent.mapper.duplicates == 0


def test_the_ids_of_equal_messages_differ_and_are_the_same_when_read_again() -> None:
    messages = [call(state) for state in ("Ringing", "Established", "Held", "Established", "Held")]
    one, other = Agent(), Agent()

    ids = [event.id for message in messages for event in one.hear(message)]

    assert len(set(ids)) == len(ids)
    assert ids == [event.id for message in messages for event in other.hear(message)]


def test_a_repetition_of_a_stamped_message_is_found_behind_other_messages() -> None:
    agent = Agent()
    ringing = stamped(call("Ringing"), reference="r1")
    agent.hear(ringing)
    agent.hear(stamped(call("Established"), at=STAMP + 1, reference="r2"))

    assert agent.hear(ringing) == []
    assert agent.mapper.duplicates == 1


def test_a_repetition_with_another_reference_is_no_duplicate_and_no_transition() -> None:
    agent = Agent()
    agent.hear(stamped(call("Ringing"), reference="r1"))

    assert agent.verbs(stamped(call("Ringing"), reference="r2")) == ["call.changed"]


def test_a_different_state_under_the_same_stamp_is_no_duplicate() -> None:
    agent = Agent()
    agent.hear(stamped(call("Ringing")))

    assert agent.verbs(stamped(call("Established"))) == ["call.connected"]


def test_equal_tones_are_told_each_time() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))
    agent.hear(call("Established"))
    tone = call("Established", notification="DtmfSent")

    assert agent.verbs(tone) == ["call.dtmf.sent"]
    assert agent.verbs(tone) == ["call.dtmf.sent"]


def test_the_platforms_time_is_used_if_it_tells_one() -> None:
    agent = Agent()

    (event,) = agent.hear(stamped(call("Ringing")))

    assert event.time == datetime.fromtimestamp(STAMP / 1000, UTC)
    assert event.timesource is TimeSource.PLATFORM


def test_without_a_time_of_the_platform_the_receipt_stands_in_and_says_so() -> None:
    agent = Agent()

    (event,) = agent.hear(call("Ringing"))

    assert event.time == event.recordedtime
    assert event.timesource is TimeSource.GATEWAY


def test_participants_are_told_as_joined_and_left() -> None:
    agent = Agent()
    agent.hear(call("Ringing", participants=["1"]))
    agent.hear(call("Established", participants=["1"]))
    numbers = [{"phoneNumber": "2"}, {"e164Number": "3"}]

    events = agent.hear(
        call("Established", notification="ParticipantsUpdated", participants=numbers)
    )

    told = [
        (verb, event.data.party.number)
        for verb, event in zip(verbs(events), events, strict=True)
        if isinstance(event.data, Call) and event.data.party
    ]
    assert told == [
        ("call.party.joined", "2"),
        ("call.party.joined", "3"),
        ("call.party.left", "1"),
    ]


@pytest.mark.parametrize(
    ("call_type", "ani", "dnis", "others"),
    [
        ("Inbound", "100", "5001", [("customer", "100")]),
        ("Outbound", "5001", "100", [("customer", "100")]),
        ("Internal", "5001", "5002", [("destination", "5002")]),
        ("Internal", "5002", "5001", [("unknown", "5002")]),
    ],
)
def test_parties_have_roles(
    call_type: str, ani: str, dnis: str, others: list[tuple[str, str]]
) -> None:
    agent = Agent()
    number = next(number for _, number in others)

    (event,) = agent.hear(
        call("Ringing", callType=call_type, ani=ani, dnis=dnis, participants=[number, "5001"])
    )

    assert isinstance(event.data, Call)
    assert [(party.role, party.number) for party in event.data.parties] == [
        ("agent", "5001"),
        *others,
    ]


def test_attached_data_is_told_as_changed_and_removed_keys_with_values() -> None:
    agent = Agent()
    agent.hear(call("Ringing", userData={"kept": 1, "old": "a", "gone": None}))

    (event,) = agent.hear(
        call(
            "Ringing",
            notification="AttachedDataChanged",
            userData={"kept": 1, "old": "b", "new": {"nested": [True]}},
        )
    )

    assert isinstance(event.data, CallDataChanged)
    assert event.data.changed == ["old", "new"]
    assert event.data.removed == ["gone"]
    assert event.data.values == {"old": "b", "new": {"nested": [True]}}


def test_data_attached_from_the_start_is_told_with_the_offer() -> None:
    agent = Agent()

    assert agent.verbs(call("Ringing", userData={"a": 1})) == ["call.offered", "call.data.changed"]


def test_changes_are_found_in_attached_data_too_large_to_be_remembered_whole() -> None:
    agent = Agent()
    large = {f"key{i}": "x" * 100 for i in range(400)}
    agent.hear(call("Ringing", userData=large))

    events = agent.hear(
        call("Ringing", notification="AttachedDataChanged", userData={**large, "key7": "y"})
    )

    assert [e.data.changed for e in events if isinstance(e.data, CallDataChanged)] == [["key7"]]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["Recording"], "recording.started"),
        (["Recording", "Paused"], "recording.paused"),
        (["Recording", "Paused", "Recording"], "recording.resumed"),
        (["Recording", "Stopped"], "recording.stopped"),
        (["Recording", "Stopped", "Recording"], "recording.started"),
        (["Recording", "Melted"], "call.changed"),
    ],
)
def test_recording_states_become_recording_events(states: list[str], expected: str) -> None:
    agent = Agent()
    agent.hear(call("Ringing"))
    agent.hear(call("Established"))
    note = "CallRecordingStateChange"
    for state in states[:-1]:
        agent.hear(call("Established", notification=note, recordingState=state))

    assert agent.verbs(call("Established", notification=note, recordingState=states[-1])) == [
        expected
    ]


def test_muting_is_told_when_it_changes() -> None:
    agent = Agent()
    agent.hear(call("Ringing", mute="Off"))

    assert agent.verbs(call("Established", mute="Off")) == ["call.connected"]
    assert agent.verbs(call("Established", mute="On")) == ["call.mute.changed"]


def test_a_refused_operation_is_told_on_the_call_it_was_meant_for() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    (event,) = agent.hear(
        {
            "messageType": "CallStateChangeMessage",
            "errorMessage": "Invalid Called Dn",
            "callUuid": "u1",
            "connectionId": "n1",
            "deviceUri": "http://h/api/v2/devices/d1",
        }
    )

    assert (event.type, event.subject) == ("tieline.call.failed.v1", "call/c1")
    assert isinstance(event.data, Call)
    assert (event.data.cause, event.data.state) == ("Invalid Called Dn", ConnectionState.ALERTING)


def test_a_call_that_never_came_to_be_is_told_under_the_phones_name() -> None:
    (event,) = Agent().hear(
        {
            "messageType": "CallStateChangeMessage",
            "errorMessage": "Invalid Destination DN",
            "deviceUri": "http://h/api/v2/devices/d1",
        }
    )

    assert (event.type, event.subject) == ("tieline.call.failed.v1", "call/device:d1")


def test_a_refused_operation_beside_its_call_is_told_too() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.verbs(call("Ringing", outer={"errorMessage": "no"})) == ["call.failed"]


def test_completed_after_released_does_not_end_the_call_twice() -> None:
    agent = Agent()
    for state in ("Ringing", "Established", "Released"):
        agent.hear(call(state))

    assert agent.verbs(call("Completed")) == ["call.changed"]


def test_a_call_that_comes_back_under_its_id_begins_anew() -> None:
    agent = Agent()
    for state in ("Ringing", "Established", "Released"):
        agent.hear(call(state))

    (event,) = agent.hear(call("Ringing", duration="9"))

    assert event.type == "tieline.call.offered.v1"
    assert not event.anomaly


def test_a_late_message_flags_the_transition_and_does_not_revive_the_call() -> None:
    agent = Agent()
    agent.hear(stamped(call("Ringing")))
    agent.hear(stamped(call("Released"), at=STAMP + 9))

    (event,) = agent.hear(stamped(call("Established"), at=STAMP + 5))

    assert event.anomaly == "illegal_transition"
    assert agent.mapper.picture.calls == {}


def test_a_transition_learnt_by_the_way_is_marked_inferred() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    events = agent.hear(call("Established", notification="AttachedDataChanged", userData={"a": 1}))

    assert [(e.type, e.confidence.value) for e in events] == [
        ("tieline.call.connected.v1", "inferred"),
        ("tieline.call.data.changed.v1", "observed"),
    ]


def test_calls_make_a_ready_agent_reserved_then_busy_then_ready() -> None:
    agent = Agent()
    agent.hear(device("Ready"))

    told = [
        (event.data.state, event.data.pending_state)  # type: ignore[attr-defined]  # the filter below
        for state in ("Ringing", "Established", "Held", "Released")
        for event in agent.hear(call(state))
        if event.type == "tieline.agent.state.changed.v1"
    ]

    assert told == [("reserved", "ready"), ("busy", "ready"), ("ready", None)]


def test_the_number_of_remembered_calls_is_bounded() -> None:
    agent = Agent()

    for number in range(MAX_CALLS * 3):
        agent.hear(call("Ringing", id=f"c{number}"))

    assert len(agent.mapper.picture.calls) == MAX_CALLS


def test_fields_printed_beside_the_call_belong_to_it() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.verbs(call("Established", outer={"recordingState": "Recording"})) == [
        "call.connected",
        "recording.started",
    ]
