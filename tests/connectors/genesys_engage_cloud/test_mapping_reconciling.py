"""From what was told to what the platform says now."""

from __future__ import annotations

from typing import Any

from connectors.genesys_engage_cloud.mapping import Mapper
from gateway.events import Event
from tests.connectors.genesys_engage_cloud.builders import (
    ORIGIN,
    RECEIVED,
    call,
    dn,
    interaction,
    verbs,
)


def session(*, calls: list[Any] | None = None, interactions: list[Any] | None = None) -> Any:
    """The answer about an agent who is ready."""
    active: dict[str, Any] = {"dn": dn("Ready")["dn"], "media": {"channels": []}}
    if calls is not None:
        active["calls"] = [one["call"] for one in calls]
    if interactions is not None:
        active["media"]["interactions"] = [one["interaction"] for one in interactions]
    return {"user": {"userName": "kristi", "activeSession": active}}


def told(*messages: dict[str, Any]) -> Mapper:
    mapper = Mapper(ORIGIN)
    for ordinal, data in enumerate(messages, start=1):
        mapper.map("/workspace/v3/voice", data, session="s1", ordinal=ordinal, received=RECEIVED)
    return mapper


def adopt(mapper: Mapper, answer: Any, *heard: Any, reading: str = "gap 1") -> list[Event]:
    return mapper.adopt(answer, reading=reading, received=RECEIVED, reconciled=True, heard=heard)


def test_what_changed_is_told_and_what_did_not_is_not() -> None:
    mapper = told(dn("Ready"), call("Ringing"), interaction("Processing"))

    events = adopt(
        mapper, session(calls=[call("Established")], interactions=[interaction("Processing")])
    )

    assert verbs(events) == ["call.connected", "agent.state.changed", "agent.state.snapshot"]
    assert {event.provenance.value for event in events} == {"reconciled"}


def test_what_is_gone_is_told_as_ended_and_inferred() -> None:
    mapper = told(dn("Ready"), call("Established"), interaction("Processing"))

    events = adopt(mapper, session(calls=[], interactions=[]))

    ended = [event for event in events if not event.type.startswith("tieline.agent")]
    assert verbs(ended) == ["call.ended", "interaction.completed"]
    assert {event.confidence.value for event in ended} == {"inferred"}


def test_without_an_active_session_nothing_is_left() -> None:
    mapper = told(dn("Ready"), call("Established"))

    events = adopt(mapper, {"user": {"userName": "kristi"}})

    assert verbs(events) == ["call.ended", "agent.session.ended", "agent.state.changed"]
    assert mapper.picture.calls == {}


def test_what_the_answer_does_not_have_is_left_as_it_is() -> None:
    mapper = told(dn("Ready"), call("Established"), interaction("Processing"))

    adopt(mapper, session())

    assert set(mapper.picture.calls) == {"c1"}
    assert set(mapper.picture.interactions) == {"i1"}


def test_of_what_is_heard_since_the_feed_tells_all() -> None:
    """The answer says established; the ringing that is still to come is told before it, by the feed."""
    mapper = told(dn("Ready"))

    events = adopt(mapper, session(calls=[call("Established")]), call("Ringing"))

    assert "call.connected" not in verbs(events)
    assert mapper.picture.calls == {}


def test_the_same_occasion_read_again_has_the_same_ids_and_another_has_not() -> None:
    answer = session(calls=[call("Established")])
    ids = [
        [event.id for event in adopt(told(dn("Ready"), call("Ringing")), answer, reading=reading)]
        for reading in ("gap 1", "gap 1", "gap 2")
    ]

    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])
