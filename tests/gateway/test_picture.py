from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import PictureView
from gateway.errors import JournalCorrupt
from gateway.events import CATALOGUE, StoredEvent
from gateway.events.operations import FeedData
from gateway.picture import Picture
from gateway.picture_data import PictureLimits
from gateway.states import AgentState, ConnectionState
from tests.support.events import (
    agent_channel,
    agent_session,
    agent_state,
    alert,
    call,
    group_metrics,
    interaction,
    make_event,
    moment,
    queue_metrics,
    queue_state,
)


def picture_of(*events: StoredEvent) -> Picture:
    picture = Picture()
    for event in events:
        picture.apply(event)
    return picture


def state_of(picture: Picture) -> object:
    """Everything a reader can see."""
    return (
        picture.position,
        picture.agents(),
        picture.calls(),
        picture.interactions(),
        picture.queues(),
    )


def test_is_the_view_that_sinks_read() -> None:
    """Sinks get it through the contract."""
    view: PictureView = Picture()
    assert view.agents_by_state() == {}


def test_an_agent_has_the_state_of_the_last_event() -> None:
    """State, reason, begin and media are those that were told last."""
    picture = picture_of(
        agent_state(1, "a1", "ready", media={"voice": "ready", "chat": "not_ready"}),
        agent_state(2, "a1", "not_ready", reason="lunch"),
    )
    (agent,) = picture.agents()
    assert (agent.connector, agent.agent) == ("gws", "a1")
    assert (agent.state, agent.reason, agent.since) == (AgentState.NOT_READY, "lunch", moment(2))
    assert {m.media: m.state for m in agent.media} == {"voice": "ready", "chat": "not_ready"}


def test_a_state_that_is_told_again_keeps_its_begin() -> None:
    """`since` moves only when the state changes."""
    picture = picture_of(agent_state(1, "a1", "ready"), agent_state(5, "a1", "ready"))
    assert picture.agents()[0].since == moment(1)


def test_a_session_begins_and_ends() -> None:
    """Logged off at the end; after the next begin the state is unknown until it is told."""
    picture = picture_of(agent_state(1, "a1", "ready"), agent_session(2, "a1", "ended"))
    assert picture.agents()[0].state is AgentState.LOGGED_OFF
    picture.apply(agent_session(3, "a1", "started"))
    assert picture.agents()[0].state is AgentState.UNKNOWN
    picture.apply(agent_state(4, "a1", "ready"))
    picture.apply(agent_session(5, "a1", "started"))
    assert picture.agents()[0].state is AgentState.READY


def test_a_channel_changes_one_medium() -> None:
    """The other media stay; a channel whose state is not told keeps the one it had."""
    picture = picture_of(
        agent_state(1, "a1", "ready", media={"voice": "ready", "chat": "ready"}),
        agent_channel(2, "a1", "chat", "not_ready"),
        agent_channel(3, "a1", "voice", None),
    )
    media = {m.media: m.state for m in picture.agents()[0].media}
    assert media == {"voice": "ready", "chat": "not_ready"}


def test_agents_are_counted_by_connector_and_state() -> None:
    """The same agent id on two connectors is two agents."""
    picture = picture_of(
        agent_state(1, "a1", "ready"),
        agent_state(2, "a2", "ready"),
        agent_state(3, "a1", "busy", connector="other"),
    )
    assert picture.agents_by_state() == {("gws", "ready"): 2, ("other", "busy"): 1}


def test_a_call_lives_from_its_offer_to_its_end() -> None:
    """State by state, and gone in the end."""
    picture = picture_of(call(1, "offered", "c1", "a1", direction="inbound", queue="support"))
    seen = []
    for position, verb in enumerate(("connected", "held", "retrieved"), start=2):
        picture.apply(call(position, verb, "c1", "a1"))
        seen.append(picture.calls()[0].state.value)
    assert seen == ["connected", "held", "connected"]
    (entry,) = picture.calls()
    assert (entry.direction, entry.queue, entry.agents) == ("inbound", "support", ("a1",))
    assert entry.since == moment(4)
    picture.apply(call(5, "ended", "c1", "a1"))
    assert picture.calls() == []


def test_the_state_in_an_event_counts_more_than_its_type() -> None:
    """What the platform said about the leg is what it is."""
    picture = picture_of(
        call(1, "offered", "c1", "a1"), call(2, "transferred", "c1", "a1", state="cleared")
    )
    assert picture.calls() == []


