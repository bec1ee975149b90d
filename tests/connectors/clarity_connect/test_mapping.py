"""Differences in, whole values out."""

from __future__ import annotations

import msgspec
import pytest

from connectors.clarity_connect.mapping import State
from connectors.clarity_connect.mapping.sightings import MAX_NAMES, OTHERS, Sightings
from connectors.clarity_connect.vendor import STATES, STATUS_IDS
from gateway.events import Provenance
from tests.connectors.clarity_connect.builders import RECEIVED, Feed, stamp, verbs


@pytest.mark.parametrize("status", STATUS_IDS)
def test_every_status_has_a_state(status: str) -> None:
    """By name in any capitals, and by number."""
    for told in (
        {"agentStatus": status[0].upper() + status[1:]},
        {"agentStatusId": STATUS_IDS[status]},
    ):
        (event,) = (e for e in Feed().agent(currentStatus=told) if "state" in e.type)

        assert event.data.state == STATES[status]
        assert event.data.native_state == status


def test_a_change_carries_the_reason_and_what_was_before() -> None:
    feed = Feed()
    feed.status("available", stamp(1), isSuspended=False)

    (event,) = feed.status("unavailable", stamp(2), reasonCodeName="At Lunch", isSuspended=False)

    assert verbs([event]) == ["agent.state.changed"]
    data = event.data
    assert (data.previous_state, data.state, data.reason) == ("ready", "not_ready", "At Lunch")
    assert event.time.minute == 2


def test_a_partial_status_is_merged_into_what_is_known() -> None:
    feed = Feed()
    feed.status("unavailable", stamp(1), reasonCodeName="At Lunch", isSuspended=False)

    (event,) = feed.agent(currentStatus={"isSuspended": True})

    data = event.data
    assert (data.native_state, data.reason, data.suspended) == ("unavailable", "At Lunch", True)


def test_logging_out_ends_the_session_and_logging_in_starts_one() -> None:
    feed = Feed()
    feed.status("available", stamp(1))

    assert verbs(feed.status("loggedOut", stamp(2))) == [
        "agent.session.ended",
        "agent.state.changed",
    ]
    assert verbs(feed.status("available", stamp(3))) == [
        "agent.session.started",
        "agent.state.changed",
    ]


def test_statuses_that_were_missed_come_from_the_history() -> None:
    feed = Feed()
    feed.status("available", stamp(1))
    told = {
        "type": "agent",
        "id": 5,
        "currentStatus": {"agentStatus": "available", "startTime": stamp(6)},
        "statusHistory": [
            {"agentStatus": "available", "startTime": stamp(1), "endTime": stamp(3)},
            {"agentStatus": "atLunch", "startTime": stamp(3), "endTime": stamp(6)},
        ],
    }

    events = feed.mapper.adopt([told], occasion="gap 1", received=RECEIVED, reconciled=True)

    states = [event for event in events if event.type.endswith("state.changed.v1")]
    assert [event.data.native_state for event in states] == ["atLunch", "available"]
    assert [event.confidence for event in states] == ["inferred", "observed"]
    assert {event.provenance for event in events} == {Provenance.RECONCILED}


def test_metrics_are_told_whole() -> None:
    feed = Feed()
    feed.queue(metrics={"audio": {"queuedCount": 1, "answeredCount": 7}})

    (event,) = feed.queue(metrics={"audio": {"queuedCount": 2}})

    assert event.data.values == {"audio.queuedCount": 2, "audio.answeredCount": 7}


def test_breakdowns_come_change_and_go() -> None:
    feed = Feed()
    one = {"queueId": 1, "metrics": {"audio": {"ronaCount": 1}}}
    two = {"queueId": 1, "metrics": {"audio": {"ronaCount": 2}}}

    (added,) = feed.agent(addedBreakdowns=[one])
    (changed,) = feed.agent(breakdowns=[two])
    (removed,) = feed.agent(removedBreakdowns=[two])

    assert added.data.values == {"queue.1.audio.ronaCount": 1}
    assert changed.data.values == {"queue.1.audio.ronaCount": 2}
    assert removed.data.values == {}


