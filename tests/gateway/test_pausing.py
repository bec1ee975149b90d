"""A paused connector reads nothing, keeps its session, and stays paused over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from gateway.contracts import Delivery
from gateway.errors import NotReady
from gateway.feed_runner import FeedRunner, SupervisorPolicy
from gateway.journal import MemoryJournal
from gateway.lifecycle import StopSignal
from gateway.pausing import NAMESPACE, ConnectorPauses
from gateway.states import FeedState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal
from tests.support.scripted import ScriptedConnector, ScriptedFeed, call_event
from tests.support.waiting import until


class Site:
    """A supervisor over some connectors, and the switches of their pauses."""

    def __init__(self, journal: MemoryJournal, *connectors: ScriptedConnector) -> None:
        self.journal = journal
        self.stop = StopSignal()
        self.metrics = CollectorRegistry()
        clock, telemetry = LeapingClock(), Telemetry(self.metrics)
        names = [connector.name for connector in connectors]
        self.pauses = ConnectorPauses(names, journal=journal, telemetry=telemetry, clock=clock)
        self.supervisor = Supervisor(
            connectors,
            journal=journal,
            telemetry=telemetry,
            clock=clock,
            policy=SupervisorPolicy(),
            stop=self.stop,
            pauses=self.pauses,
        )

    def runner(self, connector: str) -> FeedRunner:
        """The connector's feed."""
        (found,) = [one for one in self.supervisor.runners if one.connector.name == connector]
        return found

    def shown(self, connector: str) -> float | None:
        """The metric."""
        return self.metrics.get_sample_value("tieline_connector_paused", {"connector": connector})


@asynccontextmanager
async def running(journal: MemoryJournal, *connectors: ScriptedConnector) -> AsyncIterator[Site]:
    site = Site(journal, *connectors)
    await site.pauses.restore()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(site.supervisor.run())
        yield site
        site.stop.request("test")
        await task


def connector(name: str) -> tuple[ScriptedConnector, ScriptedFeed]:
    feed = ScriptedFeed(f"{name}/a1")
    return ScriptedConnector(name, [feed]), feed


async def test_a_paused_connector_drains_lets_go_and_says_so() -> None:
    """What the platform holds is fetched, the feed is closed, and the journal tells why."""
    main, feed = connector("main")
    feed.final = Delivery(events=(call_event(2),), resume=b"drained")
    async with running(memory_journal(), main) as site:
        feed.give(1)
        await until(lambda: feed.committed)
        await site.pauses.pause("main")
        await until(lambda: site.runner("main").state is FeedState.PAUSED)
        assert (feed.drained, feed.closed, len(feed.committed)) == (1, 1, 2)
        assert site.runner("main").session is None
        assert site.shown("main") == 1.0
    events = await site.journal.read(0, 100)
    assert events[-1].type == "tieline.feed.disconnected.v1"
    assert events[-1].data()["reason"] == "paused"


async def test_other_connectors_go_on() -> None:
    """A pause is one connector's."""
    (main, _), (other, feed) = connector("main"), connector("other")
    async with running(memory_journal(), main, other) as site:
        await site.pauses.pause("main")
        await until(lambda: site.runner("main").state is FeedState.PAUSED)
        feed.give(1)
        await until(lambda: feed.committed)
        assert site.runner("other").state is FeedState.CONNECTED


async def test_a_resumed_connector_goes_on_with_its_session() -> None:
    """From the resume state of the last delivery."""
    main, feed = connector("main")
    async with running(memory_journal(), main) as site:
        feed.give(1, resume=b"first")
        await until(lambda: feed.committed)
        await site.pauses.pause("main")
        await until(lambda: site.runner("main").state is FeedState.PAUSED)
        await site.pauses.resume("main")
        await until(lambda: site.runner("main").state is FeedState.CONNECTED)
        assert feed.connected_with == [None, b"first"]
        assert site.shown("main") == 0.0


async def test_a_feed_that_backs_off_pauses_at_once() -> None:
    """The pause does not wait for the next attempt."""
    main, feed = connector("main")
    feed.connects = [NotReady("busy", retry_after_seconds=3600.0)]
    journal = memory_journal()
    site = Site(journal, main)
    held = asyncio.Event()

    async def hold(_seconds: float) -> None:
        await held.wait()

    site.runner("main")._clock.sleep = hold  # type: ignore[method-assign]  # this one does not leap
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(site.supervisor.run())
        await until(lambda: site.runner("main").state is FeedState.BACKING_OFF)
        await site.pauses.pause("main")
        await until(lambda: site.runner("main").state is FeedState.PAUSED)
        site.stop.request("test")
        await task


async def test_a_pause_outlives_the_process() -> None:
    """Nothing is connected at the start; resuming connects."""
    journal = memory_journal()
    main, _ = connector("main")
    async with running(journal, main) as site:
        await site.pauses.pause("main")
    again, feed = connector("main")
    async with running(journal, again) as site:
        await until(lambda: site.runner("main").state is FeedState.PAUSED)
        assert feed.connected_with == []
        assert site.pauses.switch("main").since is not None
        await site.pauses.resume("main")
        await until(lambda: feed.connected_with)
    assert await journal.items(NAMESPACE) == []


async def test_the_pause_of_a_connector_that_is_no_more_is_forgotten() -> None:
    """One that is configured again later does not begin paused for a reason that nobody remembers."""
    journal = memory_journal()
    (main, _), (other, _) = connector("main"), connector("other")
    async with running(journal, main) as site:
        await site.pauses.pause("main")
    async with running(journal, other):
        assert await journal.items(NAMESPACE) == []


async def test_pausing_twice_keeps_the_first_moment() -> None:
    """And an unknown connector is an error of the caller."""
    main, _ = connector("main")
    async with running(memory_journal(), main) as site:
        await site.pauses.pause("main")
        since = site.pauses.switch("main").since
        await site.pauses.pause("main")
        assert site.pauses.switch("main").since is since
        with pytest.raises(KeyError):
            await site.pauses.pause("nobody")