def test_a_call_of_two_agents_ends_with_the_last_leg() -> None:
    """While one agent still talks the call is connected."""
    picture = picture_of(
        call(1, "connected", "c1", "a1"),
        call(2, "offered", "c1", "a2"),
        call(3, "connected", "c1", "a2"),
        call(4, "held", "c1", "a1"),
    )
    assert picture.calls_by_state() == {("gws", "connected", "unknown"): 1}
    picture.apply(call(5, "ended", "c1", "a2"))
    assert picture.calls_by_state() == {("gws", "held", "unknown"): 1}
    picture.apply(call(6, "ended", "c1", "a1"))
    assert picture.calls() == []


def test_a_queued_call_that_is_offered_is_no_longer_queued() -> None:
    """The part in the queue is replaced by the agent's; an end without an agent ends all."""
    picture = picture_of(call(1, "queued", "c1", queue="support"))
    assert picture.calls_by_state() == {("gws", "queued", "unknown"): 1}
    picture.apply(call(2, "offered", "c1", "a1"))
    assert picture.calls()[0].agents == ("a1",)
    assert picture.calls_by_state() == {("gws", "alerting", "unknown"): 1}
    picture.apply(call(3, "ended", "c1"))
    assert picture.calls() == []


@pytest.mark.parametrize("verb", ["changed", "party.left", "failed", "transferred", "ended"])
def test_what_comes_after_the_end_brings_no_call_to_life(verb: str) -> None:
    """Notes, failures and parties of a call that is over make no ghost."""
    picture = picture_of(call(1, "offered", "c1", "a1"), call(2, "ended", "c1", "a1"))
    picture.apply(call(3, verb, "c1", "a1", state="connected" if verb == "changed" else None))
    assert picture.calls() == []


def test_a_failed_operation_does_not_end_the_call() -> None:
    """A hold that failed leaves the call connected; a leg that failed is told by its state."""
    picture = picture_of(call(1, "connected", "c1", "a1"), call(2, "failed", "c1", "a1"))
    assert picture.calls()[0].state is ConnectionState.CONNECTED
    picture.apply(call(3, "failed", "c1", "a1", state="failed"))
    assert picture.calls()[0].state is ConnectionState.FAILED


def test_parties_are_counted() -> None:
    """From the list if there is one, else by joining and leaving."""
    customer, agent = ({"role": role} for role in ("customer", "agent"))
    picture = picture_of(call(1, "offered", "c1", "a1", parties=[customer, agent]))
    assert picture.calls()[0].parties == 2
    picture.apply(call(2, "party.joined", "c1", "a1"))
    assert picture.calls()[0].parties == 3
    picture.apply(call(3, "party.left", "c1", "a1"))
    assert picture.calls()[0].parties == 2


def test_a_direction_that_we_do_not_know_is_unknown() -> None:
    """The words of a direction are a closed list, because they become a label."""
    picture = picture_of(call(1, "offered", "c1", "a1", direction="sideways"))
    assert picture.calls()[0].direction == "unknown"


def test_an_interaction_goes_from_queue_to_agent_to_workbin() -> None:
    """It is in one place at a time."""
    picture = picture_of(interaction(1, "queued", "i1", queue="mails", media="email"))
    places = []
    for event in (
        interaction(2, "offered", "i1", agent="a1", media="email"),
        interaction(3, "accepted", "i1", media="email"),
        interaction(4, "parked", "i1", agent="a1", workbin={"id": "drafts"}, media="email"),
    ):
        picture.apply(event)
        (entry,) = picture.interactions()
        places.append((entry.state, entry.agent, entry.queue, entry.workbin))
    assert places == [
        ("offered", "a1", None, None),
        ("accepted", "a1", None, None),
        ("parked", None, None, "drafts"),
    ]


@pytest.mark.parametrize("verb", ["completed", "cancelled", "rejected", "revoked"])
def test_an_interaction_that_is_over_is_gone(verb: str) -> None:
    """And a late change does not bring it back."""
    picture = picture_of(interaction(1, "offered", "i1", agent="a1"), interaction(2, verb, "i1"))
    picture.apply(interaction(3, "changed", "i1"))
    assert picture.interactions() == []


def test_a_chat_whose_session_ended_still_waits_for_its_completion() -> None:
    """The end of the conversation is a state, not the end of the work."""
    picture = picture_of(
        interaction(1, "accepted", "i1", agent="a1"), interaction(2, "session.ended", "i1")
    )
    (entry,) = picture.interactions()
    assert (entry.state, entry.agent, entry.since) == ("session_ended", "a1", moment(2))


