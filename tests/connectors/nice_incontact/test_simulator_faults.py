"""The simulated platform misbehaves on demand, and its oracle knows what that cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from connectors._simulation.ledger import Fate
from connectors.nice_incontact.simulator import Fault, FaultKind, Simulator, SimulatorSettings
from tests.support.nice_desk import Desk, Session, desk, story
from tests.support.waiting import until

QUIET = SimulatorSettings(agents=3, events_per_second=0)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def gateway(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator.url) as signed_in:
        yield signed_in


@pytest.fixture
async def session(gateway: Desk) -> Session:
    joined = await gateway.join(1001)
    await joined.news()
    return joined


async def test_a_stall_holds_what_was_published_until_it_ends(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    simulator.commit(Fault(FaultKind.STALL))
    await gateway.emit("state", agent=1001)
    assert (await session.poll())[0] == 304
    waiting = asyncio.create_task(session.poll(60), name="poll")
    await until(lambda: simulator.sessions.held == 1)
    simulator.pardon()
    assert story((await waiting)[1]["events"]) == ["AgentState Available"]


async def test_answers_come_late(simulator: Simulator, session: Session) -> None:
    simulator.commit(Fault(FaultKind.SLOW, delay_ms=50))
    began = time.monotonic()
    assert (await session.poll())[0] == 304
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("after", [False, True])
async def test_an_error_of_the_server_comes_before_or_after_the_work(
    simulator: Simulator, gateway: Desk, session: Session, *, after: bool
) -> None:
    """Before it nothing happened; after it the command was carried out, and a poll's events are gone."""
    fault = Fault(FaultKind.SERVER_ERROR, status=500, after_processing=after, target="rest")
    simulator.commit(fault)
    assert await session.command("state", {"state": "Available"}) == 500
    assert (simulator.world.agents[1001].state == "Available") is after
    await gateway.emit("state", agent=1001, state="Unavailable", reason="Lunch")
    simulator.commit(msgspec.structs.replace(fault, target="feed"))
    assert (await session.poll())[0] == 500
    told = story(await session.news())
    if after:
        assert told == ["AgentSessionStart", "AgentState Unavailable"]
        assert simulator.ledger.counts()[Fate.UNCERTAIN] == 2
    else:
        assert told == ["AgentState Unavailable"]
        assert simulator.ledger.counts()[Fate.UNCERTAIN] == 0


async def test_a_connection_is_dropped(simulator: Simulator, session: Session) -> None:
    """The client asks once more by itself, as it may with a GET on a connection that was kept; both are dropped."""
    simulator.commit(Fault(FaultKind.DROP, times=2))
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.poll()
    assert (await session.poll())[0] == 304


async def test_events_are_doubled_and_shuffled(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    simulator.commit(Fault(FaultKind.DUPLICATE))
    await gateway.emit("state", agent=1001)
    first, second = await session.news()
    assert first == second
    simulator.commit(Fault(FaultKind.REORDER))
    await gateway.emit("state", agent=1001, state="Unavailable", reason="Lunch")
    assert (await session.poll())[0] == 304
    await gateway.emit("state", agent=1001, state="Available")
    assert [one["CurrentState"] for one in await session.news()] == ["Available", "Unavailable"]


@pytest.mark.parametrize("form", ["text", "shape"])
async def test_an_answer_may_be_garbage_and_costs_nothing(
    simulator: Simulator, gateway: Desk, session: Session, form: str
) -> None:
    simulator.commit(msgspec.convert({"kind": "garbage", "form": form}, Fault))
    await gateway.emit("state", agent=1001)
    path = f"agent-sessions/{session.id}/get-next-event?timeout=0"
    url = f"{gateway.url}/inContactAPI/services/v23.0/{path}"
    headers = {"Authorization": f"bearer {gateway.token}"}
    async with gateway.http.get(url, headers=headers) as reply:
        assert b"AgentState" not in await reply.read()
    assert story(await session.news()) == ["AgentState Available"]


async def test_garbage_may_stand_between_good_events(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    simulator.commit(Fault(FaultKind.GARBAGE, form="mixed"))
    await gateway.emit("state", agent=1001)
    _, answer = await session.poll()
    assert len(answer["events"]) == 3
    assert answer["events"][1]["Type"] == "AgentState"


async def test_a_good_token_is_refused_where_that_is_wanted(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    simulator.commit(Fault(FaultKind.UNAUTHORIZED, service="get-next-event"))
    assert (await gateway.get("agents/states"))[0] == 200
    assert (await session.poll())[0] == 401
    assert (await session.poll())[0] == 304


async def test_sessions_end_all_at_once(simulator: Simulator, session: Session) -> None:
    simulator.commit(Fault(FaultKind.SESSION_EXPIRY))
    await session.until("AgentSessionEnd")
    assert (await session.poll())[0] == 409


async def test_a_restart_forgets_all_sessions(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    simulator.commit(Fault(FaultKind.SERVER_RESTART))

    async def unknown() -> bool:
        return (await session.poll())[0] == 404

    await until(unknown)
    again = await gateway.join(1001)
    assert story(await again.news()) == ["AgentSessionStart", "AgentState Unavailable"]


async def test_a_fault_may_concern_one_agent_only(
    simulator: Simulator, gateway: Desk, session: Session
) -> None:
    other = await gateway.join(1002)
    await other.news()
    fault = {"kind": "server_error", "status": 500, "agent": "agent0002@example.com"}
    simulator.commit(msgspec.convert(fault, Fault))
    assert (await session.poll())[0] == 304
    assert (await other.poll())[0] == 500