def test_a_call_from_queue_to_end() -> None:
    """Told once although queue and agent both have it; over when its status says so."""
    feed = Feed()
    queued = {"sessionId": 70, "sessionStatus": "Queued", "queueId": 3, "isRecording": False}
    told = [
        feed.queue(sessions={"audio": {"addedSessions": [queued]}}),
        feed.queue(
            sessions={"audio": {"sessions": [{"sessionId": 70, "sessionStatus": "NotifyingAgent"}]}}
        ),
        feed.session("added", sessionStatus="Active", agentId=5),
        feed.session("changed", isOnHold=True),
        feed.session("changed", isOnHold=False),
        feed.session("changed", isRecording=True, isWhisperJoined=True),
        feed.session("changed", sessionStatus="AfterCall", activeMs=4000),
        feed.session("removed", sessionStatus="Completed"),
    ]

    assert [verbs(events)[0] for events in told[:5]] == [
        "call.queued", "call.offered", "call.connected", "call.held", "call.retrieved",
    ]  # fmt: skip
    assert verbs(told[5]) == ["recording.started", "supervision.started"]
    assert verbs(told[6]) == ["call.ended"]
    assert told[6][0].data.talk_seconds == 4.0
    assert "call.ended" not in verbs(told[7])


def test_a_session_that_all_lists_dropped_is_over() -> None:
    feed = Feed()
    feed.session("added", sessionStatus="Active", isRecording=True)

    events = feed.session("removed")

    assert verbs(events) == ["recording.stopped", "call.ended"]
    assert events[1].confidence == "inferred"
    assert not feed.mapper.state.sessions


@pytest.mark.parametrize("status", ["NotifyingAgent", "ReEnqueued"])
def test_a_session_that_is_offered_to_the_next_agent_surprises_nobody(status: str) -> None:
    """It has one status for all its agents; one that begins in the middle does surprise."""
    feed = Feed()
    feed.session("added", sessionStatus="queued", agentId=5)
    feed.session("changed", sessionStatus="active")
    (again,) = feed.session("changed", sessionStatus=status)
    assert not isinstance(again.anomaly, str)
    (surprise, *_) = Feed().session("added", sessionStatus="active")
    assert surprise.anomaly == "illegal_transition"


def test_a_session_that_another_agent_has_now_was_transferred() -> None:
    """The first agent is out of it, and that is told of him."""
    feed = Feed()
    feed.session("added", sessionStatus="Active", agentId=5)
    events = feed.session("changed", agentId=6)

    assert verbs(events) == ["call.transferred", "call.connected", "call.ended"]
    assert [event.data.agent for event in events] == ["5", "6", "5"]
    assert events[-1].data.state == "cleared"


def test_a_session_that_was_offered_to_the_next_agent_is_transferred_when_he_takes_it() -> None:
    feed = Feed()
    feed.session("added", sessionStatus="Active", agentId=5)
    feed.session("changed", sessionStatus="NotifyingAgent")
    events = feed.session("changed", sessionStatus="Active", agentId=6)

    assert verbs(events) == ["call.transferred", "call.connected", "call.ended"]
    assert [event.data.agent for event in events] == ["5", "6", "5"]


@pytest.mark.parametrize(("modality", "media"), [("instantMessage", "chat"), ("message", "email")])
def test_other_modalities_are_interactions(modality: str, media: str) -> None:
    feed = Feed()
    told = [
        feed.session("added", modality, sessionStatus="New"),
        feed.session("changed", modality, sessionStatus="Queued"),
        feed.session("changed", modality, sessionStatus="NotifyingAgent"),
        feed.session("changed", modality, sessionStatus="Active"),
        feed.session("changed", modality, sessionStatus="Abandoned"),
    ]

    assert [v for events in told for v in verbs(events)] == [
        "interaction.created", "interaction.queued", "interaction.offered", "interaction.accepted",
        "interaction.cancelled",
    ]  # fmt: skip
    assert told[0][0].data.media == media