def test_a_queue_keeps_the_last_value_of_each_figure() -> None:
    """Figures of an interval have names of their own; whether the queue is open is a figure too."""
    picture = picture_of(
        queue_metrics(1, "q1", {"waiting": 3.0, "agents": 5.0}),
        queue_metrics(2, "q1", {"waiting": 4.0}),
        queue_metrics(3, "q1", {"answered": 90.0}, window="day"),
        queue_state(4, "q1", open=True, estimated_wait_seconds=12.5),
        queue_metrics(5, "a1", {"waiting": 1.0}, kind="agent"),
    )
    assert picture.queue_values() == {
        ("gws", "q1", "waiting"): 4.0,
        ("gws", "q1", "agents"): 5.0,
        ("gws", "q1", "answered@day"): 90.0,
        ("gws", "q1", "open"): 1.0,
        ("gws", "q1", "estimated_wait_seconds"): 12.5,
    }


def test_an_event_is_applied_once() -> None:
    """Reading from an earlier position again changes nothing."""
    events = [
        call(1, "offered", "c1", "a1"),
        call(2, "party.joined", "c1", "a1"),
        call(3, "ended", "c1", "a1"),
        call(4, "offered", "c2", "a1"),
        call(5, "party.joined", "c2", "a1"),
    ]
    picture = picture_of(*events)
    before = state_of(picture)
    for event in events:
        picture.apply(event)
    assert state_of(picture) == before


def test_other_events_only_move_the_position() -> None:
    """The events of feeds, commands and recordings are no part of the picture."""
    data = FeedData(feed="gws/a1")
    picture = picture_of(make_event(7, "feed.connected", data, subject="feed/gws/a1"))
    assert state_of(picture) == (7, [], [], [], [])


def test_an_event_that_is_not_what_its_type_says_is_counted() -> None:
    """One bad event does not stop the picture."""
    strange = msgspec.structs.replace(
        call(1, "offered", "c1", "a1"), type="tieline.agent.state.changed.v1"
    )
    broken = msgspec.structs.replace(call(2, "offered", "c1", "a1"), body=b'{"time":')
    picture = picture_of(strange, broken, agent_state(3, "a1", "ready"))
    assert picture.statistics().undecodable == 2
    assert len(picture.agents()) == 1


def test_the_picture_is_bounded() -> None:
    """Beyond its limits the entries touched least recently give way, and are counted."""
    limits = PictureLimits(agents=3, calls=2, interactions=2, queues=1, values_per_queue=2)
    picture = Picture(limits)
    position = 0
    for number in range(5):
        for event in (
            agent_state(position + 1, f"a{number}", "ready"),
            agent_state(position + 2, "a0", "ready"),
            call(position + 3, "offered", f"c{number}", f"a{number}"),
            interaction(position + 4, "offered", f"i{number}", agent=f"a{number}"),
            queue_metrics(position + 5, f"q{number}", {"a": 1.0, "b": 1.0, "c": 1.0}),
        ):
            picture.apply(event)
        position += 5
    assert {agent.agent for agent in picture.agents()} == {"a0", "a3", "a4"}
    assert [entry.call for entry in picture.calls()] == ["c3", "c4"]
    assert [entry.interaction for entry in picture.interactions()] == ["i3", "i4"]
    assert [entry.queue for entry in picture.queues()] == ["q4"]
    assert len(picture.queues()[0].values) == 2
    assert picture.statistics().evicted == {
        "agents": 2,
        "calls": 3,
        "interactions": 3,
        "queues": 4,
        "alerts": 0,
        "values": 5,
    }


def test_a_snapshot_is_the_whole_picture() -> None:
    """What is restored cannot be told from what was saved, and goes on in the same way."""
    picture = picture_of(
        agent_state(1, "a1", "ready", media={"voice": "ready"}),
        call(2, "offered", "c1", "a1", direction="inbound"),
        interaction(3, "offered", "i1", agent="a1"),
        queue_metrics(4, "q1", {"waiting": 3.0}),
        queue_state(5, "q1", open=False),
    )
    restored = Picture.restore(picture.snapshot())
    assert state_of(restored) == state_of(picture)
    for one in (picture, restored):
        one.apply(call(6, "connected", "c1", "a1"))
    assert state_of(restored) == state_of(picture)


