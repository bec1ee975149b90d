"""Commands: checks before sending, verdicts by events, idempotency, deadlines, restarts."""

from __future__ import annotations

import msgspec
import pytest

from gateway.command_log import OMITTED, KeyReused
from gateway.commands import CommandRequest, Outcome, Status, Target, Verb
from gateway.errors import CommandRefused, CommandUncertain, NotReady, Reason
from tests.support.journals import memory_journal
from tests.support.routing import ACCEPTED, HOLD, routing, submit, verdict
from tests.support.scripted import ScriptedConnector, call_event
from tests.support.waiting import until


async def test_the_confirming_event_makes_a_command_done_and_is_named_as_evidence() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router)
        proof = call_event(1, verb="held")
        await journal.append("main/a1", [proof], b"r")
        outcome = await verdict(router, record)
    assert outcome.status is Status.DONE
    assert outcome.evidence == proof.id


async def test_an_event_that_comes_before_the_reply_counts() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    connector.release.clear()
    async with routing(connector, journal) as router:
        record = await submit(router)
        await journal.append("main/a1", [call_event(1, verb="held")], b"r")
        connector.release.set()
        assert (await verdict(router, record)).status is Status.DONE


async def test_an_event_from_before_the_command_proves_nothing() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    await journal.append("main/a1", [call_event(1, verb="held")], b"r")
    async with routing(connector, journal, deadline_seconds=1.0) as router:
        outcome = await verdict(router, await submit(router))
    assert outcome.status is Status.UNKNOWN
    assert outcome.reason is Reason.DEADLINE


async def test_an_event_of_another_connector_about_a_call_of_the_same_name_decides_nothing() -> (
    None
):
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router)
        for verb in ("held", "failed"):
            other = call_event(1, verb=verb, connector="elsewhere")
            await journal.append("elsewhere/a1", [other], b"r")
        proof = call_event(1, verb="held")
        await journal.append("main/a1", [proof], b"r")
        outcome = await verdict(router, record)
    assert outcome.evidence == proof.id


async def test_a_failure_event_refuses_the_command() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router)
        await journal.append("main/a1", [call_event(1, verb="failed")], b"r")
        assert (await verdict(router, record)).status is Status.REFUSED


async def test_an_event_about_another_call_decides_nothing() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal, deadline_seconds=1.0) as router:
        record = await submit(router)
        await journal.append("main/a1", [call_event(1, verb="held", call="other")], b"r")
        assert (await verdict(router, record)).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandRefused("no such call", reason=Reason.NOT_FOUND), Status.REFUSED),
        (CommandUncertain("the answer was lost"), Status.UNKNOWN),
        (NotReady("not logged in"), Status.REFUSED),
        (ZeroDivisionError("a bug"), Status.UNKNOWN),
    ],
)
async def test_every_way_of_failing_ends_in_a_verdict(error: Exception, status: Status) -> None:
    connector = ScriptedConnector()
    connector.answers = [error]
    async with routing(connector, memory_journal()) as router:
        outcome = await verdict(router, await submit(router))
    assert outcome.status is status


async def test_no_answer_before_the_deadline_is_unknown_and_is_never_sent_again() -> None:
    connector = ScriptedConnector()
    connector.release.clear()
    async with routing(connector, memory_journal(), deadline_seconds=1.0) as router:
        outcome = await verdict(router, await submit(router))
    assert outcome.status is Status.UNKNOWN
    assert len(connector.commands) == 1


async def test_a_command_behind_a_stuck_one_of_the_same_agent_is_refused_unsent() -> None:
    connector = ScriptedConnector()
    connector.release.clear()
    async with routing(connector, memory_journal(), deadline_seconds=60.0) as router:
        await submit(router)
        outcome = await verdict(
            router, await submit(router, msgspec.structs.replace(HOLD, deadline_seconds=0.2))
        )
        connector.release.set()
    assert outcome.status is Status.REFUSED
    assert outcome.reason is Reason.DEADLINE
    assert len(connector.commands) == 1


async def test_every_step_is_told_as_an_event() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router)
        await journal.append("main/a1", [call_event(1, verb="held")], b"r")
        await verdict(router, record)
    told = [event for event in await journal.read(0, 100) if ".command." in event.type]
    assert [event.type for event in told] == [
        "tieline.command.accepted.v1",
        "tieline.command.done.v1",
    ]
    assert told[0].envelope.causationid == record.command.id
    assert told[0].envelope.partitionkey == "c1"


async def test_the_same_key_gives_the_same_command_and_sends_once() -> None:
    connector = ScriptedConnector()
    connector.answers = [Outcome(status=Status.DONE)]
    async with routing(connector, memory_journal()) as router:
        first = await submit(router, key="k1")
        await verdict(router, first)
        second = await submit(router, key="k1")
    assert second.command.id == first.command.id
    assert len(connector.commands) == 1


