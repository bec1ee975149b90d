"""The vendor's FAQ about its APIs, statement by statement: what the gateway makes of each, and where that is tested.

Statements are numbered by section, question and place within the answer: 2.3.1 is the first statement of the answer
to the third question about OAuth2.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors import nice_incontact
from connectors.nice_incontact.connector import NiceIncontact
from connectors.nice_incontact.settings import SignIn
from gateway.commands import Status, Verb
from tests.connectors.nice_incontact.harness import AGENT, connected_to, emit, sign_in, simulated
from tests.support.consumer import FeedConsumer

TESTS = Path(__file__).parent
README = (Path(nice_incontact.__file__).parent / "README.md").read_text(encoding="utf-8")
TITLE = "The vendor's FAQ, statement by statement"
STATEMENTS = {
    "1.2.1", "1.3.1", "1.3.2", "1.5.1", "1.5.2",
    "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.2.3", "2.3.1", "2.3.2", "2.3.3", "2.3.4", "2.3.5", "2.4.1",
    "3.1.1", "3.1.2", "3.2.1", "3.3.1", "3.3.2", "3.4.1", "3.5.1", "3.5.2",
}  # fmt: skip
"""General, OAuth2, Agent API."""
NOT_ABOUT_THE_INTERFACE = {"1.1", "1.4"}
"""Where to begin reading, and why samples are written with jQuery."""


def rows() -> list[tuple[str, str]]:
    """Number and proof of each row of the README's table."""
    table = README.split(f"\n## {TITLE}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [(row[0], row[-1]) for row in cells if row[0][:1].isdigit()]


def test_every_statement_is_in_the_table_once() -> None:
    numbers = [number for number, _ in rows()]
    assert sorted(numbers) == sorted(STATEMENTS | NOT_ABOUT_THE_INTERFACE)


def test_no_question_of_the_faq_is_left_out() -> None:
    """Where the vendor's text is at hand: as many questions in each section as there are numbers."""
    folder = os.environ.get("TIELINE_VENDOR_DOCUMENTS")
    if folder is None:
        pytest.skip("TIELINE_VENDOR_DOCUMENTS names no folder with the vendor's documents")
    questions: list[int] = []
    for line in (Path(folder) / "nice-incontact-faq.txt").read_text(encoding="utf-8").splitlines():
        if line.endswith("Questions"):
            questions.append(0)
        elif line.rstrip('"').endswith("?"):
            questions[-1] += 1
    numbers = {number.rsplit(".", 1)[0] for number in STATEMENTS} | NOT_ABOUT_THE_INTERFACE
    asked = {
        f"{section}.{question}"
        for section, count in enumerate(questions, 1)
        for question in range(1, count + 1)
    }
    assert numbers == asked


@pytest.mark.parametrize(("number", "proof"), rows(), ids=[number for number, _ in rows()])
def test_the_tests_that_the_table_names_exist(number: str, proof: str) -> None:
    if number in NOT_ABOUT_THE_INTERFACE:
        assert proof == "nothing to hold"
        return
    module, _, name = proof.strip("`").partition("::")
    tree = ast.parse((TESTS / module).read_text(encoding="utf-8"))
    functions = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions


def cursor(connector: NiceIncontact) -> str:
    """The newest name of the first agent's session."""
    found: str = connector._sessions[0].cursor
    return found


@pytest.mark.parametrize("name", ["Tieline", "Tieline@", "@Example", "Tieline@Example:1"])
def test_an_application_is_known_by_its_name_and_its_vendor(name: str) -> None:
    assert SignIn.model_validate(sign_in("https://x.test")).application == "Tieline@Example"
    with pytest.raises(ValidationError, match="application"):
        SignIn.model_validate(sign_in("https://x.test", application=name))


def test_the_authorization_code_grant_is_not_offered() -> None:
    with pytest.raises(ValidationError, match="'password', 'client', 'implicit'"):
        SignIn.model_validate({"method": "authorization_code"})


async def test_what_was_only_taken_is_done_when_its_event_comes() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")
        since = len(consumer.events)
        outcome = await consumer.execute(Verb.AGENT_SET_STATE, agent=AGENT, state="ready")
        assert outcome.status is Status.ACCEPTED
        verdict = await consumer.verdict(outcome, since=since)
        proof = next(event for event in consumer.events if event.id == verdict.evidence)
    assert verdict.status is Status.DONE
    assert proof.type == "tieline.agent.state.changed.v1"


async def test_every_change_of_state_is_told_and_decides_its_command() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")
        await emit(simulator, "offer")
        await emit(simulator, "answer")
        call = (await consumer.event("call.connected")).data.call  # type: ignore[attr-defined] - a Call
        for verb in (
            Verb.CALL_HOLD,
            Verb.CALL_RETRIEVE,
            Verb.RECORDING_PAUSE,
            Verb.RECORDING_RESUME,
            Verb.RECORDING_START,
            Verb.CALL_HANG_UP,
        ):
            since = len(consumer.events)
            outcome = await consumer.execute(verb, agent=AGENT, call=call)
            assert (await consumer.verdict(outcome, since=since)).status is Status.DONE, verb


async def test_an_expired_token_is_replaced_and_the_request_repeated() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        await connector.api.get("server-time")
        simulator.tokens.expire_all()
        assert await connector.api.get("server-time")
        assert connector.api.tokens.fetched == 2


async def test_the_refresh_token_of_the_first_grant_gets_the_next_token() -> None:
    """Nobody can sign in by password any more, and the token is renewed all the same."""
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        first = await connector.api.tokens.current()
        simulator.world.by_name.clear()
        second = await connector.api.tokens.renew(first)
        assert second != first


async def test_a_session_that_is_active_already_is_joined_instead_of_started() -> None:
    starting = {"mode": "start", "join_interval_seconds": 1, "poll_timeout_seconds": 10}
    agents = [{"agent_id": AGENT, "station_phone_number": "+18015550042"}]
    async with (
        simulated() as simulator,
        connected_to(simulator.url, sessions=starting, agents=agents) as connector,
        FeedConsumer(connector) as consumer,
    ):
        before = len(simulator.sessions.sessions)
        await consumer.event("agent.session.started")
        assert len(simulator.sessions.sessions) == before
        assert (consumer.errors, consumer.gaps) == ([], [])


async def test_who_joins_has_an_own_session_id_and_hears_all_until_the_end_of_all() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as one,
        connected_to(simulator.url) as other,
        FeedConsumer(one) as first,
        FeedConsumer(other) as second,
    ):
        assert cursor(one) != cursor(other)
        await emit(simulator, "state", reason="Lunch", state="Unavailable")
        for consumer in (first, second):
            await consumer.event("agent.state.changed", reason="Lunch")
        outcome = await first.execute(Verb.AGENT_LOGOUT, agent=AGENT)
        assert outcome.status is Status.ACCEPTED
        for consumer in (first, second):
            await consumer.event("agent.session.ended")
            assert consumer.errors == []


async def test_each_answer_has_another_session_id_from_which_the_next_poll_goes_on() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")
        seen = [cursor(connector)]
        for reason in ("Lunch", "Break", "Meeting"):
            await emit(simulator, "state", state="Unavailable", reason=reason)
            await consumer.event("agent.state.changed", reason=reason)
            seen.append(cursor(connector))
            assert cursor(connector).encode() in (consumer.resume or b"")
        assert len(set(seen)) == len(seen)
        await consumer.until(
            lambda: simulator.ledger.counts()["acknowledged"] == 3,
            "the platform knows how far we are",
        )
        assert consumer.gaps == []
