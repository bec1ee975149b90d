"""The place in a session: what each answer means, without a platform."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.nice_incontact.mapping import Origin
from connectors.nice_incontact.session.place import Place
from connectors.nice_incontact.session.polled import Life, Polled
from gateway.contracts import Delivery
from tests.connectors.nice_incontact.builders import (
    AGENT,
    RECEIVED,
    call,
    event,
    start,
    state,
    verbs,
)

LATER = RECEIVED + timedelta(hours=1)


def place_at(resume: bytes | None = None) -> Place:
    place = Place(Origin(feed="nice/1001", source="/tieline/nice/nice_incontact", agent=AGENT))
    place.restore(resume)
    return place


def joined(*told: Any) -> Place:
    """In a session whose states were told."""
    place = place_at()
    place.begin("S0", joined=True)
    answer(place, "S1", start(), state(), *told)
    told_now(place)
    return place


def answer(place: Place, cursor: str, *told: Any, now: datetime = RECEIVED) -> None:
    place.take(Polled(life=Life.GOES_ON, cursor=cursor, events=told), now)


def told_now(place: Place, **how: bool) -> Delivery:
    delivery = place.delivery(**how)
    assert delivery is not None
    return delivery


def test_the_first_answer_after_joining_is_how_things_stand() -> None:
    place = place_at()
    place.begin("S0", joined=True)
    answer(place, "S1", start(), state())

    delivery = told_now(place)
    assert {one.provenance for one in delivery.events} == {"snapshot"}
    assert place.cursor == "S1"
    assert place.start == "S0"
    assert place.delivery() is None


def test_a_gap_begins_with_the_last_answer_before_it_and_not_with_the_one_that_shows_it() -> None:
    place = joined()
    answer(place, "S2", start(), state(), now=LATER)

    gap = told_now(place).gap
    assert gap is not None
    assert gap.since == RECEIVED


def test_the_first_answer_after_starting_is_live() -> None:
    place = place_at()
    place.begin("S0", joined=False)
    answer(place, "S1", state(), start())

    assert {one.provenance for one in told_now(place).events} == {"live"}


def test_states_in_the_place_of_events_are_a_gap() -> None:
    place = joined()
    answer(place, "S2", start(), state(), call("Active"))

    delivery = told_now(place)
    assert delivery.events == ()
    assert delivery.gap is not None
    assert delivery.gap.reason == "expired"
    assert verbs(place.reconciled(place.take_states(), "gap", RECEIVED)) == ["call.connected"]


def test_a_killed_process_has_a_gap_whose_key_is_the_same_if_it_is_killed_again() -> None:
    place = joined()
    answer(place, "S2", call("Active"))
    resume = told_now(place).resume

    keys = []
    for _ in range(2):
        gap = told_now(place_at(resume)).gap
        assert gap is not None
        assert gap.reason == "unclean_stop"
        assert gap.since == RECEIVED
        keys.append(gap.key)
    assert keys[0] == keys[1]


def test_a_gap_that_was_not_closed_keeps_its_words_when_it_is_seen_in_another_way() -> None:
    place = joined()
    answer(place, "S2", call("Active"))
    resume = told_now(place).resume

    place = place_at(resume)
    first = told_now(place).gap
    assert first is not None
    # The connection broke before the gap could be closed.
    place.restore(resume)
    answer(place, "S3", start(), state(), now=LATER)

    assert first.reason == "unclean_stop"
    assert told_now(place).gap == first


def test_after_a_clean_stop_there_is_no_gap_and_the_mark_is_taken_away_at_once() -> None:
    resume = told_now(joined(), clean=True, always=True).resume

    place = place_at(resume)
    first = told_now(place)
    assert first.gap is None
    assert told_now(place_at(first.resume)).gap is not None


def test_a_stop_that_still_owes_a_gap_is_not_clean() -> None:
    place = joined()
    place.lose("session_lost")
    resume = told_now(place, clean=True).resume

    assert place_at(resume).owed


def test_a_lost_connection_of_the_same_process_is_no_gap() -> None:
    place = joined()
    answer(place, "S2", call("Active"))
    resume = told_now(place).resume

    place.restore(resume)

    assert not place.has_gap
    assert place.cursor == "S2"


def test_what_the_journal_does_not_have_is_a_gap_even_in_the_same_process() -> None:
    place = joined()
    answer(place, "S2", call("Active"))
    resume = told_now(place).resume
    answer(place, "S3", call("Holding", at=1))

    place.restore(resume)

    assert place.has_gap


def test_a_session_that_was_ended_is_over_and_stays_so_over_a_restart() -> None:
    place = joined()
    answer(place, "S2", event("AgentSessionEnd", Success="True", Message=""))
    resume = told_now(place).resume

    again = place_at(resume)
    assert again.cursor == ""
    assert again.left
    assert not again.has_gap


def test_an_end_that_was_not_heard_is_inferred() -> None:
    place = joined(call("Active"))
    place.tell_end(RECEIVED)

    events = told_now(place).events
    assert verbs(events) == ["call.ended", "agent.session.ended", "agent.state.changed"]
    assert {one.confidence for one in events} == {"inferred"}
    assert place.left


def test_a_quiet_session_is_written_down_as_seen_now_and_then() -> None:
    place = joined()
    answer(place, "")
    assert place.delivery() is None

    answer(place, "", now=LATER)
    resume = told_now(place).resume
    gap = told_now(place_at(resume)).gap
    assert gap is not None
    assert gap.since == LATER


def test_events_where_states_were_asked_for_are_told_as_events() -> None:
    """Nothing is concluded from what a part does not have."""
    place = joined(call("Active"))

    events = place.reconciled((call("Active", contact="78"),), "gap", RECEIVED)

    assert verbs(events) == ["call.connected"]
    assert "77" in place.mapper.picture.contacts


def test_what_cannot_be_read_is_a_gap() -> None:
    gap = told_now(place_at(b"not ours")).gap

    assert gap is not None
    assert gap.reason == "corrupt"


def test_answers_of_a_platform_that_keeps_the_name_are_told_apart() -> None:
    """Equal events of two answers are two occurrences, also over a restart; the same answer read twice is one."""
    place = joined()
    answer(place, "S1", event("CustomEvent", eventName="x"))
    first = told_now(place)
    answer(place, "", event("CustomEvent", eventName="x"))
    second = told_now(place)
    again = place_at(first.resume)
    told_now(again)
    answer(again, "", event("CustomEvent", eventName="x"))

    assert first.events[0].id != second.events[0].id
    assert told_now(again).events[0].id == second.events[0].id
