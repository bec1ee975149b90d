"""The feeds against the simulator over real sockets: sessions, gaps, resuming, snapshots."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from connectors.genesys_engage_cloud._simulated.model import InteractionState
from connectors.genesys_engage_cloud.simulator import Fault, FaultKind, Simulator
from gateway.commands import Status, Verb
from gateway.contracts import Guarantee
from gateway.errors import AuthRejected, NotConnected, NotReady, Reason
from gateway.events.operations import DirectoryChanged
from gateway.states import AgentState
from tests.connectors.genesys_engage_cloud.harness import (
    API_KEY,
    CLIENT_SECRET,
    WAIT_SECONDS,
    Consumer,
    account,
    connected_to,
    published,
    simulated,
)
from tests.support.waiting import until

STATISTICS: dict[str, Any] = {
    "objects": [
        {"type": "Agent", "ids": ["kristi", "sipp"], "statistics": ["TotalCalls", "LoginTime"]},
        {"type": "GroupAgents", "ids": ["Support"], "statistics": ["Mine"]},
    ],
    "definitions": {"Mine": {"notificationMode": "Periodical", "category": "CurrentNumber"}},
}
PROVISIONING: dict[str, Any] = {"watch": ["users"], "read": ["get-users", "get-used-skills"]}


def incoming(simulator: Simulator, count: int = 1, agent: str = "agent0001") -> None:
    """Calls that come and go at once."""
    someone = simulator.world.agents[agent]
    for _ in range(count):
        call = simulator.telephony.incoming(someone, commanded=True)
        simulator.telephony.set_state(someone, call, type(call.state).RELEASED)


async def test_the_three_apis_are_read_side_by_side() -> None:
    async with (
        simulated(ack=True, statistics_seconds=0.1, object_change_seconds=0.1) as simulator,
        connected_to(simulator.url, statistics=STATISTICS, provisioning=PROVISIONING) as connector,
        Consumer(connector) as agent,
        Consumer(connector, number=1) as statistics,
        Consumer(connector, number=2) as provisioning,
    ):
        incoming(simulator)
        await agent.event("call.ended")
        await statistics.event("agent.metrics.observed")
        await statistics.event("group.metrics.observed")
        await statistics.event("service.state.changed", state="up")
        await provisioning.event("directory.changed", directory="users")
        await provisioning.event("directory.changed", directory="used-skills")
        simulator.provisioning.change()
        await provisioning.until(
            lambda: any(
                isinstance(event.data, DirectoryChanged) and len(event.data.changed) == 1
                for event in provisioning.events
            ),
            "one user's change",
        )
        assert [feed.name for feed in connector.feeds] == [
            "cloud/agent0001",
            "cloud/statistics",
            "cloud/provisioning",
        ]
        assert [feed.guarantee for feed in connector.feeds] == [
            Guarantee.RESUMABLE,
            Guarantee.SNAPSHOT,
            Guarantee.SNAPSHOT,
        ]


@pytest.mark.parametrize("form", ["bare", "wrapped"])
async def test_updates_of_both_forms_become_the_same_metrics(form: str) -> None:
    async with (
        simulated(ack=True, statistics_form=form) as simulator,
        connected_to(simulator.url, agents=0, statistics=STATISTICS) as connector,
        Consumer(connector) as consumer,
    ):
        event = await consumer.event("agent.metrics.observed")
        simulator.statistics.tell_service(available=False)
        await consumer.event("service.state.changed", state="down")

    assert {"TotalCalls", "LoginTime"} == set(event.data.values)  # type: ignore[attr-defined]  # metrics have it


@pytest.mark.parametrize("form", ["string", "map"])
async def test_results_of_both_forms_become_the_same_directory(form: str) -> None:
    async with (
        simulated(ack=True, provisioning_data=form) as simulator,
        connected_to(simulator.url, agents=0, provisioning=PROVISIONING) as connector,
        Consumer(connector) as consumer,
    ):
        event = await consumer.event("directory.changed", directory="users")

    assert event.data.changed == ["agent0001", "agent0002"]  # type: ignore[attr-defined]  # it is a directory
    assert event.provenance.value == "snapshot"


async def test_a_workspace_is_used_when_it_is_complete() -> None:
    async with (
        simulated(initialization_seconds=0.3) as simulator,
        connected_to(simulator.url, observe_only=False) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("service.state.changed", state="up")
        await until(lambda: simulator.world.agents["agent0001"].logged_in)
        await consumer.until(lambda: published(simulator) <= consumer.references(), "all of it")


async def test_a_workspace_that_fails_is_not_ready() -> None:
    async with (
        simulated(initialization_fails=True) as simulator,
        connected_to(simulator.url) as connector,
    ):
        with pytest.raises(NotReady, match="the initialization failed"):
            await connector.feeds[0].connect(None)


async def test_a_workspace_that_takes_too_long_is_not_ready() -> None:
    async with (
        simulated(initialization_seconds=30) as simulator,
        connected_to(simulator.url, initialization_seconds=0.2) as connector,
    ):
        with pytest.raises(NotReady, match="did not complete") as caught:
            await connector.feeds[0].connect(None)

    assert caught.value.reason is Reason.TIMEOUT


async def test_a_fresh_start_tells_how_the_agent_stands() -> None:
    async with simulated() as simulator:
        agent = simulator.world.agents["agent0001"]
        simulator.world.activate(agent, {"agentId": agent.login}).then()  # type: ignore[misc]  # it has an effect
        call = simulator.telephony.incoming(agent, commanded=True)
        async with connected_to(simulator.url) as connector, Consumer(connector) as consumer:
            offered = await consumer.event("call.offered", call=call.id)
            event = await consumer.event("agent.state.snapshot", state="not_ready")

    assert {offered.provenance.value, event.provenance.value} == {"snapshot"}


async def test_observing_changes_nothing_on_the_platform() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot", state="logged_off")
        assert not simulator.world.agents["agent0001"].logged_in


async def test_two_agents_have_sessions_of_their_own() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, agents=2) as connector,
        Consumer(connector) as one,
        Consumer(connector, number=1) as other,
    ):
        incoming(simulator, agent="agent0002")
        await other.event("call.ended")

    assert not any(verb.startswith("call.") for verb in one.verbs())


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"accounts": [account(password="not-it-at-all")]}, "user name"),
        ({"client": {"id": "sim-client", "secret": "not-it-at-all"}}, "client.secret"),
        ({"api_key": "not-it-at-all"}, "api_key"),
    ],
)
async def test_what_is_refused_is_named_with_a_remedy_and_without_the_secret(
    change: dict[str, Any], hint: str
) -> None:
    async with simulated() as simulator, connected_to(simulator.url, **change) as connector:
        with pytest.raises(AuthRejected, match=hint) as caught:
            await connector.feeds[0].connect(None)

    assert "not-it-at-all" not in str(caught.value)


async def test_a_server_that_is_away_is_not_ready() -> None:
    async with simulated() as simulator:
        url = simulator.url
    async with connected_to(url) as connector:
        with pytest.raises(NotReady) as caught:
            await connector.feeds[0].connect(None)

    assert caught.value.reason is Reason.REFUSED


async def test_a_lost_cometd_session_is_one_gap_and_what_changed_is_told() -> None:
    """402 in mid-call: the client makes a new session by itself, and the call's new state is read."""
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        agent = simulator.world.agents["agent0001"]
        simulator.world.activate(agent, {"agentId": agent.login}).then()  # type: ignore[misc]  # it has an effect
        call = simulator.telephony.incoming(agent, commanded=True)
        await consumer.event("call.offered", call=call.id)
        simulator.commit(Fault(FaultKind.SESSION_UNKNOWN))
        simulator.telephony.set_state(agent, call, type(call.state).ESTABLISHED)
        connected = await consumer.event("call.connected", call=call.id)
        incoming(simulator)
        await consumer.event("call.ended")

    assert [gap.reason for gap in consumer.gaps] == ["session_lost"]
    assert connected.provenance.value == "reconciled"
    assert consumer.verbs().count("call.connected") == 1


