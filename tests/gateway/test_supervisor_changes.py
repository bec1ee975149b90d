"""Connectors that come and go while the supervisor runs; those that stay notice nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from gateway.feed_runner import SupervisorPolicy
from gateway.lifecycle import StopSignal
from gateway.states import FeedState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal
from tests.support.scripted import ScriptedConnector, ScriptedFeed
from tests.support.waiting import until

POLICY = SupervisorPolicy(drain_seconds=0.05, close_seconds=0.05)


class Site:
    """A supervisor, its journal and its metrics."""

    def __init__(self) -> None:
        self.journal = memory_journal()
        self.metrics = CollectorRegistry()
        self.stop = StopSignal()
        self.supervisor = Supervisor(
            journal=self.journal,
            telemetry=Telemetry(self.metrics),
            clock=LeapingClock(),
            policy=POLICY,
            stop=self.stop,
        )

    def counted(self, connector: str) -> dict[str, float]:
        """The connector's feeds by state, as the metrics count them."""
        return {
            sample.labels["state"]: sample.value
            for family in self.metrics.collect()
            for sample in family.samples
            if sample.name == "tieline_feeds"
            and sample.labels["connector"] == connector
            and sample.value
        }


@asynccontextmanager
async def running(*connectors: ScriptedConnector) -> AsyncIterator[Site]:
    site = Site()
    for connector in connectors:
        site.supervisor.add(connector)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(site.supervisor.run(), name="supervisor")
        yield site
        site.stop.request("test")


async def test_a_connector_that_comes_later_is_connected_at_once() -> None:
    feed = ScriptedFeed("late/a1")
    async with running() as site:
        await asyncio.sleep(0)
        site.supervisor.add(ScriptedConnector("late", [feed]))
        await until(lambda: site.supervisor.states()[FeedState.CONNECTED] == 1)
        assert site.counted("late") == {"connected": 1}
    assert site.supervisor.states() == {FeedState.STOPPED: 1}


async def test_a_connector_that_goes_is_drained_and_another_keeps_its_session() -> None:
    leaving, staying = ScriptedFeed("gone/a1"), ScriptedFeed("kept/a1")
    async with running(
        ScriptedConnector("gone", [leaving]), ScriptedConnector("kept", [staying])
    ) as site:
        await until(lambda: site.supervisor.states()[FeedState.CONNECTED] == 2)
        leaving.give(1, resume=b"last")
        await until(lambda: leaving.committed)
        await site.supervisor.remove("gone")
        assert [runner.feed.name for runner in site.supervisor.runners] == ["kept/a1"]
        assert site.counted("gone") == {}
        staying.give(2)
        await until(lambda: staying.committed)
        assert staying.connected_with == [None]
    assert await site.journal.resume("gone/a1") == b"last"


async def test_a_feed_that_does_not_drain_is_cancelled() -> None:
    """The one who waits for the change gets an answer all the same."""
    feed = ScriptedFeed("stuck/a1")
    async with running(ScriptedConnector("stuck", [feed])) as site:
        await until(lambda: site.supervisor.states()[FeedState.CONNECTED] == 1)
        commit = asyncio.get_running_loop().create_future()

        async def never(_delivery: object) -> None:
            await commit

        feed.commit = never  # type: ignore[method-assign, assignment]  # a platform that hangs
        feed.give(1)
        await until(feed.inbox.empty)
        await site.supervisor.remove("stuck")
        assert site.supervisor.runners == []


async def test_a_name_is_free_again_when_its_connector_has_gone() -> None:
    async with running(ScriptedConnector("main", [ScriptedFeed("main/a1")])) as site:
        await site.supervisor.remove("main")
        site.supervisor.add(ScriptedConnector("main", [ScriptedFeed("main/a2")]))
        await until(lambda: site.supervisor.states()[FeedState.CONNECTED] == 1)
        with pytest.raises(KeyError):
            await site.supervisor.remove("other")