@pytest.mark.parametrize("snapshot", [b"", b"garbage", msgspec.msgpack.encode({"version": 1})])
def test_an_unreadable_snapshot_changes_nothing(snapshot: bytes) -> None:
    """The error is one of the tree, and the picture is as it was."""
    picture = picture_of(agent_state(1, "a1", "ready"))
    before = state_of(picture)
    with pytest.raises(JournalCorrupt):
        picture.load(snapshot)
    assert state_of(picture) == before


def test_a_snapshot_of_another_version_is_refused() -> None:
    """A later layout is not taken for this one."""
    content = msgspec.msgpack.decode(Picture().snapshot())
    with pytest.raises(JournalCorrupt, match="version 99"):
        Picture().load(msgspec.msgpack.encode({**content, "version": 99}))


VERBS = ["initiated", "queued", "offered", "connected", "held", "retrieved", "ended", "failed"]
steps = st.lists(
    st.tuples(
        st.sampled_from(VERBS), st.sampled_from(["c1", "c2"]), st.sampled_from([None, "a1", "a2"])
    ),
    max_size=30,
)


@given(steps, st.integers(0, 30))
def test_a_restart_anywhere_leads_to_the_same_picture(
    history: list[tuple[str, str, str | None]], cut: int
) -> None:
    """Restored in the middle and fed from an earlier position, it ends like the one that never stopped."""
    events = [call(i, verb, c, agent) for i, (verb, c, agent) in enumerate(history, start=1)]
    whole = picture_of(*events)
    restored = Picture.restore(picture_of(*events[:cut]).snapshot())
    for event in events[max(0, cut - 3) :]:
        restored.apply(event)
    assert state_of(restored) == state_of(whole)
    assert sum(whole.calls_by_state().values()) == len(whole.calls())


def test_every_type_of_calls_and_interactions_is_considered() -> None:
    """A type that joins the catalogue must be given a meaning here, or be left out on purpose."""
    left_out = {
        *("call.data.changed", "call.dtmf.sent", "call.mute.changed", "call.journey.observed"),
        *("interaction.party.joined", "interaction.party.left", "interaction.message.added"),
        *("interaction.typing.changed", "interaction.data.changed"),
    }
    considered = Picture()._handlers
    missing = {
        kind
        for kind, entry in CATALOGUE.items()
        if entry.noun in {"call", "interaction"} and kind not in considered
    }
    assert missing == {f"tieline.{name}.v1" for name in left_out}


def test_folding_is_cheap() -> None:
    """A fold costs microseconds; the bound is generous because the machine may be busy."""
    events = []
    for number in range(0, 4000, 4):
        agent, one = f"a{number % 400}", f"c{number}"
        events += [
            call(number + 1, "offered", one, agent, direction="inbound"),
            agent_state(number + 2, agent, "busy"),
            call(number + 3, "connected", one, agent),
            call(number + 4, "ended", one, agent),
        ]
    picture = Picture()
    started = time.process_time()
    for event in events:
        picture.apply(event)
    assert (time.process_time() - started) / len(events) < 50e-6


def test_a_skill_is_measured_beside_a_queue_of_the_same_name() -> None:
    """Both keep their figures, also in a snapshot."""
    picture = picture_of(
        queue_metrics(1, "Billing", {"waiting": 1.0}),
        group_metrics(2, "skill", "Billing", {"waiting": 2.0}),
    )
    ((_, queue, _),) = picture.queue_values()
    assert queue == "Billing"
    assert list(picture.queue_values().values()) == [1.0]
    (((_, kind, group, name), value),) = picture.group_values().items()
    assert (kind, group, name, value) == ("skill", "Billing", "waiting", 2.0)
    assert [entry.queue for entry in picture.queues()] == ["Billing"]
    assert Picture.restore(picture.snapshot()).group_values() == picture.group_values()


def test_alerts_stand_from_being_raised_to_being_cleared() -> None:
    """Raised again it is still one; one without a rule counts under its own name."""
    picture = picture_of(
        alert(1, "raised", "5", "Long queue"),
        alert(2, "raised", "6", "Long queue"),
        alert(3, "raised", "5", "Long queue"),
        alert(4, "raised", "7"),
        alert(5, "cleared", "6"),
        alert(6, "cleared", "8"),
    )
    expected = {("gws", "Long queue"): 1, ("gws", "7"): 1}
    assert picture.alerts_by_rule() == expected
    assert picture.statistics().alerts == 2
    assert Picture.restore(picture.snapshot()).alerts_by_rule() == expected
    picture.clear()
    assert picture.alerts_by_rule() == {}