async def test_a_lost_workspace_session_ends_the_feed_which_makes_a_new_one() -> None:
    async with simulated(ack=True) as simulator, connected_to(simulator.url) as connector:
        consumer = Consumer(connector)
        async with consumer:
            incoming(simulator)
            await consumer.event("call.ended")
            simulator.commit(Fault(FaultKind.SESSION_EXPIRY))
            with pytest.raises(NotConnected) as caught:
                await asyncio.wait_for(consumer.reading, WAIT_SECONDS)
        async with consumer:
            incoming(simulator)
            await consumer.until(lambda: consumer.verbs().count("call.ended") == 2, "second call")

    assert caught.value.reason is Reason.SESSION_LOST
    assert [gap.reason for gap in consumer.gaps] == ["session_lost"]
    assert len({event.id for event in consumer.events}) == len(consumer.events)


async def test_a_session_that_another_program_takes_again_and_again_is_a_conflict() -> None:
    async with (
        simulated(ack=True, one_session_per_agent=True) as simulator,
        connected_to(simulator.url) as one,
        connected_to(simulator.url) as other,
    ):
        ours, theirs = Consumer(one), Consumer(other)
        async with ours, theirs:
            with pytest.raises(NotConnected):
                await asyncio.wait_for(ours.reading, WAIT_SECONDS)
        async with ours, theirs:
            with pytest.raises(AuthRejected, match="another program") as caught:
                await asyncio.wait_for(ours.reading, WAIT_SECONDS)

    assert caught.value.reason is Reason.CONFLICT


