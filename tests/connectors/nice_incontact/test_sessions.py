"""An agent's session that begins, ends and is interrupted: each in its documented way, and no loop."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.nice_incontact.connector import NiceIncontact
from connectors.nice_incontact.settings import SignIn
from gateway.commands import Status, Verb
from gateway.errors import AuthRejected, ConfigError, NotReady, Reason
from gateway.states import AgentState
from tests.connectors.nice_incontact.harness import AGENT, connected_to, emit, sign_in, simulated
from tests.support.consumer import FeedConsumer
from tests.support.waiting import until

STARTING = {"mode": "start", "join_interval_seconds": 1, "poll_timeout_seconds": 10}
ON_STATION = [{"agent_id": AGENT, "station_phone_number": "8015550000"}]


def session_of(connector: NiceIncontact) -> str:
    return connector._sessions[0].cursor


async def steal(connector: NiceIncontact, cursor: str) -> None:
    """Take the answer that the feed's next poll would have had, as one that is lost on its way."""
    token = await connector.api.tokens.current()
    path = f"agent-sessions/{cursor}/get-next-event?timeout=10"
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"{connector.api.tokens.base_url}/services/v23.0/{path}",
            headers={"Authorization": f"bearer {token}"},
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_an_agent_who_is_not_logged_in_is_told_once_and_looked_for_quietly() -> None:
    async with (
        simulated(sessions_open=False) as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        told = await consumer.event("agent.state.snapshot")
        assert told.data.state is AgentState.LOGGED_OFF  # type: ignore[attr-defined]  # an AgentStateData
        await emit(simulator, "log_in")
        await consumer.event("agent.session.started")

        assert consumer.verbs().count("agent.state.snapshot") == 1
        assert consumer.errors == []
        assert consumer.gaps == []


async def test_a_session_that_is_ended_for_all_is_joined_again_when_there_is_a_new_one() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")
        await emit(simulator, "log_out")
        ended = await consumer.event("agent.session.ended")
        await consumer.event("agent.state.changed", state=AgentState.LOGGED_OFF)
        await emit(simulator, "log_in")
        await consumer.until(lambda: consumer.verbs().count("agent.session.started") == 2, "again")

        assert ended.provenance == "live"
        assert consumer.errors == []


async def test_a_forced_end_is_told_with_its_reason_and_ends_the_call() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await emit(simulator, "offer")
        await emit(simulator, "answer")
        await consumer.event("call.connected")
        await emit(simulator, "force_log_out")
        ended = await consumer.event("agent.session.ended")

        assert ended.data.reason == "RemoteLogoff"  # type: ignore[attr-defined]  # an AgentSession
        assert consumer.verbs().count("call.ended") == 1


async def test_a_lost_answer_is_one_gap_and_the_states_are_reconciled() -> None:
    async with simulated() as simulator:
        async with connected_to(simulator.url) as connector, FeedConsumer(connector) as first:
            await first.event("agent.session.started")
            cursor = session_of(connector)
            await first.stop()
            await emit(simulator, "state", state="Unavailable", reason="Lunch")
            await steal(connector, cursor)
        async with (
            connected_to(simulator.url) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            changed = await second.event("agent.state.changed", reason="Lunch")

            assert changed.provenance == "reconciled"
            assert [gap.reason for gap in second.gaps] == ["expired"]


async def test_a_comparison_under_a_held_poll_finds_nothing_and_costs_nothing() -> None:
    """The supervisor compares a feed that is quiet or surprising, between two calls of `receive`."""
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        feed = connector.feeds[0]
        await feed.connect(None)
        await feed.receive()
        for reason in ("Lunch", "Break"):
            receiving = asyncio.create_task(feed.receive())

            async def held() -> bool:
                return simulator.sessions.held == 1

            await until(held)
            receiving.cancel()
            await asyncio.wait({receiving})
            assert await connector.snapshot(feed) == []
            assert (await feed.receive()).events == ()
            await emit(simulator, "state", state="Unavailable", reason=reason)
            delivery = await feed.receive()
            assert [one.data.reason for one in delivery.events] == [reason]  # type: ignore[attr-defined]
            assert delivery.gap is None


async def test_a_comparison_tells_what_the_platform_did_not() -> None:
    """Each occasion has ids of its own."""
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        feed = connector.feeds[0]
        await feed.connect(None)
        await feed.receive()
        simulator.commit(Fault(kind=FaultKind.STALL, for_seconds=60))
        ids = set()
        for reason in ("Lunch", "Break"):
            await emit(simulator, "state", state="Unavailable", reason=reason)
            simulator.pardon()
            found = await connector.snapshot(feed)
            assert [one.data.reason for one in found] == [reason]  # type: ignore[attr-defined]
            ids |= {one.id for one in found}
            simulator.commit(Fault(kind=FaultKind.STALL, for_seconds=60))

        assert len(ids) == 2


async def test_a_session_that_the_platform_forgot_is_joined_anew_with_a_gap() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await emit(simulator, "offer")
        await emit(simulator, "answer")
        await consumer.event("call.connected")
        simulator.strike(Fault(kind=FaultKind.SESSION_UNKNOWN))
        await consumer.until(lambda: consumer.gaps, "a gap")

        assert [gap.reason for gap in consumer.gaps] == ["session_lost"]
        assert len({one.id for one in consumer.events}) == len(consumer.events)


async def test_a_process_that_was_killed_in_a_call_tells_what_it_missed_and_nothing_twice() -> None:
    async with simulated() as simulator:
        async with connected_to(simulator.url) as connector, FeedConsumer(connector) as first:
            await emit(simulator, "offer")
            await emit(simulator, "answer")
            await first.event("call.connected")
        await emit(simulator, "hold")
        async with (
            connected_to(simulator.url) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await second.event("call.held")
            await second.until(lambda: second.gaps, "the gap")
            await emit(simulator, "resume")
            await second.event("call.retrieved")

            assert [gap.reason for gap in second.gaps] == ["unclean_stop"]
            assert second.verbs().count("call.held") == 1
            assert not {one.id for one in first.events} & {one.id for one in second.events}


async def test_a_process_that_was_killed_until_the_agent_left_tells_the_end() -> None:
    async with simulated() as simulator:
        async with connected_to(simulator.url) as connector, FeedConsumer(connector) as first:
            await emit(simulator, "offer")
            await emit(simulator, "answer")
            await first.event("call.connected")
        await emit(simulator, "force_log_out")
        async with (
            connected_to(simulator.url) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await second.event("agent.session.ended")

            assert second.verbs().count("call.ended") == 1
            assert len(second.gaps) == 1


async def test_a_process_that_stopped_cleanly_without_a_session_goes_on_without_a_gap() -> None:
    async with simulated(sessions_open=False) as simulator:
        async with connected_to(simulator.url) as connector, FeedConsumer(connector) as first:
            await first.event("agent.state.snapshot")
            await first.stop()
        async with (
            connected_to(simulator.url) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await emit(simulator, "log_in")
            await second.event("agent.session.started")

            assert second.gaps == []
            assert "agent.state.snapshot" not in second.verbs()


async def test_an_unreadable_resume_state_is_a_gap() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector, b"not ours") as consumer,
    ):
        await consumer.until(lambda: consumer.gaps, "a gap")
        await consumer.event("agent.session.started")

        assert [gap.reason for gap in consumer.gaps] == ["corrupt"]


async def test_a_token_that_ends_under_a_held_poll_costs_nothing() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")

        async def held() -> bool:
            return simulator.sessions.held == 1

        await until(held)
        simulator.tokens.expire_all()
        simulator.sessions.wake()
        await emit(simulator, "state", state="Unavailable", reason="Lunch")
        await consumer.event("agent.state.changed", reason="Lunch")

        assert connector.api.tokens.fetched == 2
        assert consumer.errors == []
        assert consumer.gaps == []


async def test_a_session_is_started_where_that_is_wanted_and_only_once() -> None:
    async with (
        simulated(sessions_open=False) as simulator,
        connected_to(simulator.url, sessions=STARTING, agents=ON_STATION) as connector,
        FeedConsumer(connector) as consumer,
    ):
        started = await consumer.event("agent.session.started")
        assert started.provenance == "live"
        await emit(simulator, "force_log_out")
        await consumer.event("agent.session.ended")
        asked = connector.api.requests
        await consumer.until(lambda: connector.api.requests > asked + 1, "looks for a session")

        assert simulator.world.agents[int(AGENT)].session is None


async def test_a_login_by_command_is_followed_at_once() -> None:
    async with (
        simulated(sessions_open=False) as simulator,
        connected_to(
            simulator.url,
            agents=ON_STATION,
            sessions={"join_interval_seconds": 3600, "poll_timeout_seconds": 10},
        ) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot")
        since = len(consumer.events)
        outcome = await consumer.execute(Verb.AGENT_LOGIN, agent=AGENT)
        verdict = await consumer.verdict(outcome, since=since)
        again = await consumer.execute(Verb.AGENT_SET_STATE, agent=AGENT, state="ready")

        assert verdict.status is Status.DONE
        assert again.status in {Status.ACCEPTED, Status.DONE}


async def test_a_logout_by_command_is_confirmed_and_not_undone() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.session.started")
        since = len(consumer.events)
        outcome = await consumer.execute(Verb.AGENT_LOGOUT, agent=AGENT)
        verdict = await consumer.verdict(outcome, since=since)

        assert verdict.status is Status.DONE
        assert simulator.world.agents[int(AGENT)].session is None


async def test_a_client_token_for_a_users_call_is_a_configuration_error() -> None:
    """Settings refuse it; where the platform says so all the same, the remedy is named."""
    async with simulated() as simulator:
        client = {
            "method": "client",
            "url": f"{simulator.url}/InContactAuthorizationServer/Token",
            "application": "Tieline@Example",
            "application_id": "12345",
        }
        async with connected_to(simulator.url) as connector:
            connector._settings = connector._settings.model_copy(
                update={"sign_in": SignIn.model_validate(client)}
            )
            connector.api = connector._api_of(connector._settings.sign_in)
            with pytest.raises(ConfigError) as refused:
                await connector.api.get("agents/states")

    assert refused.value.reason is Reason.FORBIDDEN
    assert "sign_in.method" in refused.value.hint


async def test_an_application_that_is_not_registered_is_a_configuration_error() -> None:
    async with simulated() as simulator:
        wrong = sign_in(simulator.url, application="Other@Example")
        async with connected_to(simulator.url, sign_in=wrong) as connector:
            with pytest.raises(ConfigError) as refused:
                await connector.feeds[0].connect(None)

    assert "not authorized for user" in refused.value.message
    assert "business_unit" in refused.value.hint


async def test_a_session_of_another_user_is_given_up_and_joined_anew() -> None:
    """The configuration names another user than the one who joined."""
    async with simulated() as simulator:
        async with connected_to(simulator.url) as connector, FeedConsumer(connector) as first:
            await first.event("agent.session.started")
            await first.stop()
        async with (
            connected_to(
                simulator.url, sign_in=sign_in(simulator.url, username="agent0002@example.com")
            ) as connector,
        ):
            with pytest.raises(AuthRejected) as refused:
                await connector.feeds[0].connect(first.resume)
        async with (
            connected_to(
                simulator.url, sign_in=sign_in(simulator.url, username="gateway@example.com")
            ) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await emit(simulator, "state", state="Unavailable", reason="Lunch")
            await second.event("agent.state.changed", reason="Lunch")

    assert "impersonate" in refused.value.hint


async def test_a_user_without_the_permission_cannot_stand_in_for_others() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, agents=[{"agent_id": 1002}]) as connector,
    ):
        with pytest.raises(AuthRejected) as refused:
            await connector.feeds[0].connect(None)

    assert refused.value.reason is Reason.FORBIDDEN
    assert "impersonate" in refused.value.hint


async def test_an_agent_that_does_not_exist_is_a_configuration_error() -> None:
    async with (
        simulated() as simulator,
        connected_to(
            simulator.url,
            sign_in=sign_in(simulator.url, username="gateway@example.com"),
            agents=[{"agent_id": 999999}],
        ) as connector,
    ):
        with pytest.raises((ConfigError, NotReady)) as refused:
            await connector.feeds[0].connect(None)

    assert "999999" in refused.value.message or refused.value.hint


async def test_a_platform_that_asks_for_patience_is_given_it() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        simulator.commit(Fault(kind=FaultKind.RATE_LIMITED, times=1, delay_ms=7_000))
        with pytest.raises(NotReady) as refused:
            await connector.feeds[0].connect(None)

    assert refused.value.reason is Reason.RATE_LIMITED
    assert refused.value.retry_after_seconds == 7


async def test_the_probe_says_where_and_who() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        said = await connector.probe()

    assert "business unit 4711" in said
    assert "agent0001@example.com" in said


async def test_two_agents_with_credentials_of_their_own_have_tokens_of_their_own() -> None:
    async with simulated() as simulator:
        agents = [
            {"agent_id": 1001},
            {"agent_id": 1002, "username": "agent0002@example.com", "password": "secret"},
        ]
        async with (
            connected_to(simulator.url, agents=agents) as connector,
            FeedConsumer(connector) as first,
            FeedConsumer(connector, feed=1) as second,
        ):
            await first.event("agent.session.started", agent="1001")
            await second.event("agent.session.started", agent="1002")


async def test_an_administrators_request_serves_an_agent_without_a_feed() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        outcome = await consumer.execute(
            Verb.AGENT_SET_STATE, agent="1002", state="not_ready", reason="12"
        )

        assert outcome.status is Status.DONE
        assert simulator.world.agents[1002].reason == "Lunch"
