"""What the platform refuses, under the real supervisor: the state it leads to, the hint, and that nothing loops."""

from __future__ import annotations

from typing import Any

import pytest

from connectors._simulation.faults import Fault, FaultKind
from gateway.errors import AuthRejected, Reason
from gateway.states import FeedState
from gateway.supervisor import FeedRunner
from tests.connectors.clarity_connect.harness import Consumer, connected_to, emit, simulated
from tests.connectors.clarity_connect.supervised import WAIT_SECONDS, Record, lived, supervised
from tests.support.waiting import until

AGENT = "agent0001"


async def reached(runner: FeedRunner, state: FeedState) -> None:
    """Wait until the feed is in that state."""
    await until(lambda: runner.state is state, seconds=WAIT_SECONDS)


@pytest.mark.parametrize(
    ("settings", "state", "reason", "hint"),
    [
        ({"password": "wrong"}, FeedState.AUTH_REJECTED, Reason.AUTH, "password"),
        ({"username": "CONTOSO\\nobody"}, FeedState.AUTH_REJECTED, Reason.AUTH, "username"),
        ({"client_id": "unknown"}, FeedState.FAILED, Reason.CONFIG, "API Management"),
        (
            {"transports": ["webSockets"]},
            FeedState.FAILED,
            Reason.UNSUPPORTED,
            "let the administrator enable",
        ),
    ],
    ids=["password", "account", "client_id", "transport"],
)
async def test_each_refusal_has_its_state_and_its_hint(
    settings: dict[str, Any], state: FeedState, reason: Reason, hint: str
) -> None:
    """Wrong settings are given up, refused credentials are tried again after a long pause."""
    async with (
        simulated(transports=["longPolling"]) as simulator,
        connected_to(simulator.url, **settings) as connector,
        supervised(connector, Record()) as runner,
    ):
        await reached(runner, state)
        error = runner.last_error
        assert error is not None
        assert (error.reason, hint in error.hint) == (reason, True)
        assert simulator.tokens.issued <= 1


@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents", "longPolling"])
@pytest.mark.parametrize("route", ["negotiate", "connect", "start", "subscriptions", "info"])
async def test_a_token_that_ended_is_renewed_once_on_each_way_in(
    transport: str, route: str
) -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
    ):
        await connector.feeds[0].connect(None)
        await connector.feeds[0].close()
        before = connector._feed.tokens.renewals
        # Subscriptions are made by one batch request, to the root of the API.
        part = "v2" if route == "subscriptions" else route
        simulator.commit(Fault(kind=FaultKind.UNAUTHORIZED, service=part, times=1))
        async with Consumer(connector) as consumer:
            await emit(simulator, "status", agent=AGENT, status="available")
            await consumer.event("agent.state.changed", agent="101", native_state="available")
            assert connector._feed.tokens.renewals == before + 1
            assert consumer.errors == []


@pytest.mark.parametrize(
    ("transport", "route"),
    [("webSockets", "reconnect"), ("serverSentEvents", "reconnect"), ("longPolling", "poll")],
)
async def test_a_token_that_ended_is_renewed_when_the_feed_goes_on(
    transport: str, route: str
) -> None:
    """A stream that broke is taken up again, a poll follows another: with the same connection, and nothing is lost."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("queue.metrics.observed")
        before = connector._feed.tokens.renewals
        simulator.commit(Fault(kind=FaultKind.UNAUTHORIZED, service=route, times=1))
        simulator.signalr.cut()
        await emit(simulator, "status", agent=AGENT, status="available")
        await consumer.event("agent.state.changed", agent="101", native_state="available")
        assert connector._feed.tokens.renewals == before + 1
        assert (consumer.errors, consumer.gaps) == ([], [])


async def test_a_token_that_is_refused_again_and_again_is_no_loop() -> None:
    """It is renewed once; then the account is refused, with long pauses between attempts."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        supervised(connector, Record()) as runner,
    ):
        await reached(runner, FeedState.CONNECTED)
        simulator.commit(Fault(kind=FaultKind.UNAUTHORIZED, for_seconds=600))
        simulator.signalr.cut()
        await reached(runner, FeedState.AUTH_REJECTED)
        assert isinstance(runner.last_error, AuthRejected)
        assert simulator.tokens.issued <= 4


async def test_all_rights_taken_away_end_the_feed_as_rejected() -> None:
    """A forbidden entity is one thing, an account that may see nothing another."""
    async with simulated() as simulator:
        simulator.commit(Fault(kind=FaultKind.FORBIDDEN))
        async with (
            connected_to(simulator.url) as connector,
            supervised(connector, Record()) as runner,
        ):
            await reached(runner, FeedState.AUTH_REJECTED)
            assert runner.last_error is not None
            assert runner.last_error.reason is Reason.FORBIDDEN
            assert "business units" in runner.last_error.hint


async def test_a_transport_that_the_administrator_disables_is_left_for_another() -> None:
    """While connected: the connection is lost with it, one gap, and the feed goes on over the next one."""
    record = Record()
    async with (
        simulated(events_per_second=100) as simulator,
        connected_to(simulator.url) as connector,
        supervised(connector, record) as runner,
    ):
        await reached(runner, FeedState.CONNECTED)
        await lived(simulator, 20)
        simulator.commit(
            Fault(kind=FaultKind.TRANSPORT_DISABLED, for_seconds=600, service="webSockets")
        )
        simulator.signalr.cut()

        async def another() -> bool:
            return connector.diagnostics()["transport"] == "serverSentEvents" and bool(
                await record.gaps()
            )

        await until(another, seconds=WAIT_SECONDS)
        await lived(simulator, 20)
    assert [verb for verb, _ in await record.gaps()] == ["opened", "closed"]


async def test_what_lets_no_web_socket_through_is_gone_around() -> None:
    """The platform offers it, something in between refuses the upgrade."""
    async with simulated() as simulator:
        simulator.commit(Fault(kind=FaultKind.UPGRADE_REFUSED, for_seconds=600))
        async with connected_to(simulator.url) as connector, Consumer(connector):
            assert connector.diagnostics()["transport"] == "serverSentEvents"


async def test_feed_and_requests_stay_on_the_server_that_answers() -> None:
    """`specificserver` names it; without leave for its host the load balancer's address is kept."""
    async with simulated() as simulator:
        balancer = simulator.url.replace("127.0.0.1", "localhost")
        host = simulator.url.removeprefix("http://")
        for allowed, used in ((["127.0.0.1"], host), ([], host.replace("127.0.0.1", "localhost"))):
            async with (
                connected_to(balancer, token_hosts=["127.0.0.1"], api_hosts=allowed) as connector,
                Consumer(connector) as consumer,
            ):
                await consumer.until(lambda consumer=consumer: consumer.resume, "a session")
                assert connector.diagnostics()["server"] == used


async def test_a_line_in_the_platforms_log_tells_of_each_new_connection() -> None:
    """If the settings say so; a connection that goes on is none."""
    async with simulated() as simulator:
        async with (
            connected_to(simulator.url, client_logs=True) as connector,
            Consumer(connector) as consumer,
        ):
            await consumer.until(lambda: consumer.resume, "a session")
        async with (
            connected_to(simulator.url, client_logs=True) as connector,
            Consumer(connector, consumer.resume) as again,
        ):
            assert again.links == [True]
        assert len(simulator.people.client_logs) == 1