async def test_keeping_alive_notices_a_session_that_is_gone() -> None:
    async with (
        simulated(ack=True, timeout_ms=20_000, max_interval_ms=60_000) as simulator,
        connected_to(simulator.url, keep_alive_seconds=0.2) as connector,
    ):
        consumer = Consumer(connector)
        await consumer.feed.connect(None)
        await consumer.read()
        simulator.workspace.sessions.end_all("agent0001")
        with pytest.raises(NotConnected, match="ended the workspace session"):
            await asyncio.wait_for(consumer.read_on(), WAIT_SECONDS)


@pytest.mark.parametrize("number", [0, 1])
async def test_the_session_of_a_snapshot_feed_is_made_anew_after_it_was_lost(number: int) -> None:
    """Statistics and provisioning: subscriptions and watches come again, the gap is told once."""
    async with (
        simulated(ack=True, statistics_seconds=0.1) as simulator,
        connected_to(
            simulator.url, agents=0, statistics=STATISTICS, provisioning=PROVISIONING
        ) as connector,
        Consumer(connector, number=number) as consumer,
    ):
        kind = ("agent.metrics.observed", "directory.changed")[number]
        await consumer.event(kind)
        simulator.commit(Fault(FaultKind.SESSION_UNKNOWN))
        await consumer.until(lambda: consumer.gaps, "a gap")
        since = consumer.verbs().count(kind)
        await consumer.until(lambda: consumer.verbs().count(kind) > since, "news")

    assert [gap.reason for gap in consumer.gaps] == ["session_lost"]


async def test_after_a_gap_the_values_are_read() -> None:
    async with (
        simulated(ack=True, statistics_seconds=60) as simulator,
        connected_to(simulator.url, agents=0, statistics=STATISTICS) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("group.metrics.observed")
        found = await connector.snapshot(consumer.feed)

    assert {event.type.split(".")[1] for event in found} == {"agent", "group"}
    assert {event.provenance.value for event in found} == {"reconciled"}


async def test_a_token_is_renewed_ahead_of_its_end_while_statistics_flow() -> None:
    async with (
        simulated(ack=True, token_seconds=2, statistics_seconds=0.1) as simulator,
        connected_to(
            simulator.url, agents=0, statistics=STATISTICS, refresh_ahead_seconds=1.5
        ) as connector,
        Consumer(connector) as consumer,
    ):
        await until(lambda: simulator.auth.issued >= 3)
        since = len(consumer.events)
        await consumer.until(lambda: len(consumer.events) > since + 5, "more values")

    assert consumer.gaps == []


async def test_a_token_that_dies_early_is_replaced_beside_the_poll() -> None:
    async with (
        simulated(ack=True, statistics_seconds=0.1) as simulator,
        connected_to(simulator.url, agents=0, statistics=STATISTICS) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.metrics.observed")
        simulator.commit(Fault(FaultKind.TOKEN_EXPIRY))
        since = len(consumer.events)
        await consumer.until(lambda: len(consumer.events) > since + 20, "more values")

    assert simulator.auth.issued == 2


async def test_a_dead_token_does_not_touch_the_workspace() -> None:
    """The cookie is the session: the token was for its beginning."""
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator.commit(Fault(FaultKind.TOKEN_EXPIRY))
        incoming(simulator)
        await consumer.event("call.ended")

    assert consumer.gaps == []
    assert simulator.auth.issued == 1


async def test_a_service_that_is_down_is_told_and_refuses_its_commands() -> None:
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator.commit(Fault(FaultKind.SERVICE_UNAVAILABLE, service="VOICE"))
        await consumer.event("service.state.changed", service="voice", state="down")
        services = connector.diagnostics()["feeds"]["cloud/agent0001"]["services"]
        simulator.pardon()
        await consumer.event("service.state.changed", service="voice", state="up")

    assert services["voice"] == "down"
    assert consumer.gaps == []


async def test_closing_twice_and_without_a_connection_is_fine() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, statistics=STATISTICS, provisioning=PROVISIONING) as connector,
    ):
        for feed in connector.feeds:
            await feed.close()
            await feed.connect(None)
            await feed.close()
            await feed.close()

        assert connector.diagnostics()["connected"] == 0


