"""Sets of current states: what differs from what was told is told, what is missing has ended."""

from __future__ import annotations

import msgspec

from connectors.nice_incontact.mapping import AgentPicture
from gateway.events import Confidence, Provenance
from gateway.states import AgentState
from tests.connectors.nice_incontact.builders import (
    RECEIVED,
    Session,
    call,
    chat,
    event,
    only,
    start,
    state,
    verbs,
)


def test_a_first_set_tells_how_things_stand() -> None:
    events = Session().adopt(start(), state(), call("Active"), reconciled=False)

    assert verbs(events) == ["agent.session.started", "agent.state.snapshot", "call.connected"]
    assert {one.provenance for one in events} == {Provenance.SNAPSHOT}
    assert not [one for one in events if isinstance(one.anomaly, str)]


def test_a_set_that_says_nothing_new_tells_nothing() -> None:
    session = Session().begun()
    session.push(call("Active"))

    assert session.adopt(start(), state(), call("Active")) == []


def test_missed_transitions_are_told_as_reconciled() -> None:
    session = Session().begun()
    session.push(call("Active"), call("Active", contact="78"), chat("Active"))

    events = session.adopt(
        start(), state("Unavailable", CurrentOutReason="Break"), call("Holding", at=5)
    )

    assert sorted(verbs(events)) == [
        "agent.state.changed", "call.ended", "call.held", "interaction.completed",
    ]  # fmt: skip
    assert {one.provenance for one in events} == {Provenance.RECONCILED}
    ended = next(one for one in events if one.type == "tieline.call.ended.v1")
    assert ended.confidence is Confidence.INFERRED
    assert ended.data.cause == "absent"  # type: ignore[attr-defined]  # a Call


def test_reading_again_on_the_same_occasion_gives_the_same_ids() -> None:
    kept = msgspec.json.encode(Session().begun().mapper.picture)

    def adopted(occasion: str) -> list[str]:
        session = Session(msgspec.json.decode(kept, type=AgentPicture))
        told = (start(), state("Unavailable"), call("Active"), call("Holding", contact="78"))
        return [one.id for one in session.adopt(*told, occasion=occasion)]

    assert adopted("gap 1") == adopted("gap 1")
    assert not set(adopted("gap 1")) & set(adopted("gap 2"))
    assert len(set(adopted("gap 1"))) == 3


def test_a_set_of_another_session_ends_the_earlier_one() -> None:
    session = Session().begun()
    session.push(call("Active"))

    events = session.adopt(start("9002"), state())

    assert verbs(events) == [
        "call.ended", "agent.session.ended", "agent.state.changed", "agent.session.started",
        "agent.state.changed",
    ]  # fmt: skip
    assert session.mapper.picture.session == "9002"


def test_a_contact_in_wrap_up_that_vanished_is_not_ended_twice() -> None:
    session = Session().begun()
    session.push(call("Active"), call("Disconnected", at=1))

    assert session.adopt(start(), state()) == []
    assert session.mapper.picture.contacts == {}


def test_a_leg_that_a_reading_does_not_tell_of_is_told_anew_whatever_comes() -> None:
    """Its end was missed: a new one in the same state is no repetition."""
    dialing = event("AgentLeg", AgentLegId="5", Status="Dialing", FinalState="False")
    session = Session().begun()
    assert verbs(session.push(dialing)) == ["agent.leg.changed"]
    assert session.push(dialing) == []
    session.adopt(start(), state(), dialing)
    assert session.push(dialing) == []

    session.adopt(start(), state())

    assert verbs(session.push({**dialing, "AgentLegId": "6"})) == ["agent.leg.changed"]


def test_a_mute_is_told_anew_after_a_reading_that_may_have_missed_its_end() -> None:
    """The call that was muted is over, and the next one is muted: that is no repetition."""
    muted = event("Mute", AgentMuted="True")
    session = Session().begun()
    session.push(call("Active"))
    assert verbs(session.push(muted)) == ["call.mute.changed"]
    assert session.push(muted) == []
    session.adopt(start(), state())
    session.push(call("Active", contact="78"))

    assert verbs(session.push(muted)) == ["call.mute.changed"]


def test_how_a_contact_ended_is_told_also_after_a_reading_found_it_gone() -> None:
    """The platform's own word says more than its absence; the same again is a repetition."""
    session = Session().begun()
    session.push(call("Active"), chat("Active"))
    session.adopt(start(), state())
    over = [
        call("Disconnected", at=6, FinalState="True", DisconnectCode="Disconnected"),
        chat("Disconnected", FinalState="True"),
    ]

    events = [one for told in over for one in session.push(told)]

    assert verbs(events) == ["call.changed", "interaction.changed"]
    assert {one.provenance for one in events} == {Provenance.LIVE}
    assert not [one for one in events if isinstance(one.anomaly, str)]
    assert [session.push(told) for told in over] == [[], []]
    assert session.mapper.duplicates == 2
    assert session.mapper.picture.contacts == {}


def test_no_session_ends_what_was_open() -> None:
    session = Session().begun()
    session.push(call("Active"))

    events = session.mapper.absent(occasion="gap 1", received=RECEIVED, reconciled=True)

    assert verbs(events) == ["call.ended", "agent.session.ended", "agent.state.changed"]
    assert session.mapper.picture.standing is not None
    assert session.mapper.picture.standing.state is AgentState.LOGGED_OFF
    assert session.mapper.absent(occasion="gap 2", received=RECEIVED) == []


def test_an_agent_who_was_never_seen_is_told_as_logged_off_once() -> None:
    session = Session()

    data = only(session.mapper.absent(occasion="start", received=RECEIVED))

    assert data.state is AgentState.LOGGED_OFF
    assert session.mapper.absent(occasion="start", received=RECEIVED) == []


def test_supervision_that_ended_meanwhile_is_stopped() -> None:
    session = Session().begun()
    contact = {**call("Active", contact="90"), "Type": "SupervisorContact"}
    session.push(event("SupervisorMonitor", TargetAgentId="1002", FinalState="False"), contact)

    assert verbs(session.adopt(start(), state())) == ["supervision.stopped"]
    assert session.mapper.picture.monitor is None
