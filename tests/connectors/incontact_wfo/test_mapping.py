"""What differs between two looks at the recorder is told, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.incontact_wfo.mapping import Cause, Reading, decode_state, encode_state, read_agent
from connectors.incontact_wfo.mapping.times import site_time
from gateway.events import Event, Provenance
from tests.connectors.incontact_wfo.builders import (
    RECEIVED,
    WORDS,
    Site,
    agent,
    call,
    recording,
    verbs,
)

CAUSE = Cause(command="cmd-1", types=frozenset({"tieline.recording.started.v1"}))


def only(events: list[Event], verb: str) -> Any:
    """The data of the one event of that type."""
    (found,) = [event.data for event in events if event.type == f"tieline.{verb}.v1"]
    return found


def seen(*bodies: dict[str, Any]) -> Site:
    """A site that was looked at like this before."""
    site = Site()
    site.look([agent()])
    site.look(list(bodies))
    return site


def test_the_first_look_tells_how_things_stand_and_not_what_is_over() -> None:
    site = Site()
    over = call(recording("Stopped"), endtime="03/01/2026 08:19:00")
    events = site.look(
        [agent(call(recording())), agent(None, over, number=2)], provenance=Provenance.SNAPSHOT
    )

    assert verbs(events) == ["call.connected", "recording.started"]
    assert site.look([agent(call(recording())), agent(None, over, number=2)]) == []


def test_an_unchanged_site_is_told_once_over_a_restart_too() -> None:
    body = [agent(call(recording(), user2="x"))]
    site = seen(*body)
    again = Site(decode_state(encode_state(site.mapper.state)))

    assert site.look(body) == []
    assert again.look(body) == []


def test_what_a_killed_process_read_twice_has_the_same_ids() -> None:
    before = encode_state(seen(agent()).mapper.state)
    body = [agent(call(recording(), user2="x"))]
    first, second = (Site(decode_state(before)).look(body) for _ in range(2))

    assert [event.id for event in first] == [event.id for event in second]
    assert len({event.id for event in first}) == 3


def test_hold_and_retrieve_again_and_again_are_different_events() -> None:
    site = seen(agent(call()))
    events = [
        event
        for state in ("OnHold", "OnCall", "OnHold", "OnCall")
        for event in site.look([agent(call(state=state))])
    ]

    assert verbs(events) == ["call.held", "call.retrieved"] * 2
    assert len({event.id for event in events}) == 4


def test_a_call_has_its_parties_its_queue_and_the_recorders_time() -> None:
    site = seen(agent())
    (event,) = site.look([agent(call(calldirection="I", ani="801", dnis="800", gate="Sales"))])
    data = only([event], "call.connected")

    assert event.time == datetime(2026, 3, 1, 15, 15, tzinfo=UTC)
    assert (data.call, data.agent, data.direction, data.queue) == ("c7", "1", "inbound", "Sales")
    assert [(p.role, p.number) for p in data.parties] == [("agent", "4678"), ("customer", "801")]
    assert event.correlationid == "c7"


def test_a_call_that_ended_has_its_end_and_length() -> None:
    site = seen(agent(call(recording())))
    over = call(recording("Stopped"), endtime="03/01/2026 08:17:30")
    events = site.look([agent(None, over)])

    assert verbs(events) == ["recording.stopped", "call.ended"]
    assert events[1].time == datetime(2026, 3, 1, 15, 17, 30, tzinfo=UTC)
    assert only(events, "call.ended").duration_seconds == 150.0
    assert {event.confidence for event in events} == {"observed"}


@pytest.mark.parametrize("body", [[agent()], []], ids=["no call any more", "no agent any more"])
def test_what_is_gone_is_over_by_inference(body: list[Any]) -> None:
    site = seen(agent(call(recording())))
    events = [e for e in site.look(body) if not e.type.startswith("tieline.directory")]

    assert verbs(events) == ["recording.stopped", "call.ended"]
    assert {event.confidence for event in events} == {"inferred"}


def test_a_whole_call_between_two_looks_is_told() -> None:
    over = call(recording("Stopped"), endtime="03/01/2026 08:19:00")
    events = seen(agent()).look([agent(None, over)])

    assert verbs(events) == ["call.ended", "recording.started", "recording.stopped"]


def test_fields_of_a_recording_are_tags() -> None:
    site = seen(agent(call(recording(), user2="1", user3="3")))
    events = site.look([agent(call(recording(), user2="2"))])

    assert only(events, "recording.tagged").tags == {"user2": "2", "user3": ""}


def test_a_change_of_the_parties_is_a_change_of_the_call() -> None:
    site = seen(agent(call(ani="801")))

    assert verbs(site.look([agent(call(ani="802"))])) == ["call.changed"]


def test_a_word_without_a_meaning_is_kept_and_counts_as_on_call() -> None:
    site = seen(agent())
    events = site.look([agent(call(recording("Buffering"), state="Wrapping"))])

    assert verbs(events) == [
        "vendor.message",
        "call.connected",
        "vendor.message",
        "recording.started",
    ]
    assert events[1].confidence == "inferred"
    assert site.mapper.unknown_words == {"CallState Wrapping", "RecordingState Buffering"}
    assert site.look([agent(call(recording("Buffering"), state="Wrapping"))]) == []


def test_words_are_read_whatever_their_case() -> None:
    site = seen(agent(call(recording())))

    assert verbs(site.look([agent(call(recording("BLACKOUT"), state="ONHOLD"))])) == [
        "call.held",
        "recording.paused",
    ]


def test_an_older_answer_changes_nothing_of_an_agent_who_was_read_meanwhile() -> None:
    site = seen(agent(call()))
    slow = site.mapper.ticket()
    after = Reading(
        everybody=False, agents=tuple(filter(None, [read_agent(agent(call(recording())))]))
    )
    site.mapper.causes["1"] = CAUSE
    told = site.mapper.take(after, site.mapper.ticket(), received=RECEIVED)

    assert verbs(told) == ["recording.started"]
    assert told[0].causationid == "cmd-1"
    assert site.look([agent(call())], ticket=slow) == []
    assert "call.ended" not in verbs(site.look([agent(number=2)], ticket=slow))
    assert "recording.stopped" in verbs(site.look([agent(call())]))


def test_a_command_causes_what_recordings_do_and_no_call() -> None:
    site = seen(agent())
    reading = Reading(
        everybody=False, agents=tuple(filter(None, [read_agent(agent(call(recording())))]))
    )
    site.mapper.causes["1"] = CAUSE
    events = site.mapper.take(reading, site.mapper.ticket(), received=RECEIVED)

    assert [
        (v, isinstance(e.causationid, str)) for v, e in zip(verbs(events), events, strict=True)
    ] == [
        ("call.connected", False),
        ("recording.started", True),
    ]


def test_whichever_look_shows_it_first_the_command_under_way_caused_it() -> None:
    """A poll may overtake the look that follows the command."""
    site = seen(agent(call()))
    cause = site.mapper.causes["1"] = Cause(command="cmd-1", types=CAUSE.types)
    (event,) = site.look([agent(call(recording()))])

    assert (event.causationid, cause.seen) == ("cmd-1", True)


def test_an_entry_that_cannot_be_read_ends_no_call() -> None:
    site = seen(agent(call()), agent(call(), number=2))
    odd = agent({"CallState": "OnCall"}, number=2)

    assert verbs(site.look([agent(call()), "?"])) == ["vendor.message"]
    assert verbs(site.look([agent(call()), odd])) == ["vendor.message"]
    assert site.look([agent(call()), odd]) == []


def test_keys_are_read_whatever_their_case_and_a_list_may_be_wrapped() -> None:
    site = seen(agent())
    body = {"AGENTS": [{"agentid": "1", "activecall": {"CALLINSTANCE": 7, "metadata": {}}}]}

    assert verbs(site.look(body))[0] == "call.connected"


def test_a_recording_that_comes_back_is_told_again() -> None:
    site = seen(agent(call(recording())))
    gone = site.look([agent(call())])
    back = site.look([agent(call(recording()))])

    assert (verbs(gone), verbs(back)) == (["recording.stopped"], ["recording.started"])
    assert gone[0].id != back[0].id


@pytest.mark.parametrize(
    ("told", "received", "meant"),
    [
        ("07/01/2026 08:00:00", datetime(2026, 7, 1, 14, 1, tzinfo=UTC), "2026-07-01T14:00"),
        ("01/15/2026 08:00:00", datetime(2026, 1, 15, 15, 1, tzinfo=UTC), "2026-01-15T15:00"),
        # 1 November 2026: from 1:00 to 2:00 twice, first at -06:00, then at -07:00.
        ("11/01/2026 01:30:00", datetime(2026, 11, 1, 7, 45, tzinfo=UTC), "2026-11-01T07:30"),
        ("11/01/2026 01:30:00", datetime(2026, 11, 1, 8, 31, tzinfo=UTC), "2026-11-01T08:30"),
        ("2026-03-01 08:00:00", RECEIVED, None),
        ("", RECEIVED, None),
        (None, RECEIVED, None),
        ("01/01/0001 00:00:00", RECEIVED, "0001-01-01T06:59"),
    ],
)
def test_local_times_are_read_in_the_sites_zone(
    told: str | None, received: datetime, meant: str | None
) -> None:
    found = site_time(told, WORDS.zone, received)

    assert (None if found is None else found.isoformat()[:16]) == meant