async def test_the_probe_says_what_it_found() -> None:
    async with simulated() as simulator, connected_to(simulator.url, agents=2) as connector:
        found = await connector.probe()

    assert "has a token" in found
    assert "2 feeds" in found


async def test_no_secret_is_in_diagnostics_or_settings_or_the_events() -> None:
    phrase = "open-sesame"
    async with (
        simulated(ack=True, password=phrase) as simulator,
        connected_to(
            simulator.url,
            accounts=[account(password=phrase)],
            statistics=STATISTICS,
            provisioning=PROVISIONING,
        ) as connector,
        Consumer(connector) as consumer,
        Consumer(connector, number=1) as statistics,
    ):
        incoming(simulator)
        await consumer.event("call.ended")
        await statistics.event("agent.metrics.observed")
        shown = json.dumps(connector.diagnostics()) + repr(connector._settings)
        shown += repr(consumer.events) + repr(statistics.events)
        secrets = [phrase, CLIENT_SECRET, API_KEY, *simulator.auth._tokens]
        secrets += simulator.auth._refresh
        secrets += [session.id for session in simulator.workspace.sessions.alive]
        secrets += [feed._client.client_id for feed in (consumer.feed, statistics.feed)]

    assert [secret for secret in secrets if secret in shown] == []


async def test_a_refresh_token_that_was_used_is_kept_without_waiting_for_events() -> None:
    """Each renewal uses the old one up: the newest must be in the journal before the process can die."""
    async with simulated(ack=True, token_seconds=2) as simulator:
        _, first = simulator.auth, simulator.auth._issue("agent0001")["refresh_token"]
        accounts = [account(password=None, refresh_token=first)]
        async with (
            connected_to(simulator.url, accounts=accounts, refresh_ahead_seconds=1.5) as connector,
            Consumer(connector) as before,
        ):
            issued = simulator.auth.issued
            await until(lambda: simulator.auth.issued > issued)
            newest = list(simulator.auth._refresh)
            await before.until(
                lambda: any(token.encode() in (before.resume or b"") for token in newest),
                "the newest refresh token in the resume state",
            )
        simulator.commit(Fault(FaultKind.SESSION_EXPIRY))
        async with connected_to(simulator.url, accounts=accounts) as connector:
            after = Consumer(connector)
            after.resume = before.resume
            async with after:
                incoming(simulator)
                await after.event("call.ended")

    assert [gap.reason for gap in after.gaps] == ["session_lost"]


async def test_a_kill_between_the_snapshot_and_the_next_delivery_tells_nothing_twice() -> None:
    """The journal has the gap and what was reconciled, but not the memory of it: the next process asks again."""
    async with simulated(ack=True) as simulator:
        agent = simulator.world.agents["agent0001"]
        simulator.world.activate(agent, {"agentId": agent.login}).then()  # type: ignore[misc]  # it has an effect
        async with connected_to(simulator.url) as connector:
            before = Consumer(connector)
            await before.feed.connect(None)
            await before.read()
            call = simulator.telephony.incoming(agent, commanded=True)
            await before.read()
            simulator.commit(Fault(FaultKind.SESSION_UNKNOWN))
            simulator.telephony.set_state(agent, call, type(call.state).ESTABLISHED)
            while not before.gaps:
                await before.read()
            await before.feed.close()
        async with connected_to(simulator.url) as connector:
            after = Consumer(connector)
            after.events, after.resume = before.events, before.resume
            async with after:
                simulator.telephony.set_state(agent, call, type(call.state).HELD)
                held = await after.event("call.held", call=call.id)

    assert after.gaps == []
    assert held.data.previous_state == "connected"  # type: ignore[attr-defined]  # a call has it
    connected = {event.id for event in after.events if event.type == "tieline.call.connected.v1"}
    assert len(connected) == 1


