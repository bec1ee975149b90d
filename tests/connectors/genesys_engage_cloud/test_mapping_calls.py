"""Calls: what a sequence of messages leads to, where it is not plain."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from tests.connectors.genesys_engage_cloud.builders import Agent, call, dn, verbs

CONSULT: dict[str, Any] = {
    "id": "c2", "connId": "n2", "callUuid": "u2", "callType": "Consult", "parentConnId": "n1",
    "participants": [{"number": "5002", "role": "RoleDestination"}],
}  # fmt: skip


def consulting() -> Agent:
    """An agent whose customer is on hold while the agent talks to a colleague."""
    agent = Agent()
    agent.hear(dn("Ready"))
    for state in ("Ringing", "Established", "Held"):
        agent.hear(call(state))
    for state in ("Dialing", "Established"):
        agent.hear(call(state, **CONSULT))
    return agent


def test_both_calls_of_a_consultation_ending_one_after_the_other_are_a_transfer() -> None:
    agent = consulting()

    assert agent.verbs(call("Completed", **CONSULT)) == ["call.ended"]
    assert agent.verbs(call("Released"))[:2] == ["call.transferred", "call.ended"]


def test_a_transfer_is_also_known_when_the_original_call_ends_first() -> None:
    agent = consulting()
    agent.hear(call("Released"))

    (transferred, *_) = agent.hear(call("Released", **CONSULT))

    assert transferred.type == "tieline.call.transferred.v1"
    assert transferred.subject == "call/c1"
    assert transferred.data.related_call == "c2"  # type: ignore[attr-defined]  # a call has it


def test_a_retrieval_between_the_two_ends_makes_them_no_transfer() -> None:
    agent = consulting()
    agent.hear(call("Released", **CONSULT))
    agent.hear(call("Established"))

    assert "call.transferred" not in agent.verbs(call("Released"))


def test_a_customer_who_hangs_up_much_later_makes_no_transfer() -> None:
    agent = consulting()
    agent.hear(call("Released", **CONSULT))
    for number in range(10):
        agent.hear(dn("Ready", timestamp=1_700_000_000_000 + number))

    assert "call.transferred" not in agent.verbs(call("Released"))


def test_an_echoed_transfer_is_certain() -> None:
    agent = Agent()
    agent.hear(call("Established"))

    events = agent.hear(call("Released", outer={"operationId": "tieline:call.transfer:k1"}))

    assert verbs(events) == ["call.transferred", "call.ended"]
    assert {event.causationid for event in events} == {"k1"}
    assert events[0].confidence.value == "observed"


def test_an_operation_of_another_program_causes_nothing_of_ours() -> None:
    (event,) = Agent().hear(call("Ringing", outer={"operationId": "17"}))

    assert event.causationid is UNSET


def test_a_repeated_state_is_no_second_transition() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.verbs(call("Ringing", duration=3)) == ["call.changed"]


def test_the_same_message_twice_is_a_duplicate() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    assert agent.verbs(call("Ringing")) == []
    assert agent.mapper.duplicates == 1


def test_hold_retrieve_hold_are_three_events_although_two_messages_are_equal() -> None:
    agent = Agent()
    found = [
        agent.verbs(call(state))
        for state in ("Ringing", "Established", "Held", "Established", "Held")
    ]

    assert found == [
        ["call.offered"], ["call.connected"], ["call.held"], ["call.retrieved"], ["call.held"],
    ]  # fmt: skip


def test_a_call_that_comes_back_under_its_id_begins_anew() -> None:
    agent = Agent()
    for state in ("Ringing", "Released"):
        agent.hear(call(state))

    (event,) = agent.hear(call("Ringing", duration=1))

    assert event.type == "tieline.call.offered.v1"
    assert event.anomaly is UNSET


def test_what_should_not_follow_is_told_and_flagged() -> None:
    agent = Agent()
    agent.hear(call("Ringing"))

    (event, *_) = agent.hear(call("Held"))

    assert (event.type, event.anomaly) == ("tieline.call.held.v1", "illegal_transition")


def test_a_number_of_the_agents_own_phone_is_no_other_party() -> None:
    agent = Agent()
    agent.hear(dn("Ready"))
    participants = [{"number": "5001"}, {"number": "900", "role": "RoleOrigination"}]

    (event, *_) = agent.hear(call("Ringing", participants=participants))

    parties = event.data.parties  # type: ignore[attr-defined]  # a call has them
    assert [(party.role, party.number) for party in parties] == [
        ("agent", "5001"),
        ("customer", "900"),
    ]


def test_a_call_that_goes_on_under_another_id_ends_and_begins() -> None:
    """Whoever was consulted has the customer once the transfer is completed, under the original's id."""
    agent = Agent()
    agent.hear(dn("Ready"))
    for state in ("Ringing", "Established"):
        agent.hear(call(state, id="c2", connId="n2", callType="Consult"))
    inherited = {"id": "c1", "connId": "n1", "callType": "Inbound", "previousConnId": "n2"}

    ended, connected, *_ = agent.hear(
        call("Established", notification="ParticipantsUpdated", **inherited)
    )

    assert (ended.type, ended.subject) == ("tieline.call.ended.v1", "call/c2")
    assert (connected.type, connected.subject) == ("tieline.call.connected.v1", "call/c1")
    assert (ended.data.cause, ended.data.related_call) == ("transferred", "c1")  # type: ignore[attr-defined]  # a call has it
    assert connected.data.related_call == "c2"  # type: ignore[attr-defined]  # a call has it
    assert connected.anomaly is UNSET
    assert "call.ended" in agent.verbs(call("Released", **inherited))
