"""Commands whose reply never comes: what was known before they were sent may still decide them."""

from __future__ import annotations

import pytest

from gateway.commands import Expectation, Outcome, Status
from gateway.errors import CommandRefused, CommandUncertain, Reason
from tests.support.clock import StandingClock
from tests.support.journals import memory_journal
from tests.support.routing import HOLD, routing, submit, verdict
from tests.support.scripted import ForeseeingConnector, call_event
from tests.support.waiting import until

HELD = Expectation(
    confirmed_by=frozenset({"tieline.call.held.v1"}),
    refused_by=frozenset({"tieline.call.failed.v1"}),
    subject="call/c1",
)
LOST = CommandUncertain("the answer was lost", reason=Reason.RESET)


def foreseeing(foreseen: Expectation | Exception | None = HELD) -> ForeseeingConnector:
    """A connector that knows."""
    connector = ForeseeingConnector()
    connector.foreseen = foreseen
    return connector


async def test_a_command_whose_answer_was_lost_is_done_when_its_event_comes() -> None:
    """The link is gone, the feed is not."""
    connector, journal = foreseeing(), memory_journal()
    connector.answers = [LOST]
    async with routing(connector, journal) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
        proof = call_event(1, verb="held")
        await journal.append("main/a1", [proof], b"r")
        outcome = await verdict(router, record)
    assert (outcome.status, outcome.evidence) == (Status.DONE, proof.id)


async def test_without_its_event_the_lost_answer_stays_the_reason() -> None:
    """Unknown at the deadline, as it would have been at once."""
    connector, clock = foreseeing(), StandingClock()
    connector.answers = [LOST]
    connector.release.clear()
    async with routing(connector, memory_journal(), clock=clock) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
        clock.advance(29.99)
        connector.release.set()
        outcome = await verdict(router, record)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.RESET)
    assert outcome.message == "the answer was lost"


async def test_a_failure_that_does_not_name_the_command_refuses_nothing() -> None:
    """It may be another's, and a refusal is a certain no."""
    connector, journal = foreseeing(), memory_journal()
    connector.answers = [LOST]
    async with routing(connector, journal) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
        await journal.append("main/a1", [call_event(1, verb="failed")], b"r")
        await journal.append("main/a1", [call_event(2, verb="held")], b"r")
        assert (await verdict(router, record)).status is Status.DONE


async def test_a_command_that_was_being_sent_is_done_when_its_event_comes_after_a_restart() -> None:
    """The next process reads what the resumed feed tells; nothing is sent again."""
    connector, journal = foreseeing(), memory_journal()
    connector.release.clear()
    async with routing(connector, journal) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
    async with routing(connector, journal) as router:
        proof = call_event(1, verb="held")
        await journal.append("main/a1", [proof], b"r")
        outcome = await verdict(router, record)
    assert (outcome.status, outcome.evidence) == (Status.DONE, proof.id)
    assert len(connector.commands) == 1


async def test_without_its_event_a_command_of_the_last_process_becomes_unknown() -> None:
    """After the time that feeds have to resume."""
    connector, journal, clock = foreseeing(), memory_journal(), StandingClock()
    connector.release.clear()
    async with routing(connector, journal, clock=clock) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
    clock.advance(60.0)
    async with routing(connector, journal, clock=clock, resume_seconds=0.01) as router:
        outcome = await verdict(router, record)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.STOPPED)


async def test_what_proves_an_earlier_command_of_the_agent_does_not_prove_a_later_one() -> None:
    """Where a command waits for its turn, its evidence lies behind the turn."""
    connector, journal, clock = foreseeing(), memory_journal(), StandingClock()
    connector.release.clear()
    connector.answers = [Outcome(status=Status.DONE), LOST]
    async with routing(connector, journal, clock=clock) as router:
        await submit(router)
        await until(lambda: connector.commands)
        second = await submit(router)
        await journal.append("main/a1", [call_event(1, verb="held")], b"r")
        clock.advance(29.99)
        connector.release.set()
        assert (await verdict(router, second)).status is Status.UNKNOWN


@pytest.mark.parametrize("foreseen", [None, CommandRefused("there is no such call")])
async def test_a_connector_that_does_not_know_leaves_it_open(
    foreseen: Exception | None,
) -> None:
    """A lost answer is unknown at once."""
    connector = foreseeing(foreseen)
    connector.answers = [LOST]
    async with routing(connector, memory_journal(), deadline_seconds=60.0) as router:
        outcome = await verdict(router, await submit(router, HOLD))
    assert outcome.status is Status.UNKNOWN