async def test_a_settled_command_is_kept_without_its_bulk() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [Outcome(status=Status.DONE)]
    bulky = CommandRequest(
        verb=Verb.INTERACTION_ADD_ATTACHMENT,
        connector="main",
        target=Target(agent="a1", interaction="i1"),
        arguments={"name": "scan.pdf", "content": "x" * 10_000},
    )
    async with routing(connector, journal) as router:
        record = await submit(router, bulky)
        await verdict(router, record)
        kept = router.get(record.command.id)
    assert connector.commands[0].arguments["content"] == "x" * 10_000
    assert kept is not None
    assert kept.command.arguments == {"name": "scan.pdf", "content": OMITTED}


async def test_one_callers_key_says_nothing_about_anothers() -> None:
    connector = ScriptedConnector()
    connector.answers = [Outcome(status=Status.DONE), Outcome(status=Status.DONE)]
    async with routing(connector, memory_journal()) as router:
        first = await router.submit(HOLD, idempotency_key="k1", requester="one")
        second = await router.submit(HOLD, idempotency_key="k1", requester="two")
        await verdict(router, first)
        await verdict(router, second)
    assert first.command.id != second.command.id
    assert len(connector.commands) == 2


async def test_names_of_callers_and_keys_do_not_run_into_one_another() -> None:
    connector = ScriptedConnector()
    connector.answers = [Outcome(status=Status.DONE), Outcome(status=Status.DONE)]
    async with routing(connector, memory_journal()) as router:
        first = await router.submit(HOLD, idempotency_key="b/k", requester="oidc:a")
        second = await router.submit(HOLD, idempotency_key="k", requester="oidc:a/b")
        await verdict(router, first)
        await verdict(router, second)
    assert first.command.id != second.command.id


async def test_the_same_key_with_another_request_is_refused() -> None:
    connector = ScriptedConnector()
    connector.answers = [Outcome(status=Status.DONE)]
    other = CommandRequest(
        verb=Verb.CALL_HOLD, connector="main", target=Target(agent="a1", call="c2")
    )
    async with routing(connector, memory_journal()) as router:
        await submit(router, key="k1")
        with pytest.raises(KeyReused, match="Idempotency-Key"):
            await submit(router, other, key="k1")


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (CommandRequest(verb=Verb.CALL_HOLD, connector="x", target=Target()), "connector"),
        (CommandRequest(verb=Verb.CALL_DIAL, connector="main", target=Target()), "verb"),
        (
            CommandRequest(verb=Verb.CALL_HOLD, connector="main", target=Target(agent="a")),
            "target.call",
        ),
        (
            CommandRequest(
                verb=Verb.AGENT_SET_STATE,
                connector="main",
                target=Target(agent="a"),
                arguments={"state": "asleep"},
            ),
            "arguments.state",
        ),
        (
            CommandRequest(
                verb=Verb.AGENT_SET_STATE,
                connector="main",
                target=Target(agent="a"),
                arguments={"state": 5},
            ),
            "expected string",
        ),
        (
            CommandRequest(verb=Verb.AGENT_SET_STATE, connector="main", target=Target(agent="a")),
            "missing",
        ),
        (
            CommandRequest(
                verb=Verb.CALL_HOLD,
                connector="main",
                target=Target(agent="a", call="c"),
                arguments={"loud": True},
            ),
            "arguments.loud",
        ),
    ],
)
async def test_a_request_that_the_table_forbids_is_refused_by_field_and_not_sent(
    request_: CommandRequest, names: str
) -> None:
    connector = ScriptedConnector()
    async with routing(connector, memory_journal()) as router:
        with pytest.raises(CommandRefused, match=names):
            await submit(router, request_)
    assert connector.commands == []


async def test_an_accepted_command_goes_on_waiting_after_a_restart() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED]
    async with routing(connector, journal) as router:
        record = await submit(router)
        command_id = record.command.id
        await until(lambda: (now := router.get(command_id)) is not None and now.outcome)
    await journal.append("main/a1", [call_event(1, verb="held")], b"r")
    async with routing(connector, journal) as router:
        assert (await verdict(router, record)).status is Status.DONE
    assert len(connector.commands) == 1


async def test_a_command_that_was_being_sent_comes_back_unknown_after_a_restart() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.release.clear()
    async with routing(connector, journal) as router:
        record = await submit(router)
        await until(lambda: connector.commands)
    async with routing(connector, journal) as router:
        outcome = await verdict(router, record)
    assert outcome.status is Status.UNKNOWN
    assert outcome.reason is Reason.STOPPED
    assert len(connector.commands) == 1