def test_a_session_that_is_read_has_parties_hold_and_data() -> None:
    """The vendor's sample of a session by id, with what its table adds."""
    feed = Feed()
    told = {
        "sessionId": 70, "modality": "Audio", "sessionStatus": "Active", "isOnHold": True,
        "customerPhone": "sip:jruffer@claritycon.com", "callFlowId": 1, "queueId": 3,
        "callNote": "locked out", "selectedCallDisposition": {"callDispositionId": 3},
        "selectedCallSubDisposition": {"callSubDispositionId": 1},
        "extraItems": {"items": [{"key": "IsCallAfterHours", "value": "False"}], "count": 1},
        "agents": {"items": [
            {"agentId": 5, "agentParticipationType": "Agent"},
            {"agentId": 9, "agentParticipationType": "SilentJoin"},
        ]},
        "offers": {"items": [{"agentId": 6, "agentParticipationType": "Consult"}]},
        "isSilentJoined": True,
    }  # fmt: skip
    feed.session("added", sessionStatus="Active")

    events = feed.mapper.adopt_session(
        "70", told, occasion="gap 1", received=RECEIVED, reconciled=True
    )

    assert verbs(events) == [
        "call.held", "call.offered", "call.party.joined", "call.party.joined",
        "supervision.started", "call.data.changed",
    ]  # fmt: skip
    assert events[4].data.supervisor == "9"
    assert events[5].data.values == {
        "callNote": "locked out", "dispositionId": "3", "subDispositionId": "1",
        "IsCallAfterHours": "False",
    }  # fmt: skip
    assert events[0].data.native.ids["call_flow_id"] == "1"


def test_a_session_that_the_platform_has_no_more_is_over() -> None:
    feed = Feed()
    feed.session("added", sessionStatus="Active")

    events = feed.mapper.adopt_session("70", {}, occasion="g", received=RECEIVED, reconciled=True)

    assert verbs(events) == ["call.ended"]


def test_alerts_are_raised_and_cleared() -> None:
    feed = Feed()
    alert = {"type": "alert", "id": 3, "name": "Long", "queueId": 1, "value": 4, "isActive": True}

    (raised,) = feed.push("onAlerts", "alerts", alert)
    (cleared,) = feed.push("onAlerts", "alerts", {**alert, "isActive": False})

    assert verbs([raised, cleared]) == ["alert.raised", "alert.cleared"]
    assert (raised.data.about, raised.data.value) == ("queue/1", 4.0)


def test_an_unmapped_method_is_kept_and_its_first_sight_told() -> None:
    feed = Feed()

    (first,) = feed.push("onNews", {"a": 1})
    (second,) = feed.push("onNews", {"a": 2})

    assert verbs([first, second]) == ["vendor.message"] * 2
    assert "first sight" in first.data.why
    assert "first sight" not in second.data.why
    assert first.data.native.payload == [{"a": 1}]
    assert feed.mapper.sightings.counts == {"metricsHub.onNews": 2}


def test_methods_are_found_without_regard_to_case() -> None:
    assert "vendor.message" not in verbs(Feed().push("ONAGENTS", {"type": "agent", "id": 1}))


def test_the_same_message_again_leads_to_no_event_and_is_counted() -> None:
    feed = Feed()
    feed.status("available", stamp(1))

    assert feed.status("available", stamp(1)) == []
    assert feed.mapper.duplicates == 1


def test_the_state_survives_being_written_and_read() -> None:
    feed = Feed()
    feed.status("available", stamp(1))
    feed.session("added", sessionStatus="Active")
    kept = msgspec.json.decode(msgspec.json.encode(feed.mapper.state), type=State)

    again = Feed(kept)

    assert verbs(again.session("changed", sessionStatus="Active", isOnHold=True)) == ["call.held"]


def test_reading_the_same_again_gives_the_same_ids() -> None:
    told = [{"type": "agent", "id": 5, "currentStatus": {"agentStatus": "available"},
             "metrics": {"audio": {"ronaCount": 1}}}]  # fmt: skip

    def read() -> list[str]:
        events = Feed().mapper.adopt(told, occasion="gap x", received=RECEIVED, reconciled=True)
        return [event.id for event in events]

    assert read() == read()
    assert len(set(read())) == 2


def test_methods_without_end_are_counted_within_a_bound() -> None:
    """A platform that makes names up fills neither memory nor the log."""
    sightings = Sightings()

    first = [sightings.note(f"hub.{number}") for number in range(3 * MAX_NAMES)]

    assert sum(first) == MAX_NAMES + 1
    assert len(sightings.untold) == MAX_NAMES + 1
    assert sightings.counts[OTHERS] == 2 * MAX_NAMES
    assert sightings.note("hub.0") is False
