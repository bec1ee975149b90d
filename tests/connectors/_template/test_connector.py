"""What the suite does not ask: gaps by a short log and by a new one, each verdict, the probe, the stop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors._template.simulator import Simulator
from gateway.commands import Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, NotReady, ProtocolViolation, Reason
from tests.connectors._template.harness import PbxHarness, connected_to, simulated
from tests.support.consumer import FeedConsumer

KEPT = 4


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulated(kept_changes=KEPT) as exchange:
        yield exchange


async def test_the_first_look_tells_what_is_there(simulator: Simulator) -> None:
    """As a snapshot: agents with their states, and the calls that go on."""
    simulator.world.begin(simulator.world.agents["105"], outbound=False)
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        await consumer.event("call.offered", call="c1", agent="105")
        assert consumer.verbs().count("agent.state.snapshot") == 10
        assert {event.provenance for event in consumer.events} == {"snapshot"}


async def test_a_call_is_told_from_ringing_to_its_end(simulator: Simulator) -> None:
    """A second connection of the leg is a retrieval, and nothing of it is surprising."""
    world, agent = simulator.world, simulator.world.agents["100"]
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        await consumer.until(lambda: consumer.resume, "a first look")
        world.begin(agent, outbound=False)
        for leg in ("talking", "held", "talking", "ended"):
            world.move(agent, leg)
            await consumer.until(lambda: len(simulator.ledger) == len(consumer.references()), leg)
        calls = [event for event in consumer.events if event.type.startswith("tieline.call.")]
    assert [event.type.split(".")[2] for event in calls] == [
        "offered", "connected", "held", "retrieved", "ended",
    ]  # fmt: skip
    assert {event.partitionkey for event in calls} == {"c1"}
    assert not [event for event in calls if isinstance(event.anomaly, str)]


async def test_what_the_log_lost_is_one_gap_with_its_number(simulator: Simulator) -> None:
    """What it still has and what differs from what was told comes marked as reconciled."""
    harness = PbxHarness(simulator)
    async with harness.make() as connector, FeedConsumer(connector) as first:
        told = await harness.publish()
        await first.until(lambda: set(told) <= first.references(), "the first")
    simulator.world.set_state(simulator.world.agents["103"], "offline")
    missed = await harness.publish(2 * KEPT)
    async with harness.make() as connector, FeedConsumer(connector, first.resume) as second:
        await second.until(lambda: second.gaps, "the gap")
        after = await harness.publish()
        await second.until(lambda: set(after) <= second.references(), "the rest")
        (gap,) = second.gaps
        assert (gap.reason, gap.unrecovered) == ("expired", 1 + KEPT)
        assert gap.since is not None
        assert second.links == [False]
        reconciled = [event for event in second.events if event.provenance == "reconciled"]
    assert {getattr(event.data, "agent", None) for event in reconciled} == {"101", "103"}
    assert set(missed[-KEPT:]) <= second.references()


async def test_a_call_that_ended_meanwhile_is_told_as_ended(simulator: Simulator) -> None:
    """Although the new log knows nothing of it."""
    agent = simulator.world.agents["100"]
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        await consumer.until(lambda: consumer.resume, "a first look")
        simulator.world.begin(agent, outbound=True)
        await consumer.event("call.initiated", call="c1")
        agent.call = None
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        await consumer.event("call.ended", call="c1")
        (gap,) = consumer.gaps
        assert (gap.reason, gap.unrecovered) == ("session_lost", None)


async def test_a_call_is_hung_up_and_the_event_names_the_command(simulator: Simulator) -> None:
    """The proof is the end of the call."""
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        simulator.world.begin(simulator.world.agents["100"], outbound=False)
        await consumer.event("call.offered", call="c1")
        outcome = await consumer.done(Verb.CALL_HANG_UP, call="c1")
        ended = await consumer.event("call.ended", call="c1")
        assert outcome.status is Status.DONE
        assert outcome.evidence == ended.id
        assert str(ended.causationid).startswith("call.hang_up")


@pytest.mark.parametrize(
    ("verb", "agent", "call", "arguments", "status", "reason"),
    [
        (Verb.AGENT_SET_STATE, "100", None, {"state": "ready"}, Status.DONE, None),
        (Verb.AGENT_SET_STATE, "999", None, {"state": "ready"}, Status.REFUSED, Reason.NOT_FOUND),
        (Verb.AGENT_SET_STATE, "105", None, {"state": "ready"}, Status.REFUSED, Reason.CONFLICT),
        (Verb.CALL_HANG_UP, None, "c99", {}, Status.REFUSED, Reason.NOT_FOUND),
    ],
)
async def test_each_answer_has_its_verdict(
    simulator: Simulator,
    verb: Verb,
    agent: str | None,
    call: str | None,
    arguments: dict[str, str],
    status: Status,
    reason: Reason | None,
) -> None:
    """What is so already is done; what the exchange refuses says why."""
    simulator.world.begin(simulator.world.agents["105"], outbound=False)
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        outcome = await consumer.execute(verb, agent=agent, call=call, **arguments)
        assert (outcome.status, outcome.reason) == (status, reason)
        assert outcome.message


async def test_an_answer_that_is_lost_leaves_the_command_open(simulator: Simulator) -> None:
    """500 as well: it may have been carried out."""
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        for fault in (
            Fault(kind=FaultKind.SERVER_ERROR, target="rest", status=500, after_processing=True),
            Fault(kind=FaultKind.DROP, target="rest", times=2, after_processing=True),
        ):
            simulator.commit(fault)
            with pytest.raises(CommandUncertain):
                await consumer.execute(Verb.AGENT_SET_STATE, agent="100", state="not_ready")
            simulator.plan.clear()


async def test_what_cannot_be_asked_is_refused_with_the_arguments_name(
    simulator: Simulator,
) -> None:
    """Before anything is sent."""
    async with connected_to(simulator.url) as connector, FeedConsumer(connector) as consumer:
        with pytest.raises(CommandRefused, match=r"arguments\.state: 'asleep' is not one of"):
            await consumer.execute(Verb.AGENT_SET_STATE, agent="100", state="asleep")
        with pytest.raises(CommandRefused, match=r"verb: call\.hold is not supported"):
            await consumer.execute(Verb.CALL_HOLD, call="c1")


async def test_the_probe_says_what_it_found(simulator: Simulator) -> None:
    """And is refused like the feed is."""
    async with connected_to(simulator.url) as connector:
        assert (await connector.probe()).endswith("; 10 agents, log log-0")
        simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=502))
        with pytest.raises(NotReady):
            await connector.probe()


async def test_an_address_where_something_else_answers_is_named(simulator: Simulator) -> None:
    """Its pages are not taken for the exchange's."""
    async with connected_to(simulator.url) as connector:
        simulator.commit(Fault(kind=FaultKind.GARBAGE))
        with pytest.raises(ProtocolViolation, match="something else than"):
            await connector.probe()
