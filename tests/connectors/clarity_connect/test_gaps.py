"""Interruptions that the platform does not bridge, under the real supervisor: one gap, and the state made good."""

from __future__ import annotations

import time

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect._simulated.model import STATUSES
from connectors.clarity_connect.simulator import Simulator
from connectors.clarity_connect.vendor import SESSION_STATES, word
from gateway.states import ConnectionState
from tests.connectors.clarity_connect.harness import connected_to, simulated
from tests.connectors.clarity_connect.supervised import WAIT_SECONDS, Record, lived, supervised
from tests.support.clock import ShiftedClock
from tests.support.waiting import until

AWAY_SECONDS = 60.0
TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


async def made_good(simulator: Simulator, record: Record) -> None:
    """Nothing is missing of what follows the gap, and what the journal says is what the platform says."""
    await until(lambda: _closed(record), seconds=WAIT_SECONDS)
    mark = len(simulator.ledger)
    await lived(simulator, 100)
    simulator.lives.stopped = True
    world = simulator.world

    async def arrived() -> bool:
        entries = simulator.ledger.since(mark, 1_000_000)
        return {entry.id for entry in entries if entry.resumable} <= await record.references()

    async def statuses_agree() -> bool:
        told = await record.statuses()
        return told == {str(one.id): STATUSES[one.status_id] for one in world.agents.values()}

    async def sessions_agree() -> bool:
        active = {
            str(one.id)
            for one in world.sessions.values()
            if SESSION_STATES[word(one.status)] is not ConnectionState.CLEARED
        }
        return await record.open_sessions() == active

    for condition in (arrived, statuses_agree, sessions_agree):
        await until(condition, seconds=WAIT_SECONDS)
    ids = [event.id for event in await record.events()]
    assert len(set(ids)) == len(ids)


async def _closed(record: Record) -> bool:
    return "closed" in dict(await record.gaps())


@each_transport
async def test_away_for_longer_than_the_platform_waits(transport: str) -> None:
    """Killed, and back when the platform has given the connection up."""
    record = Record()
    async with simulated(events_per_second=150) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 200)
        await lived(simulator, 100)
        simulator.signalr.monotonic = lambda: time.monotonic() + AWAY_SECONDS
        simulator.signalr.sweep()
        assert simulator.signalr.sessions == []
        async with (
            connected_to(
                simulator.url, clock=ShiftedClock(AWAY_SECONDS), transports=[transport]
            ) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "expired"), ("closed", "expired")]


@each_transport
async def test_the_server_begins_anew_while_connected(transport: str) -> None:
    """Its process ends under the feed: other cursors, no connections, no subscriptions."""
    record = Record()
    async with (
        # A poll that finds nothing any more learns of it when it ends.
        simulated(events_per_second=150, connection_timeout_seconds=5) as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        supervised(connector, record),
    ):
        await lived(simulator, 200)
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        await made_good(simulator, record)
    assert await record.gaps() == [("opened", "server_restarted"), ("closed", "server_restarted")]


@each_transport
async def test_the_server_begins_anew_while_away(transport: str) -> None:
    """Back within the time that the platform waits, and yet nothing is left of the connection."""
    record = Record()
    async with simulated(events_per_second=150) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 200)
        await lived(simulator, 50)
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "server_restarted"), ("closed", "server_restarted")]


@each_transport
async def test_the_ring_runs_over_while_away(transport: str) -> None:
    """More was published than the server keeps: the connection goes on, and the hole is found by the cursor."""
    record = Record()
    async with simulated(events_per_second=150, buffer_size=200) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 100)
        await lived(simulator, 400)
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "buffer_full"), ("closed", "buffer_full")]
    (closed,) = [event for event in await record.events() if event.verb == "gap.closed"]
    assert closed.data["unrecovered"] > 0
