"""Interruptions that the platform does not bridge, under the real supervisor: one gap, and the state made good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect._simulated.model import STATUSES
from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.simulator import Simulator
from connectors.clarity_connect.vendor import SESSION_STATES, word
from gateway.clock import SystemClock
from gateway.journal import MemoryJournal
from gateway.lifecycle import StopSignal
from gateway.states import ConnectionState
from gateway.supervisor import Supervisor, SupervisorPolicy
from gateway.telemetry import Telemetry
from tests.connectors.clarity_connect.harness import connected_to, simulated
from tests.support.journals import memory_journal
from tests.support.waiting import until

WAIT_SECONDS = 40.0
AWAY_SECONDS = 60.0
OVER = frozenset({"ended", "completed", "cancelled"})
TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


class LaterClock(SystemClock):
    """The system's clock, some time ahead."""

    def __init__(self, ahead_seconds: float) -> None:
        self._ahead = ahead_seconds

    def now(self) -> datetime:
        """Later than now."""
        return super().now() + timedelta(seconds=self._ahead)


class Told(NamedTuple):
    """One event of the journal."""

    id: str
    noun: str
    verb: str
    data: dict[str, Any]
    provenance: str


class Record:
    """What the journal says happened, read further each time."""

    def __init__(self) -> None:
        self.journal: MemoryJournal = memory_journal()
        self._told: list[Told] = []
        self._position = 0

    async def events(self) -> list[Told]:
        """All of it, in order."""
        for stored in await self.journal.read(self._position, 1_000_000):
            noun, _, verb = stored.type.removeprefix("tieline.").removesuffix(".v1").partition(".")
            envelope = stored.envelope
            self._told.append(Told(envelope.id, noun, verb, stored.data(), envelope.provenance))
            self._position = stored.position
        return self._told

    async def references(self) -> set[str]:
        """References of the platform's messages that led to events."""
        natives = [event.data.get("native") for event in await self.events()]
        return {one["reference"] for one in natives if one and one.get("reference")}

    async def gaps(self) -> list[tuple[str, str]]:
        """What was told of gaps, and the reason, in order."""
        return [
            (event.verb.removeprefix("gap."), event.data["reason"])
            for event in await self.events()
            if event.noun == "feed" and event.verb.startswith("gap.")
        ]

    async def statuses(self) -> dict[str, str]:
        """The status that was last told of each agent."""
        return {
            event.data["agent"]: event.data["native_state"]
            for event in await self.events()
            if event.noun == "agent" and event.verb.startswith("state.")
        }

    async def open_sessions(self) -> set[str]:
        """Calls and interactions that were told and not told as over."""
        found: set[str] = set()
        for event in await self.events():
            if event.noun not in {"call", "interaction"}:
                continue
            session = event.data[event.noun]
            state = SESSION_STATES.get(word(event.data["native"].get("state", "")))
            if event.verb in OVER or state is ConnectionState.CLEARED:
                found.discard(session)
            else:
                found.add(session)
        return found


@asynccontextmanager
async def supervised(connector: ClarityConnect, record: Record) -> AsyncIterator[None]:
    """A supervisor at work; at the end it is cancelled, as a process that is killed."""
    supervisor = Supervisor(
        [connector],
        journal=record.journal,
        telemetry=Telemetry(CollectorRegistry()),
        clock=SystemClock(),
        policy=SupervisorPolicy(),
        stop=StopSignal(),
    )
    task = asyncio.create_task(supervisor.run(), name="supervisor")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def lived(simulator: Simulator, count: int) -> None:
    """Wait until so much more was published."""
    wanted = len(simulator.ledger) + count
    await until(lambda: len(simulator.ledger) >= wanted, seconds=WAIT_SECONDS)


async def made_good(simulator: Simulator, record: Record) -> None:
    """Nothing is missing of what follows the gap, and what the journal says is what the platform says."""
    await until(lambda: _closed(record), seconds=WAIT_SECONDS)
    mark = len(simulator.ledger)
    await lived(simulator, 100)
    simulator.lives.running = False
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
                simulator.url, clock=LaterClock(AWAY_SECONDS), transports=[transport]
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
