"""A connector under the real supervisor, with a journal in memory, and what a reader of it believes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.simulator import Simulator
from connectors.clarity_connect.vendor import SESSION_STATES, word
from gateway.clock import SystemClock
from gateway.feed_runner import SupervisorPolicy
from gateway.journal import MemoryJournal
from gateway.lifecycle import StopSignal
from gateway.states import ConnectionState
from gateway.supervisor import FeedRunner, Supervisor
from gateway.telemetry import Telemetry
from tests.support.journals import memory_journal
from tests.support.waiting import until

WAIT_SECONDS = 40.0
OVER = frozenset({"ended", "completed", "cancelled"})


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
async def supervised(connector: ClarityConnect, record: Record) -> AsyncIterator[FeedRunner]:
    """A supervisor at work over the feed; at the end it is cancelled, as a process that is killed."""
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
        yield supervisor.runners[0]
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def lived(simulator: Simulator, count: int) -> None:
    """Wait until so much more was published."""
    wanted = len(simulator.ledger) + count
    await until(lambda: len(simulator.ledger) >= wanted, seconds=WAIT_SECONDS)
