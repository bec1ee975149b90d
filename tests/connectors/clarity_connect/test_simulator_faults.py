"""The faults that the simulated server commits on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from connectors._simulation.ledger import Fate
from connectors.clarity_connect.simulator import Simulator
from tests.support.clarity_desk import QUIET, Desk, Feed, desk
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import TRANSPORTS, StreamClosed


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(msgspec.structs.replace(QUIET, keep_alive_seconds=0.1)) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator) as sat_down:
        yield sat_down


@pytest.fixture(params=TRANSPORTS)
async def feed(request: pytest.FixtureRequest, supervisor: Desk) -> AsyncIterator[Feed]:
    async with supervisor.feed(request.param) as running:
        await running.subscribe("agents?agentIds=101")
        await running.next("onAgents")
        yield running


async def commit(supervisor: Desk, kind: str, **fields: Any) -> None:
    url = f"{supervisor.simulator.url}/sim/faults"
    async with supervisor.http.post(url, json={"kind": kind, **fields}) as response:
        assert response.status == 200, await response.text()


async def change(supervisor: Desk, status: str = "available") -> None:
    await supervisor.emit("status", agent="agent0001", status=status)


def changes(frame: dict[str, Any]) -> list[str]:
    return [one["A"][1]["currentStatus"]["agentStatus"] for one in frame.get("M", ())]


async def test_a_restart_cuts_streams_and_forgets_subscriptions(
    supervisor: Desk, feed: Feed, simulator: Simulator
) -> None:
    """The old token opens a stream again, on which nothing old comes, and the cursor's prefix is another."""
    before = feed.client.cursor
    reading = asyncio.create_task(feed.stream.frame())
    await eventually(lambda: simulator.signalr.held == 1)
    await commit(supervisor, "server_restart")
    with pytest.raises(StreamClosed):
        await reading
    assert simulator.subscriptions.all == {}
    async with feed.client.opened("reconnect") as stream:
        again = Feed(supervisor, feed.client, stream)
        opening = asyncio.create_task(stream.frame())
        await eventually(lambda: simulator.signalr.held == 1)
        await again.subscribe("agents?agentIds=101")
        assert changes(await opening) == ["loggedOut"]
    assert feed.client.cursor[:11] != before[:11]


async def test_an_overflow_lets_an_index_jump(supervisor: Desk, feed: Feed) -> None:
    before = positions(feed.client.cursor)
    await commit(supervisor, "ring_overflow")
    await eventually(lambda: supervisor.simulator.agenda.failure is None)
    await change(supervisor)
    await feed.next("onAgents")
    after = positions(feed.client.cursor)
    assert sum(after.values()) - sum(before.values()) > 2000


def positions(cursor: str) -> dict[str, int]:
    pairs = [part.split(",") for part in cursor.split("-", 2)[2].split("|")]
    return {name: int(index, 16) for name, index in pairs}


async def test_what_an_overflow_throws_out_is_lost_by_the_platform(
    supervisor: Desk, feed: Feed, simulator: Simulator
) -> None:
    await commit(supervisor, "stall")
    await change(supervisor)
    await commit(supervisor, "ring_overflow")
    await eventually(lambda: simulator.ledger.counts()[Fate.LOST] == 1)
    assert feed.client.cursor


async def test_a_stall_delays(supervisor: Desk, feed: Feed) -> None:
    await commit(supervisor, "stall", for_seconds=0.3)
    await change(supervisor)
    started = asyncio.get_running_loop().time()
    await feed.next("onAgents")
    assert asyncio.get_running_loop().time() - started > 0.2


async def test_a_stall_that_discards_loses(
    supervisor: Desk, feed: Feed, simulator: Simulator
) -> None:
    await commit(supervisor, "stall", for_seconds=60, discard=True)
    await change(supervisor)
    async with supervisor.http.delete(f"{simulator.url}/sim/faults") as response:
        assert len((await response.json())["cleared"]) == 1
    await change(supervisor, "atLunch")
    _, news = await feed.next("onAgents")
    assert news["currentStatus"]["agentStatus"] == "atLunch"
    assert simulator.ledger.counts()[Fate.LOST] == 1


async def test_garbage_comes_and_the_messages_after_it(supervisor: Desk, feed: Feed) -> None:
    await commit(supervisor, "garbage", form="shape")
    await change(supervisor)
    statuses: list[str] = []
    async with asyncio.timeout(5):
        while not statuses:
            frame = await feed.stream.read()
            if isinstance(frame, dict):
                statuses += changes(feed.client.remember(frame))
    assert statuses == ["available"]


async def test_broken_invocations_stand_between_good_ones(supervisor: Desk, feed: Feed) -> None:
    await commit(supervisor, "garbage", form="mixed")
    await change(supervisor)
    entries: list[Any] = []
    while not entries:
        entries = (await feed.stream.frame()).get("M", [])
    assert len(entries) == 3
    assert entries[1]["A"][1]["currentStatus"]["agentStatus"] == "available"


async def test_a_disconnected_client_may_come_back_but_its_subscriptions_are_gone(
    supervisor: Desk, feed: Feed, simulator: Simulator
) -> None:
    await commit(supervisor, "session_expiry", agent="gateway")
    await eventually(lambda: not simulator.subscriptions.all)
    await change(supervisor)
    async with feed.client.opened("reconnect") as stream:
        marked = Feed(supervisor, feed.client, stream)
        waiting = asyncio.create_task(marked.next("marker"))
        await eventually(lambda: simulator.signalr.held == 1)
        await supervisor.emit("message", method="marker", data={})
        await waiting


@pytest.mark.parametrize("status", [500, 503])
async def test_requests_fail_with_the_status_asked_for(
    supervisor: Desk, simulator: Simulator, status: int
) -> None:
    await commit(supervisor, "server_error", status=status, target="rest")
    url = f"{simulator.url}/webapi/api/v2/profile"
    for expected in (status, 200):
        async with supervisor.http.get(url, headers=supervisor.headers) as response:
            assert response.status == expected


async def test_a_command_may_be_carried_out_and_its_answer_withheld(
    supervisor: Desk, simulator: Simulator
) -> None:
    await commit(supervisor, "server_error", status=502, target="rest", after_processing=True)
    url = f"{simulator.url}/webapi/api/v2/agentStatus/update/101"
    body = {"agentStatusId": 17}
    async with supervisor.http.post(url, json=body, headers=supervisor.headers) as response:
        assert response.status == 502
    assert simulator.world.agents[101].status_id == 17