async def test_a_token_that_died_before_the_values_are_read_is_replaced() -> None:
    async with (
        simulated(ack=True, statistics_seconds=60) as simulator,
        connected_to(simulator.url, agents=0, statistics=STATISTICS) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.metrics.observed")
        simulator.commit(Fault(FaultKind.TOKEN_EXPIRY))

        assert await connector.snapshot(consumer.feed)


@pytest.mark.parametrize("number", [0, 2])
async def test_a_session_that_ends_while_the_platform_is_asked_is_lost_and_no_refusal(
    number: int,
) -> None:
    """A session is made anew at once; refused credentials would be tried again much later."""
    async with (
        simulated(ack=True, timeout_ms=20_000, max_interval_ms=60_000) as simulator,
        connected_to(simulator.url, statistics=STATISTICS, provisioning=PROVISIONING) as connector,
    ):
        consumer = Consumer(connector, number=number)
        await consumer.feed.connect(None)
        await consumer.read()
        simulator.workspace.sessions.end_all(None)
        simulator.provisioning.sessions.end_all(None)
        with pytest.raises(NotConnected) as caught:
            await connector.snapshot(consumer.feed)

    assert caught.value.reason is Reason.SESSION_LOST


async def test_a_young_session_that_cannot_tell_yet_how_its_agent_stands_is_used() -> None:
    async with (
        simulated(ack=True, silent_seconds=3_600) as simulator,
        connected_to(simulator.url, observe_only=False) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.state.changed", state=AgentState.NOT_READY)

        assert len(simulator.workspace.sessions.alive) == 1


async def test_a_session_that_is_stolen_while_it_is_made_is_lost_and_no_refusal() -> None:
    async with (
        simulated(ack=True, initialization_seconds=5) as simulator,
        connected_to(simulator.url) as connector,
    ):
        connecting = asyncio.create_task(connector.feeds[0].connect(None), name="connect")
        await until(lambda: simulator.workspace.sessions.alive and simulator.bayeux.handshakes)
        simulator.commit(Fault(FaultKind.SESSION_EXPIRY))
        with pytest.raises((NotConnected, NotReady)):
            await asyncio.wait_for(connecting, WAIT_SECONDS)


async def test_a_planned_stop_of_an_account_with_a_refresh_token_loses_nothing() -> None:
    """Such a feed waits for events and for its token at the same time."""
    async with simulated(ack=False) as simulator:
        first = simulator.auth._issue("agent0001")["refresh_token"]
        accounts = [account(password=None, refresh_token=first)]
        async with connected_to(simulator.url, accounts=accounts) as connector:
            before = Consumer(connector)
            await before.feed.connect(None)
            await before.read()
            waiting = asyncio.create_task(before.feed.receive(), name="receive")
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            incoming(simulator, 5)
            delivery = await before.feed.drain()
            assert delivery is not None
            before.store(delivery)
            await before.feed.commit(delivery)
        async with connected_to(simulator.url, accounts=accounts) as connector:
            after = Consumer(connector)
            after.events, after.resume = before.events, before.resume
            async with after:
                await after.until(lambda: published(simulator) <= after.references(), "everything")

    assert after.gaps == []


@pytest.mark.parametrize("workbins", [["*"], ["{own}"]])
async def test_watched_workbins_tell_what_is_in_them_and_what_comes(workbins: list[str]) -> None:
    async with simulated(ack=True) as simulator:
        agent = simulator.world.agents["agent0001"]
        lying = simulator.media.invite(agent, "workitem", commanded=True)
        simulator.media.set_state(agent, lying, InteractionState.IN_WORKBIN)
        names = [name.format(own=f"wb-{agent.login}") for name in workbins]
        async with (
            connected_to(simulator.url, workbins=names) as connector,
            Consumer(connector) as consumer,
        ):
            await consumer.event("interaction.parked", interaction=lying.id)
            coming = simulator.media.invite(agent, "workitem", commanded=True)
            simulator.media.set_state(agent, coming, InteractionState.IN_WORKBIN)
            await consumer.event("interaction.parked", interaction=coming.id)

            assert consumer.feed.facts()["refused_workbins"] == {}


async def test_a_workbin_that_the_platform_refuses_is_in_the_diagnostics() -> None:
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url, workbins=["none", "*"]) as connector,
        Consumer(connector) as consumer,
    ):
        refused = consumer.feed.facts()["refused_workbins"]

        assert list(refused) == ["none"]
        assert simulator.world.agents["agent0001"].watches_workbin


@pytest.mark.parametrize("forgotten", [True, False])
async def test_a_process_that_goes_on_in_a_workspace_of_another_knows_whose_it_is(
    *, forgotten: bool
) -> None:
    """Whether the CometD session went on or not: nobody tells it anew, and a login needs it."""
    async with simulated(ack=True) as simulator:
        async with (
            connected_to(simulator.url, observe_only=False) as connector,
            Consumer(connector) as before,
        ):
            await before.event("agent.session.started")
        if forgotten:
            simulator.bayeux.forget()
        async with connected_to(simulator.url, observe_only=False) as connector:
            after = Consumer(connector)
            after.resume = before.resume
            async with after:
                outcome = await after.done(Verb.AGENT_LOGIN)
                sessions = len(simulator.workspace.sessions.alive)

    assert outcome.status is Status.DONE
    assert sessions == 1
