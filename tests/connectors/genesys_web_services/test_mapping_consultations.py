"""What belongs together among calls: consultations, transfers, conferences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from connectors.genesys_web_services.mapping import AgentPicture, Mapper
from gateway.events import Event
from gateway.events.calls import Call
from tests.connectors.genesys_web_services.builders import ORIGIN, RECEIVED, Agent, call, verbs

STAMP = 1_700_000_000_000


def part(name: str, state: str, *, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A message about one of two calls, told at so many milliseconds."""
    kind, number = ("Inbound", "100") if name == "c1" else ("Consult", "5002")
    ids = {"id": name, "callUuid": f"u-{name}", "connId": f"n-{name}"}
    message = call(state, **{"callType": kind, "participants": [number], **ids, **fields})
    stamp = {"serverGenerationTimestamp": STAMP + at}
    return {**message, "metrics": {"eventProcessing": stamp}}


def consulting() -> Agent:
    """An agent who holds a customer and talks to a colleague."""
    agent = Agent()
    for number, (name, state) in enumerate(
        [
            ("c1", "Ringing"),
            ("c1", "Established"),
            ("c1", "Held"),
            ("c2", "Dialing"),
            ("c2", "Established"),
        ]
    ):
        agent.hear(part(name, state, at=number * 1000))
    return agent


def only(events: list[Event], verb: str) -> Event:
    (found,) = [event for event in events if event.type == f"tieline.{verb}.v1"]
    return found


def data_of(event: Event) -> Call:
    assert isinstance(event.data, Call)
    return event.data


def test_a_consultation_names_the_call_it_was_made_from() -> None:
    agent = Agent()
    for state in ("Ringing", "Established", "Held"):
        agent.hear(part("c1", state))

    (initiated,) = agent.hear(part("c2", "Dialing", at=1))

    assert data_of(initiated).related_call == "c1"


def test_of_two_held_calls_a_consultation_is_made_from_the_one_held_last() -> None:
    agent = Agent()
    for number, name in enumerate(("c1", "c0")):
        for state in ("Ringing", "Established", "Held"):
            agent.hear(part(name, state, at=number * 100, callType="Inbound"))

    (initiated,) = agent.hear(part("c2", "Dialing", at=500))

    assert data_of(initiated).related_call == "c0"


def test_the_held_call_names_its_consultation() -> None:
    agent = consulting()

    (retrieved,) = agent.hear(part("c1", "Established", at=9000))

    assert data_of(retrieved).related_call == "c2"


@pytest.mark.parametrize("order", [("c1", "c2"), ("c2", "c1")])
def test_both_calls_released_at_once_are_a_transfer(order: tuple[str, str]) -> None:
    agent = consulting()
    events = [
        event
        for number, name in enumerate(order)
        for event in agent.hear(part(name, "Released", at=9000 + number * 10))
    ]

    transferred = only(events, "call.transferred")
    assert transferred.subject == "call/c1"
    assert transferred.confidence.value == "inferred"
    data = data_of(transferred)
    assert (data.related_call, data.party and data.party.number) == ("c2", "5002")
    assert verbs(events).count("call.ended") == 2


@pytest.mark.parametrize("order", [("c1", "c2"), ("c2", "c1")])
def test_one_call_released_long_after_the_other_is_no_transfer(order: tuple[str, str]) -> None:
    agent = consulting()
    events = agent.hear(part(order[0], "Released", at=9000))
    events += agent.hear(part(order[1], "Released", at=12_000))

    assert "call.transferred" not in verbs(events)


def test_a_colleague_who_does_not_answer_makes_no_transfer_of_the_hang_up_that_follows() -> None:
    agent = Agent()
    for state in ("Ringing", "Established", "Held"):
        agent.hear(part("c1", state))
    agent.hear(part("c2", "Dialing", at=1))
    agent.hear(part("c2", "Released", at=5000))

    assert "call.transferred" not in agent.verbs(part("c1", "Released", at=5500))


def test_a_call_retrieved_after_the_consultation_is_not_transferred() -> None:
    agent = consulting()
    agent.hear(part("c2", "Released", at=9000))
    agent.hear(part("c1", "Established", at=9100))

    assert "call.transferred" not in agent.verbs(part("c1", "Released", at=9500))


def test_a_conference_is_told_with_everyone_and_its_consultation() -> None:
    agent = consulting()
    agent.hear(part("c2", "Released", at=9000))
    agent.hear(part("c1", "Established", at=9001))

    events = agent.hear(
        part("c1", "Established", notification="ParticipantsUpdated", participants=["100", "5002"])
    )

    assert verbs(events) == ["call.party.joined", "call.conferenced"]
    data = data_of(events[1])
    assert [party.number for party in data.parties] == ["5001", "100", "5002"]
    assert data.related_call == "c2"


def test_a_party_that_takes_another_ones_place_is_no_conference() -> None:
    agent = Agent()
    agent.hear(part("c1", "Ringing"))
    agent.hear(part("c1", "Established"))

    events = agent.hear(
        part("c1", "Established", notification="ParticipantsUpdated", participants=["200"])
    )

    assert verbs(events) == ["call.party.joined", "call.party.left"]


def test_the_end_of_a_call_that_a_command_passes_on_is_a_transfer() -> None:
    agent = Agent()
    agent.hear(part("c1", "Ringing"))
    agent.hear(part("c1", "Established"))
    agent.mapper.expect_transfer("c1", "5003", sent=RECEIVED)

    events = agent.hear(part("c1", "Released", at=1))

    assert verbs(events) == ["call.transferred", "call.ended"]
    party = data_of(events[0]).party
    assert party is not None
    assert (party.role, party.number) == ("destination", "5003")


def test_a_call_that_lives_on_after_its_transfer_was_not_passed_on() -> None:
    agent = Agent()
    agent.hear(part("c1", "Ringing"))
    agent.hear(part("c1", "Established"))
    agent.mapper.expect_transfer("c1", "5003", sent=RECEIVED - timedelta(minutes=2))

    assert agent.verbs(part("c1", "Released", at=1)) == ["call.ended"]


@pytest.mark.parametrize("refused_at_once", [True, False])
def test_a_call_whose_transfer_was_refused_just_ends(*, refused_at_once: bool) -> None:
    agent = Agent()
    agent.hear(part("c1", "Ringing"))
    agent.hear(part("c1", "Established"))
    agent.mapper.expect_transfer("c1", "5003", sent=RECEIVED)
    if refused_at_once:
        agent.mapper.expect_no_transfer("c1")
    else:
        agent.hear({"errorMessage": "Invalid Called Dn", "callUuid": "u-c1"})

    assert agent.verbs(part("c1", "Released", at=1)) == ["call.ended"]


def test_a_transfer_is_found_by_a_mapper_that_was_restored_between_its_parts() -> None:
    agent = consulting()
    agent.hear(part("c1", "Released", at=9000))
    kept = msgspec.json.decode(msgspec.json.encode(agent.mapper.picture), type=AgentPicture)
    agent.mapper = Mapper(ORIGIN, kept)

    events = agent.hear(part("c2", "Released", at=9010))

    assert verbs(events) == ["call.transferred", "call.ended"]


def test_an_echoed_reference_of_a_command_is_the_cause_of_the_events() -> None:
    agent = Agent()
    agent.mapper.expect_reference("command-1")

    (mine,) = agent.hear({**part("c1", "Ringing"), "referenceId": "command-1"})
    (other,) = agent.hear({**part("c1", "Established", at=1), "referenceId": "somebody"})

    assert mine.causationid == "command-1"
    assert not isinstance(other.causationid, str)
