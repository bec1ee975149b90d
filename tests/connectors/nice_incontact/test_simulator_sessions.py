"""Agent sessions of the simulated platform: starting, joining, cursors, refresh sets, ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from connectors._simulation.ledger import Fate
from connectors.nice_incontact.simulator import Fault, FaultKind, Simulator, SimulatorSettings
from tests.support.nice_desk import FIRST, Desk, Session, desk, story
from tests.support.waiting import until

QUIET = SimulatorSettings(agents=3, events_per_second=0, dial_answer_seconds=0)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def gateway(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator.url) as signed_in:
        yield signed_in


async def test_a_join_begins_with_what_is_so_now(gateway: Desk) -> None:
    session = await gateway.join(1001)
    assert story(await session.news()) == ["AgentSessionStart", "AgentState Unavailable"]
    assert (await session.poll())[0] == 304


async def test_every_answer_with_events_has_another_session_id(gateway: Desk) -> None:
    session = await gateway.join(1001)
    seen = [session.id]
    await session.news()
    for state in ("Available", "Unavailable"):
        seen.append(session.id)
        await gateway.emit("state", agent=1001, state=state)
        await session.news()
    assert len({*seen, session.id}) == 4


async def test_an_old_id_gets_the_present_and_not_what_was_missed(
    simulator: Simulator, gateway: Desk
) -> None:
    session = await gateway.join(1001)
    await session.news()
    old = session.id
    await gateway.emit("state", agent=1001, state="Available")
    await session.news()
    await gateway.emit("offer", agent=1001)
    await gateway.emit("answer", agent=1001)
    status, answer = await session.poll(session_id=old)
    assert status == 200
    assert story(answer["events"]) == [
        "AgentSessionStart",
        "AgentState InboundContact",
        "AgentLeg Active",
        "CallContactEvent Active",
    ]
    assert all("ReferenceId" not in event for event in answer["events"])
    counts = simulator.ledger.counts()
    assert (counts[Fate.UNCERTAIN], counts[Fate.LOST]) == (1, 5)
    assert (await session.poll())[0] == 304


async def test_the_newest_id_goes_on_where_it_was(simulator: Simulator, gateway: Desk) -> None:
    session = await gateway.join(1001)
    await session.news()
    await gateway.emit("state", agent=1001, state="Available", count=3)
    assert story(await session.news()) == ["AgentState Available"] * 3
    assert (await session.poll())[0] == 304
    assert simulator.ledger.counts()[Fate.ACKNOWLEDGED] == 3


async def test_a_poll_waits_for_an_event(simulator: Simulator, gateway: Desk) -> None:
    session = await gateway.join(1001)
    await session.news()
    waiting = asyncio.create_task(session.poll(60), name="poll")
    await until(lambda: simulator.sessions.held == 1)
    await gateway.emit("state", agent=1001)
    status, answer = await waiting
    assert (status, story(answer["events"])) == (200, ["AgentState Available"])


@pytest.mark.parametrize("timeout", ["-1", "61", "soon", ""])
async def test_a_poll_needs_a_timeout_in_its_range(gateway: Desk, timeout: str) -> None:
    session = await gateway.join(1001)
    path = f"agent-sessions/{session.id}/get-next-event?timeout={timeout}"
    assert (await gateway.get(path))[0] == 400


@pytest.mark.parametrize("unknown", ["bcd", "not-an-id", "fcdsfcdsfcdsfc"])
async def test_an_unknown_session_gets_a_404(gateway: Desk, unknown: str) -> None:
    path = f"agent-sessions/{unknown}/get-next-event?timeout=0"
    assert (await gateway.get(path))[0] == 404


async def test_everybody_who_joined_has_an_own_id_and_hears_all_events(gateway: Desk) -> None:
    first, second = await gateway.join(1001), await gateway.join(1001)
    assert first.id != second.id
    await first.news()
    await second.news()
    await gateway.emit("state", agent=1001)
    assert story(await first.news()) == story(await second.news()) == ["AgentState Available"]


async def test_an_end_is_one_for_everybody(gateway: Desk) -> None:
    first, second = await gateway.join(1001), await gateway.join(1001)
    await first.news()
    await second.news()
    assert (await gateway.request("DELETE", f"agent-sessions/{first.id}"))[0] == 202
    for session in (first, second):
        assert story(await session.news()) == ["AgentSessionEnd"]
        assert (await session.poll())[0] == 409
    assert (await gateway.request("DELETE", f"agent-sessions/{first.id}"))[0] == 404
    assert (await gateway.post("agent-sessions/join", {"asAgentId": "1001"}))[0] == 409


async def test_a_slow_client_may_see_no_more_than_the_conflict() -> None:
    """After a while nothing of an ended session can be fetched."""
    settings = msgspec.structs.replace(QUIET, linger_seconds=0)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await session.news()
        await gateway.emit("log_out", agent=1001)
        running.sessions.sweep()
        assert (await session.poll())[0] == 409


async def test_an_administrator_ends_a_session_from_afar(gateway: Desk) -> None:
    session = await gateway.join(1001)
    await session.news()
    assert (await gateway.post("agents/1001/logout"))[0] == 202
    assert story(await session.news()) == ["RemoteAgentSessionEnd", "AgentSessionEnd"]
    assert (await session.poll())[0] == 409


async def test_open_contacts_keep_a_session_from_ending_unless_they_end_too(
    gateway: Desk,
) -> None:
    session = await gateway.join(1001)
    await gateway.emit("offer", agent=1001)
    path = f"agent-sessions/{session.id}"
    assert (await gateway.request("DELETE", path))[0] == 409
    assert (await gateway.request("DELETE", path, {"endContacts": True}))[0] == 202


async def test_who_starts_a_session_hears_it_from_the_beginning() -> None:
    settings = msgspec.structs.replace(QUIET, sessions_open=False)
    async with Simulator(settings) as running, desk(running.url, FIRST) as agent:
        session = await agent.start()
        assert story(await session.news()) == ["AgentSessionStart", "AgentState Unavailable"]
        assert (await agent.post("agent-sessions", {"stationId": "7"}))[0] == 409


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "InvalidPhoneNumberOrStation"),
        ({"stationId": "x"}, "Invalid parameter 'stationId', must be type Int32"),
        ({"stationId": "7", "inactivityTimeout": 10}, "Invalid parameter 'inactivityTimeout'"),
        ({"stationPhoneNumber": "+18015551002"}, "PhoneNumberInUse"),
    ],
)
async def test_a_start_is_refused_with_the_reason(
    simulator: Simulator, body: dict[str, object], text: str
) -> None:
    simulator.world.log_out(simulator.world.agents[1001])
    async with desk(simulator.url, FIRST) as agent:
        assert (await agent.post("agent-sessions", body))[0] == 400
        assert agent.reason == text


async def test_only_some_may_act_for_others(simulator: Simulator) -> None:
    async with desk(simulator.url, FIRST) as agent, desk(simulator.url) as gateway:
        assert (await agent.post("agent-sessions/join", {"asAgentId": "1002"}))[0] == 403
        assert (await agent.post("agent-sessions/join", {"asAgentId": ""}))[0] == 202
        other = await gateway.join(1002)
        path = f"agent-sessions/{other.id}/get-next-event?timeout=0"
        assert (await agent.get(path))[0] == 403


async def test_a_token_that_dies_in_a_held_poll_ends_it_with_a_401(
    simulator: Simulator, gateway: Desk
) -> None:
    session = await gateway.join(1001)
    await session.news()
    waiting = asyncio.create_task(session.poll(60), name="poll")
    await until(lambda: simulator.sessions.held == 1)
    simulator.commit(Fault(FaultKind.TOKEN_EXPIRY))
    assert (await waiting)[0] == 401


async def test_a_forgotten_session_is_unknown_and_another_one_is_there(
    simulator: Simulator, gateway: Desk
) -> None:
    session = await gateway.join(1001)
    await session.news()
    simulator.commit(Fault(FaultKind.SESSION_UNKNOWN))
    await until(lambda: session_is_gone(session))
    again = await gateway.join(1001)
    assert story(await again.news())[0] == "AgentSessionStart"


async def session_is_gone(session: Session) -> bool:
    return (await session.poll())[0] == 404


async def test_a_later_poll_of_a_client_ends_the_earlier_one(
    simulator: Simulator, gateway: Desk
) -> None:
    session = await gateway.join(1001)
    await session.news()
    earlier = asyncio.create_task(session.poll(60), name="earlier")
    await until(lambda: simulator.sessions.held == 1)
    later = asyncio.create_task(session.poll(60), name="later")
    assert (await earlier)[0] == 304
    await gateway.emit("state", agent=1001)
    assert (await later)[0] == 200


async def test_who_does_not_poll_is_forgotten() -> None:
    settings = msgspec.structs.replace(QUIET, idle_client_seconds=0.001)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await until(lambda: session_is_gone(session))


async def test_one_with_too_much_to_fetch_gets_the_present() -> None:
    settings = msgspec.structs.replace(QUIET, max_queue=5)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await session.news()
        await gateway.emit("state", agent=1001, count=6)
        assert story(await session.news()) == ["AgentSessionStart", "AgentState Available"]
        assert running.ledger.counts()[Fate.LOST] == 6


async def test_a_started_session_that_nobody_uses_ends_after_its_contacts() -> None:
    settings = msgspec.structs.replace(QUIET, sessions_open=False, acw_seconds=0)
    async with Simulator(settings) as running, desk(running.url, FIRST) as agent:
        session = await agent.start(inactivityTimeout=30)
        await session.news()
        await agent.emit("offer", agent=1001)
        await agent.emit("answer", agent=1001)
        running.world.agents[1001].session.timeout_seconds = 0  # type: ignore[union-attr] - just started
        running.sessions.sweep()
        await session.news()
        assert session.events[-1]["NextStates"] == [{"State": "Unavailable", "OutReason": ""}]
        await agent.emit("hang_up", agent=1001)
        running.sessions.sweep()
        await session.news()
        assert story(session.events)[-2:] == ["AgentState Unavailable", "AgentSessionEnd"]
