"""The real supervisor over one connector, with a journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.backoff import BackoffPolicy
from gateway.clock import SystemClock
from gateway.contracts import Connector, Journal
from gateway.events import StoredEvent
from gateway.feed_runner import FeedRunner, SupervisorPolicy
from gateway.lifecycle import StopSignal
from gateway.states import FeedState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from tests.support.journals import memory_journal
from tests.support.waiting import until

GAP = ("tieline.feed.gap.opened.v1", "tieline.feed.gap.closed.v1")


class Supervised:
    """A supervisor over one connector, and what it has put into the journal."""

    def __init__(
        self, connector: Connector, journal: Journal, telemetry: Telemetry | None = None
    ) -> None:
        self.journal = journal
        self.stop = StopSignal()
        self.supervisor = Supervisor(
            [connector],
            journal=journal,
            telemetry=telemetry or Telemetry(CollectorRegistry()),
            clock=SystemClock(),
            policy=SupervisorPolicy(
                backoff=BackoffPolicy(base_seconds=0.05, cap_seconds=0.2),
                auth_backoff=BackoffPolicy(base_seconds=0.1, cap_seconds=0.5),
            ),
            stop=self.stop,
        )

    @property
    def runner(self) -> FeedRunner:
        """The first feed's."""
        return self.supervisor.runners[0]

    async def events(self) -> list[StoredEvent]:
        """Everything journalled, in order."""
        return list(await self.journal.read(0, 100_000))

    async def of(self, *types: str) -> list[StoredEvent]:
        """The events of these types, written without prefix and version."""
        wanted = {f"tieline.{name}.v1" for name in types}
        return [event for event in await self.events() if event.type in wanted]

    async def has(self, *names: str, **fields: Any) -> StoredEvent:
        """Wait for an event of one of these types whose data has these fields."""
        found: list[StoredEvent] = []

        async def look() -> bool:
            found[:] = [
                event
                for event in await self.of(*names)
                if all(event.data().get(key) == value for key, value in fields.items())
            ]
            return bool(found)

        await until(look)
        return found[0]

    async def assert_whole(self, *, gaps: int) -> None:
        """So many pairs of gap events, each closed, and no event twice."""
        events = await self.events()
        ids = [event.envelope.id for event in events]
        assert len(ids) == len(set(ids))
        opened, closed = ([e for e in events if e.type == name] for name in GAP)
        assert (len(opened), len(closed)) == (gaps, gaps)
        for one, other in zip(opened, closed, strict=True):
            assert one.position < other.position


@asynccontextmanager
async def supervised(
    connecting: AbstractAsyncContextManager[Connector],
    journal: Journal | None = None,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[Supervised]:
    """A connector under supervision, whose feeds are all connected."""
    async with connecting as connector:
        run = Supervised(connector, journal or memory_journal(), telemetry)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.supervisor.run(), name="supervisor")
            await until(
                lambda: all(each.state is FeedState.CONNECTED for each in run.supervisor.runners),
                seconds=30,
            )
            yield run
            run.stop.request("test")
