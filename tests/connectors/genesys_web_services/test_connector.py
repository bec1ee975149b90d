"""The whole platform against its simulator, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.genesys_web_services.simulator import (
    Fault,
    FaultKind,
    Simulator,
    SimulatorSettings,
)
from gateway.commands import Status, Verb
from gateway.contracts import Guarantee
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    NotReady,
    Reason,
)
from tests.connectors.genesys_web_services.harness import (
    PASSWORD,
    Consumer,
    connected_to,
)


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator in which only what the test asks for happens, with a short session window."""
    defaults = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "max_interval_ms": 3_000}
    async with Simulator(SimulatorSettings(**{**defaults, **settings})) as simulator:
        yield simulator


def incoming(simulator: Simulator, count: int = 1, agent: str = "agent0001") -> None:
    for _ in range(count):
        call = simulator.telephony.incoming(simulator.world.agents[agent])
        simulator.telephony.set_state(
            simulator.world.agents[agent], call, type(call.state).RELEASED
        )


async def test_a_fresh_start_tells_how_the_agent_stands() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        event = await consumer.event("agent.state.snapshot", state="logged_off")

    assert event.provenance.value == "snapshot"


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
    assert [feed.name for feed in connector.feeds] == ["gws/agent0001", "gws/agent0002"]
    assert {feed.guarantee for feed in connector.feeds} == {Guarantee.RESUMABLE}


async def test_a_wrong_password_is_auth_rejected_with_a_remedy_and_without_the_password() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, password="not-it-at-all") as connector,
    ):
        with pytest.raises(AuthRejected, match="check its user name and password") as caught:
            await connector.feeds[0].connect(None)

    assert "not-it-at-all" not in str(caught.value)


async def test_a_server_that_is_away_is_not_ready() -> None:
    async with simulated() as simulator:
        url = simulator.url
    async with connected_to(url) as connector:
        with pytest.raises(NotReady) as caught:
            await connector.feeds[0].connect(None)

    assert caught.value.reason is Reason.REFUSED


async def test_something_that_is_no_web_services_server_is_told_so() -> None:
    async with simulated() as simulator, connected_to(simulator.url + "/sim/stats") as connector:
        with pytest.raises(NotReady, match="answers HTTP 404"):
            await connector.feeds[0].connect(None)


