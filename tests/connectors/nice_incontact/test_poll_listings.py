"""What the answers of polled lists lead to, in both generations of their fields, and what is never told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._wire.telling import Telling
from connectors.nice_incontact.pages import read_page
from connectors.nice_incontact.polls.agent_states import AgentStates
from connectors.nice_incontact.polls.contacts_active import ALL, ContactsActive
from connectors.nice_incontact.polls.contacts_completed import ContactsCompleted
from connectors.nice_incontact.polls.figures import Figures, duration_seconds, values_of
from connectors.nice_incontact.polls.listing import Listing
from gateway.events import CATALOGUE, Event, Provenance, encode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIVE_AGO = "2026-03-01T11:55:00.000Z"


def told(
    listing: Listing, body: Any, *names: str, whole: bool = False, at: datetime = NOW
) -> list[Event]:
    """The events of one answer."""
    page = read_page(body, *names)
    page = msgspec.structs.replace(page, facts={**page.facts, ALL: whole})
    telling = Telling("nice/poll:x", "/s", received=at, provenance=Provenance.POLLED)
    listing.tell(page, telling, fresh=False)
    return telling.events


def verbs(events: list[Event]) -> list[str]:
    """Types without prefix and version."""
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]


def only(events: list[Event]) -> Any:
    """The data of the one event."""
    (event,) = events
    return event.data


def state(name: str = "Available", *, agent: int = 7, **more: Any) -> dict[str, Any]:
    """A row of agents/states, the older generation."""
    return {
        "agentId": agent,
        "agentStateName": name,
        "startDate": FIVE_AGO,
        "isAcw": "False",
        **more,
    }


def states(listing: Listing, *rows: dict[str, Any]) -> list[Event]:
    return told(listing, {"agentStates": list(rows)}, "agentStates")


def older(contact: int = 9, name: str = "Active", **more: Any) -> dict[str, Any]:
    """A contact of the older generation."""
    return {
        "contactId": contact, "state": name, "mediaType": 4, "agentId": 7, "skillId": 501,
        "fromAddr": "801", "toAddr": "800", "isOutbound": False, "contactStart": FIVE_AGO, **more,
    }  # fmt: skip


def newer(contact: int = 9, name: str = "Active", **more: Any) -> dict[str, Any]:
    """The same of the newer one."""
    return {
        "contactId": contact, "stateName": name, "mediaTypeId": "4", "agentId": 7, "skillId": 501,
        "fromAddress": "801", "toAddress": "800", "isOutbound": "False", "contactStartDate": FIVE_AGO,
        **more,
    }  # fmt: skip


def active(listing: Listing, *rows: dict[str, Any], whole: bool = False) -> list[Event]:
    return told(listing, {"activeContacts": list(rows)}, "activeContacts", whole=whole)


def contacts(*followed: str) -> ContactsActive:
    return ContactsActive(followed, whole_every_seconds=30)


def test_the_first_state_of_an_agent_is_a_snapshot_and_a_changed_one_a_change() -> None:
    listing = AgentStates(())
    first = states(listing, state("Available"))
    again = states(listing, state("Available"))
    second = states(listing, state("Unavailable", outStateDescription="Lunch"))

    assert (verbs(first), again, verbs(second)) == (
        ["agent.state.snapshot"], [], ["agent.state.changed"],
    )  # fmt: skip
    data = only(second)
    assert (data.agent, data.state, data.previous_state, data.reason) == (
        "7", "not_ready", "ready", "Lunch",
    )  # fmt: skip
    assert second[0].time == NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        (state("Unavailable", isAcw="True"), "after_contact"),
        ({"agentId": 7, "agentStateName": "Unavailable", "isACW": True}, "after_contact"),
        (state("InboundContact"), "busy"),
        (state("LoggedOut"), "logged_off"),
        ({"AgentID": "7", "agentStateId": 1}, "ready"),
        ({"agentId": 7, "agentStateId": "3"}, "busy"),
        (state("Sleeping"), "unknown"),
    ],
)
def test_states_are_read_by_name_or_number_in_any_case(row: dict[str, Any], meant: str) -> None:
    assert only(states(AgentStates(()), row)).state == meant


def test_logging_in_and_out_begins_and_ends_a_session() -> None:
    listing = AgentStates(())
    states(listing, state("LoggedOut"))
    on = states(listing, state("Available", stationPhoneNumber="5551"))
    off = states(listing, state("LoggedOut"))

    assert verbs(on) == ["agent.session.started", "agent.state.changed"]
    assert verbs(off) == ["agent.session.ended", "agent.state.changed"]
    assert on[0].data.station == "5551"  # type: ignore[attr-defined] - a session
    assert {on[0].confidence, off[0].confidence} == {"inferred"}


def test_agents_and_contacts_that_a_session_follows_are_left_to_it() -> None:
    assert states(AgentStates({"7"}), state("Available")) == []
    assert active(contacts("7"), older(), whole=True) == []


def test_a_contact_that_a_followed_agent_takes_over_has_not_ended() -> None:
    listing = contacts("7")
    queued = active(listing, older(name="InQueue", agentId=0), whole=True)
    taken = active(listing, older(name="Active"))
    gone = active(listing, whole=True)

    assert (verbs(queued), taken, gone) == (["call.queued"], [], [])


@pytest.mark.parametrize("row", [older, newer])
def test_a_call_is_told_from_queue_to_end(row: Any) -> None:
    listing = contacts()
    steps = [
        active(listing, row(name="InQueue", agentId=0)),
        active(listing, row(name="Routing")),
        active(listing, row(name="Active")),
        active(listing, row(name="OnHold")),
        active(listing, row(name="Active")),
        active(listing),
        active(listing, whole=True),
    ]

    assert [verbs(step) for step in steps] == [
        ["call.queued"], ["call.offered"], ["call.connected"], ["call.held"], ["call.retrieved"],
        [], ["call.ended"],
    ]  # fmt: skip
    connected: Any = steps[2][0].data
    assert (connected.call, connected.agent, connected.queue) == ("9", "7", "501")
    assert connected.direction == "inbound"
    assert [(p.role, p.number) for p in connected.parties] == [("agent", None), ("customer", "801")]
    assert steps[-1][0].confidence == "inferred"
    assert len({event.id for step in steps for event in step}) == 6


def test_other_media_are_interactions() -> None:
    listing = contacts()
    chat = {"mediaType": 3}
    steps = [
        active(listing, older(name="InQueue", agentId=None, **chat)),
        active(listing, older(name="Active", **chat)),
        active(listing, older(name="Active", agentId=8, **chat)),
        active(listing, older(name="EndContact", agentId=8, **chat)),
    ]

    assert [verbs(step) for step in steps] == [
        ["interaction.queued"], ["interaction.accepted"], ["interaction.transferred"],
        ["interaction.completed"],
    ]  # fmt: skip
    assert only(steps[1]).media == "chat"


def test_a_call_with_another_agent_has_left_the_first() -> None:
    listing = contacts()
    active(listing, older())
    events = active(listing, older(agentId=8))

    assert verbs(events) == ["call.party.left", "call.connected"]
    assert [event.data.agent for event in events] == ["7", "8"]  # type: ignore[attr-defined] - calls


def test_a_state_without_a_meaning_is_read_by_its_category() -> None:
    listing = contacts()

    assert verbs(active(listing, newer(name="Wrapping Up", contactStateCategory="WithAgent"))) == [
        "call.connected"
    ]
    assert verbs(active(listing, newer(contact=10, name="Reticulating"))) == ["call.changed"]


def test_a_list_with_something_unreadable_ends_nothing() -> None:
    listing = contacts()
    active(listing, older(9), older(10), whole=True)

    assert verbs(active(listing, older(9), {"state": "Active"}, whole=True)) == ["vendor.message"]
    assert told(listing, {"error": "x"}, "activeContacts", whole=True) == []
    assert told(listing, {"activeContacts": [older(9), 7]}, "activeContacts", whole=True) == []
    assert verbs(told(listing, None, "activeContacts", whole=True)) == ["call.ended", "call.ended"]


def test_what_was_told_is_remembered_over_a_restart() -> None:
    first, second = contacts(), contacts()
    active(first, older(), whole=True)
    second.restore(msgspec.json.decode(msgspec.json.encode(first.keep())))

    assert active(second, older(), whole=True) == []
    assert verbs(active(second, whole=True)) == ["call.ended"]


def completed(**options: Any) -> ContactsCompleted:
    return ContactsCompleted((), **{"ends_told": False, "history_seconds": 0, **options})


def done(**more: Any) -> dict[str, Any]:
    return older(
        name="EndContact",
        contactEnd="2026-03-01T11:59:00.000Z",
        totalDurationSeconds="240",
        agentSeconds=200,
        holdSeconds=20,
        inQueueSeconds=30,
        **more,
    )


def ended(listing: Listing, *rows: dict[str, Any]) -> list[Event]:
    return told(listing, {"completedContacts": list(rows)}, "completedContacts")


def test_a_completed_call_has_its_durations_and_its_end() -> None:
    (event,) = ended(completed(), done(abandoned="True"))
    data: Any = event.data

    assert event.type == "tieline.call.ended.v1"
    assert event.time == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert (data.duration_seconds, data.talk_seconds, data.hold_seconds, data.queue_seconds) == (
        240, 200, 20, 30,
    )  # fmt: skip
    assert data.cause == "abandoned"


def test_a_contact_that_is_listed_again_is_told_if_it_changed() -> None:
    listing = completed()
    first = ended(listing, done())
    same = ended(listing, done(lastUpdateTime="2026-03-01T12:00:00Z"))
    changed = ended(listing, done(primaryDispositionId=901))

    assert (verbs(first), same, verbs(changed)) == (["call.ended"], [], ["call.changed"])
    assert only(changed).native.ids["primaryDispositionId"] == "901"


def test_where_another_feed_tells_the_end_a_completed_contact_is_a_change() -> None:
    assert verbs(ended(completed(ends_told=True), done())) == ["call.changed"]
    followed = ContactsCompleted({"7"}, ends_told=False, history_seconds=0)
    assert verbs(ended(followed, done(), done(contactId=10, agentId=8))) == [
        "call.changed",
        "call.ended",
    ]


def test_a_completed_chat_is_an_interaction() -> None:
    assert verbs(ended(completed(), done(mediaType=3))) == ["interaction.completed"]


def skills() -> Figures:
    return Figures("x", "skills/activity", "skillActivity", kind="queue", member="skillid")


def test_figures_are_told_when_they_differ() -> None:
    listing = skills()
    row = {"skillId": 501, "queueCount": 3, "serviceLevel": "88.5", "serverTime": FIVE_AGO}

    def poll(**more: Any) -> list[Event]:
        body = {"resultSet": {"lastPollTime": "c", "skillActivity": [row | more]}}
        return told(listing, body, "skillActivity")

    first, again, other = poll(), poll(serverTime="2026-03-01T11:56:00Z"), poll(queueCount=4)
    data = only(first)
    assert (data.object.kind, data.object.id) == ("queue", "501")
    assert data.values == {"queueCount": 3, "serviceLevel": 88.5}
    assert first[0].time == NOW - timedelta(minutes=5)
    assert (again, verbs(other)) == ([], ["queue.metrics.observed"])


@pytest.mark.parametrize(
    ("told_value", "meant"),
    [
        ("PT0S", 0.0),
        ("PT1H2M3.5S", 3723.5),
        ("P1DT1S", 86_401.0),
        ("-PT5S", -5.0),
        ("PT", None),
        ("P1Y", None),
        ("15", None),
        (15, None),
        ("PT" + "9" * 50 + "S", None),
    ],
)
def test_durations_are_seconds(told_value: Any, meant: float | None) -> None:
    assert duration_seconds(told_value) == meant


def test_figures_are_numbers_and_durations_and_nothing_else() -> None:
    row = {
        "agentid": "7", "skillname": "Sales", "isactive": "True", "isoutbound": False, "refused": "1",
        "inboundtime": "PT1M", "servertime": FIVE_AGO, "occupancy": "0.5", "mediatypeid": 4,
    }  # fmt: skip

    assert values_of(row) == {"refused": 1.0, "inboundTime": 60.0, "occupancy": 0.5}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([FIVE_AGO, "Active", "True", "PT5S", "7", "-1"])
)
_KEYS = [
    "agentId", "agentStateName", "agentStateId", "isAcw", "outStateDescription", "startDate", "contactId",
    "stateName", "state", "mediaType", "mediaTypeId", "skillId", "fromAddress", "isOutbound", "contactStart",
    "contactEnd", "abandoned", "totalDurationSeconds", "queueCount", "serverTime", "lastPollTime",
    "agentStates", "activeContacts", "completedContacts", "skillActivity", "resultSet", "_links", "next",
    "totalRecords", "referenceId",
]  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=8)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=3), st.booleans())
def test_no_answer_raises(bodies: list[Any], whole: bool) -> None:  # noqa: FBT001 - a drawn value
    for listing, name in (
        (AgentStates(()), "agentStates"),
        (contacts(), "activeContacts"),
        (completed(), "completedContacts"),
        (skills(), "skillActivity"),
    ):
        for body in bodies:
            for inner in (body, {name: body}, {name: [body]}):
                for event in told(listing, inner, name, whole=whole):
                    assert event.type in CATALOGUE
                    msgspec.json.decode(encode(event))
        listing.restore(msgspec.json.decode(msgspec.json.encode(listing.keep())))
