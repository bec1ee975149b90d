"""Commands that wait for their turn, are taken back, come twice at once, or too many at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.command_router import AlreadySent
from gateway.commands import CommandRequest, Outcome, Status, Target, Verb
from gateway.errors import CommandRefused, Reason
from tests.support.clock import StandingClock
from tests.support.journals import memory_journal
from tests.support.routing import ACCEPTED, HOLD, routing, submit, verdict
from tests.support.scripted import ScriptedConnector, call_event
from tests.support.waiting import until

DONE = Outcome(status=Status.DONE)
NOT_AN_AGENT_S = CommandRequest(
    verb=Verb.AGENT_SET_STATE,
    connector="main",
    target=Target(agent="a2"),
    arguments={"state": "ready"},
)


def stuck_connector() -> ScriptedConnector:
    """A connector that holds every command until `release` is set."""
    connector = ScriptedConnector()
    connector.release.clear()
    return connector


async def test_commands_of_one_agent_are_sent_in_the_order_they_came() -> None:
    """The second leaves only when the first is answered."""
    connector = stuck_connector()
    connector.answers = [DONE] * 5
    async with routing(connector, memory_journal()) as router:
        records = [await submit(router) for _ in range(5)]
        await until(lambda: connector.commands)
        assert len(connector.commands) == 1
        connector.release.set()
        for record in records:
            await verdict(router, record)
    assert [command.id for command in connector.commands] == [
        record.command.id for record in records
    ]


async def test_another_agent_does_not_wait() -> None:
    """Its command leaves while the first agent's is stuck."""
    connector = stuck_connector()
    connector.answers = [DONE] * 2
    async with routing(connector, memory_journal()) as router:
        await submit(router)
        await submit(router, NOT_AN_AGENT_S)
        await until(lambda: len(connector.commands) == 2)
        connector.release.set()


async def test_a_command_that_waits_for_its_turn_can_be_cancelled() -> None:
    """It is refused, is never sent, and the next one of the agent goes on."""
    connector = stuck_connector()
    connector.answers = [DONE] * 2
    async with routing(connector, memory_journal()) as router:
        first, second, third = [await submit(router) for _ in range(3)]
        await until(lambda: connector.commands)
        cancelled = await router.cancel(second.command.id)
        assert cancelled is not None
        assert cancelled.outcome is not None
        assert (cancelled.outcome.status, cancelled.outcome.reason) == (
            Status.REFUSED,
            Reason.CANCELLED,
        )
        connector.release.set()
        assert (await verdict(router, third)).status is Status.DONE
    assert [command.id for command in connector.commands] == [first.command.id, third.command.id]


async def test_a_command_that_was_sent_cannot_be_cancelled() -> None:
    """Neither while its answer is awaited, nor later."""
    connector = stuck_connector()
    connector.answers = [DONE]
    async with routing(connector, memory_journal()) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
        with pytest.raises(AlreadySent, match="it was sent"):
            await router.cancel(record.command.id)
        connector.release.set()
        assert (await verdict(router, record)).status is Status.DONE
        with pytest.raises(AlreadySent, match="it has its verdict"):
            await router.cancel(record.command.id)


async def test_a_command_that_nobody_knows_is_not_cancelled() -> None:
    """There is nothing to say about it."""
    async with routing(ScriptedConnector(), memory_journal()) as router:
        assert await router.cancel("nobody") is None


async def test_the_same_key_from_many_at_once_is_one_command() -> None:
    """Whoever comes first makes it, all get it."""
    connector = ScriptedConnector()
    connector.answers = [DONE]
    async with routing(connector, memory_journal()) as router:
        records = await asyncio.gather(*(submit(router, key="k1") for _ in range(20)))
        await verdict(router, records[0])
    assert len({record.command.id for record in records}) == 1
    assert len(connector.commands) == 1


async def test_a_key_whose_command_was_never_written_down_may_be_used() -> None:
    """A process that died between key and command has sent nothing."""
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [DONE]
    await journal.put("idempotency", "test k1", msgspec.json.encode(["lost", "digest"]))
    async with routing(connector, journal) as router:
        first = await submit(router, key="k1")
        await verdict(router, first)
        again = await submit(router, key="k1")
    assert again.command.id == first.command.id
    assert len(connector.commands) == 1


async def test_a_connector_is_sent_so_many_commands_and_no_more() -> None:
    """Further ones are refused before they are written down, and told when to come again."""
    connector, clock = ScriptedConnector(), StandingClock()
    connector.answers = [DONE] * 5
    async with routing(connector, memory_journal(), per_second=1.0, clock=clock) as router:
        records = [await submit(router) for _ in range(4)]
        for record in records:
            await verdict(router, record)
        with pytest.raises(CommandRefused, match="at most 1 commands a second") as refused:
            await submit(router)
        assert refused.value.reason is Reason.RATE_LIMITED
        assert refused.value.retry_after_seconds == pytest.approx(1.0)
        clock.advance(1.0)
        await verdict(router, await submit(router))


async def test_what_waited_for_its_turn_when_the_process_died_is_refused_as_never_sent() -> None:
    """What was being sent is unknown; what was not is certain."""
    connector, journal = stuck_connector(), memory_journal()
    async with routing(connector, journal) as router:
        sent = await submit(router)
        await until(lambda: connector.commands)
        waiting = await submit(router)
    async with routing(connector, journal) as router:
        assert (await verdict(router, sent)).status is Status.UNKNOWN
        outcome = await verdict(router, waiting)
    assert (outcome.status, outcome.reason) == (Status.REFUSED, Reason.STOPPED)
    assert "not sent" in (outcome.message or "")
    assert len(connector.commands) == 1


async def test_a_proof_that_comes_after_the_deadline_of_a_restart_still_counts() -> None:
    """Feeds have to resume first, so the deadline that passed meanwhile is not the end."""
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router, msgspec.structs.replace(HOLD, deadline_seconds=20.0))
        command_id = record.command.id
        await until(lambda: (now := router.get(command_id)) is not None and now.outcome)
    await journal.append("main/a1", [call_event(1, verb="held")], b"r")
    clock = StandingClock()
    clock.advance(86_400.0 * 36_500)
    async with routing(connector, journal, clock=clock) as router:
        assert (await verdict(router, record)).status is Status.DONE


async def test_every_verdict_is_audited_once(request: pytest.FixtureRequest) -> None:
    """Who, what, from where, and what came of it; told again by the next process, it is the same event."""
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await router.submit(
            HOLD, idempotency_key=None, requester=request.node.name, origin="192.0.2.7"
        )
        await journal.append("main/a1", [call_event(1, verb="held")], b"r")
        await verdict(router, record)
    async with routing(connector, journal):
        pass
    [event] = [event for event in await journal.read(0, 100) if ".audit." in event.type]
    told: dict[str, Any] = event.data()
    assert told == {
        "act": "command.send",
        "object": f"command/{record.command.id}",
        "requester": request.node.name,
        "origin": "192.0.2.7",
        "outcome": "done",
        "connector": "main",
        "details": {"verb": "call.hold", "target": "call/c1", "agent": "a1"},
    }
    assert event.envelope.dataclassification == "personal"