@pytest.mark.parametrize("csrf_on_notifications", [False, True])
async def test_the_csrf_token_is_sent_under_the_name_the_server_gives(
    *, csrf_on_notifications: bool
) -> None:
    async with (
        simulated(
            csrf=True, csrf_header="X-Odd-Token", csrf_on_notifications=csrf_on_notifications
        ) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        outcome = await consumer.execute(Verb.AGENT_LOGIN)

        assert (await consumer.verdict(outcome)).status is Status.DONE


@pytest.mark.parametrize("acknowledge", [True, False])
async def test_the_http_session_expires_and_the_feed_goes_on(*, acknowledge: bool) -> None:
    async with (
        simulated(ack=acknowledge) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator._sessions.end_all("agent0001")
        incoming(simulator)
        await consumer.event("call.ended")
        incoming(simulator)
        await consumer.until(lambda: consumer.verbs().count("call.ended") == 2, "second call")

    assert consumer.gaps == []
    assert simulator.bayeux.handshakes == 1


async def test_both_sessions_expire_and_the_feed_goes_on_with_one_gap() -> None:
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator.commit(Fault(FaultKind.SESSION_EXPIRY))
        await consumer.until(lambda: consumer.gaps, "a gap")
        incoming(simulator)
        await consumer.event("call.ended")

    assert [gap.reason for gap in consumer.gaps] == ["session_lost"]


async def test_a_password_that_is_changed_meanwhile_ends_the_feed_as_auth_rejected() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        consumer = Consumer(connector)
        await consumer.feed.connect(None)
        await consumer.read()
        simulator.world.agents["agent0001"].password = "another"
        simulator._sessions.end_all("agent0001")
        reading = asyncio.create_task(consumer.read_on(), name="reading")
        with pytest.raises(AuthRejected):
            await asyncio.wait_for(reading, 10)


async def test_a_snapshot_after_a_gap_tells_what_changed_meanwhile() -> None:
    async with simulated(ack=True) as simulator, connected_to(simulator.url) as connector:
        agent = simulator.world.agents["agent0001"]
        async with Consumer(connector) as consumer:
            call = simulator.telephony.incoming(agent)
            await consumer.event("call.offered")
            await consumer.stop()
            simulator.telephony.set_state(agent, call, type(call.state).ESTABLISHED)
            other = simulator.telephony.incoming(agent)

            events = await connector.snapshot(consumer.feed)

    told = {(event.subject, event.type.split(".", 1)[1]) for event in events}
    assert (f"call/{call.id}", "call.connected.v1") in told
    assert (f"call/{other.id}", "call.offered.v1") in told
    assert {event.provenance.value for event in events} == {"reconciled"}


async def test_agent_commands_are_confirmed_by_their_events() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        for verb, arguments in [
            (Verb.AGENT_LOGIN, {"channels": ["voice", "chat"]}),
            (Verb.AGENT_SET_STATE, {"state": "ready"}),
            (Verb.AGENT_SET_STATE, {"state": "not_ready", "media": "voice"}),
            (Verb.AGENT_SET_STATE, {"state": "after_contact", "media": "voice"}),
            (Verb.AGENT_SET_STATE, {"state": "not_ready", "media": "chat"}),
            (Verb.AGENT_LOGOUT, {}),
        ]:
            since = len(consumer.events)
            outcome = await consumer.execute(verb, **arguments)

            assert outcome.status is Status.ACCEPTED, (verb, outcome)
            verdict = await consumer.verdict(outcome, since=since)
            assert verdict.status is Status.DONE, (verb, arguments)


async def test_call_and_recording_commands_are_confirmed_by_their_events() -> None:
    async with (
        simulated(dial_answer_seconds=0.1) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.verdict(await consumer.execute(Verb.AGENT_LOGIN))
        dialled = await consumer.execute(Verb.CALL_DIAL, destination="5550100")
        assert (await consumer.verdict(dialled)).status is Status.DONE
        call = (await consumer.event("call.connected")).data.call  # type: ignore[attr-defined]  # a call event has it
        for verb in (
            Verb.CALL_HOLD,
            Verb.CALL_RETRIEVE,
            Verb.RECORDING_START,
            Verb.RECORDING_PAUSE,
            Verb.RECORDING_RESUME,
            Verb.RECORDING_STOP,
            Verb.CALL_HANG_UP,
        ):
            since = len(consumer.events)
            outcome = await consumer.execute(verb, call=call)
            assert (await consumer.verdict(outcome, since=since)).status is Status.DONE, verb
        simulator.telephony.incoming(simulator.world.agents["agent0001"], commanded=True)
        offered = (await consumer.event("call.offered")).data.call  # type: ignore[attr-defined]  # a call event has it
        since = len(consumer.events)
        answered = await consumer.execute(Verb.CALL_ANSWER, call=offered)
        assert (await consumer.verdict(answered, since=since)).status is Status.DONE


async def test_a_dial_that_the_platform_cannot_do_is_refused_by_its_event() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.verdict(await consumer.execute(Verb.AGENT_LOGIN))

        outcome = await consumer.execute(Verb.CALL_DIAL, destination="9900")

        verdict = await consumer.verdict(outcome)
        assert (verdict.status, verdict.message) == (Status.REFUSED, "Invalid Destination DN")


async def test_a_command_that_the_platform_refuses_at_once_is_refused() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        outcome = await consumer.execute(Verb.CALL_HOLD, call="no-such-call")

    assert (outcome.status, outcome.reason) == (Status.REFUSED, Reason.NOT_FOUND)


async def test_a_command_whose_answer_is_lost_is_uncertain() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator.commit(Fault(FaultKind.DROP, target="rest", after_processing=True))
        with pytest.raises(CommandUncertain):
            await consumer.execute(Verb.AGENT_LOGIN)


async def test_a_command_to_an_agent_of_somebody_else_is_refused() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        with pytest.raises(CommandRefused, match=r"target\.agent"):
            await Consumer(connector).execute(Verb.AGENT_LOGIN, agent="stranger")


async def test_a_command_renews_a_session_that_ran_out() -> None:
    async with (
        simulated(csrf=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        simulator._sessions.end_all("agent0001")

        outcome = await consumer.execute(Verb.AGENT_LOGIN)

    assert outcome.status is Status.ACCEPTED


async def test_partial_success_of_a_login_is_partial() -> None:
    async with (
        simulated(unavailable_channels=("chat",)) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        outcome = await consumer.execute(Verb.AGENT_LOGIN, channels=["voice", "chat"])

    assert outcome.status is Status.PARTIAL
    assert outcome.parts["chat"].status is Status.REFUSED


async def test_it_logs_agents_in_when_it_is_told_to() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, observe_only=False) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.until(
            lambda: simulator.world.agents["agent0001"].logged_in, "the agent to be logged in"
        )
        assert consumer.feed.diagnostics()["session_start"]["status"] == "accepted"


async def test_observing_changes_nothing_on_the_platform() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector),
    ):
        assert len(simulator.ledger) == 0
        assert not simulator.world.agents["agent0001"].logged_in


async def test_the_probe_says_what_it_found() -> None:
    async with simulated() as simulator, connected_to(simulator.url, agents=2) as connector:
        found = await connector.probe()

    assert "8.5" in found
    assert "the first of 2 accounts" in found


async def test_no_secret_is_in_diagnostics_or_settings_or_the_events() -> None:
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        incoming(simulator)
        await consumer.event("call.ended")
        shown = json.dumps(connector.diagnostics()) + repr(connector._settings)
        shown += repr(consumer.events)
        secrets = [
            PASSWORD,
            *(session.csrf_token for session in simulator._sessions._sessions.values()),
        ]
        secrets += simulator._sessions._sessions
        secrets.append(consumer.feed._client.client_id)

    assert [secret for secret in secrets if secret in shown] == []
