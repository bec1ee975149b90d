"""The supervisor: the order of append and acknowledgement, reconnecting, gaps, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from gateway.contracts import Delivery, Gap, Journal, Link
from gateway.errors import AuthRejected, ConfigError, NotConnected, NotReady, Reason
from gateway.events import Provenance
from gateway.feed_runner import FeedRunner, SupervisorPolicy
from gateway.lifecycle import StopSignal
from gateway.states import FeedState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal
from tests.support.scripted import (
    ReconcilingConnector,
    ScriptedConnector,
    ScriptedFeed,
    call_event,
)
from tests.support.waiting import until


class Running:
    """A supervisor at work over one connector."""

    def __init__(self, connector: ScriptedConnector, journal: Journal) -> None:
        self.clock = LeapingClock()
        self.stop = StopSignal()
        self.metrics = CollectorRegistry()
        self.journal = journal
        self.supervisor = Supervisor(
            [connector],
            journal=journal,
            telemetry=Telemetry(self.metrics),
            clock=self.clock,
            policy=SupervisorPolicy(),
            stop=self.stop,
        )

    @property
    def runner(self) -> FeedRunner:
        """The first feed's."""
        return self.supervisor.runners[0]

    async def types(self) -> list[str]:
        """Short names of all journalled events, in order."""
        events = await self.journal.read(0, 10_000)
        return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]


@asynccontextmanager
async def running(
    connector: ScriptedConnector, journal: Journal | None = None
) -> AsyncIterator[Running]:
    run = Running(connector, journal or memory_journal())
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run.supervisor.run())
        yield run
        run.stop.request("test")
        await task


async def test_events_are_acknowledged_only_after_the_journal_has_them() -> None:
    feed = ScriptedFeed()
    journal = memory_journal()
    order: list[str] = []
    append, commit = journal.append, feed.commit

    async def watched_append(*args: object) -> object:
        done = await append(*args)  # type: ignore[arg-type]  # the spy passes on what it got
        order.append("append")
        return done

    async def watched_commit(delivery: Delivery) -> None:
        order.append("commit")
        await commit(delivery)

    journal.append = watched_append  # type: ignore[method-assign, assignment]
    feed.commit = watched_commit  # type: ignore[method-assign]
    async with running(ScriptedConnector(feeds=[feed]), journal):
        delivery = feed.give(1, 2, resume=b"state")
        await until(lambda: feed.committed)
        assert feed.committed == [delivery]
    assert order[:3] == ["append", "append", "commit"]  # feed.connected first
    assert await journal.resume("main/a1") == b"state"


async def test_a_delivery_without_a_state_leaves_the_stored_one() -> None:
    """Its events are journalled, counted and acknowledged all the same; the next process reads them once more."""
    feed = ScriptedFeed()
    journal = memory_journal()
    async with running(ScriptedConnector(feeds=[feed]), journal) as run:
        feed.give(1, resume=b"state")
        feed.give(2, resume=None)
        await until(lambda: len(feed.committed) == 2)
        assert run.runner.events == 2
    assert await journal.resume("main/a1") == b"state"


async def test_a_feed_resumes_from_what_the_journal_remembers() -> None:
    journal = memory_journal()
    await journal.append("main/a1", [call_event(1)], b"remembered")
    feed = ScriptedFeed()
    async with running(ScriptedConnector(feeds=[feed]), journal):
        await until(lambda: feed.connected_with)
    assert feed.connected_with == [b"remembered"]


async def test_a_lost_link_is_told_and_connected_again_with_the_newest_state() -> None:
    feed = ScriptedFeed()
    async with running(ScriptedConnector(feeds=[feed])) as run:
        feed.give(1, resume=b"one")
        feed.inbox.put_nowait(NotConnected("reset by peer"))
        feed.give(2, resume=b"two")
        await until(lambda: len(feed.committed) == 2)
        assert await run.types() == [
            "feed.connected",
            "call.held",
            "feed.disconnected",
            "feed.connected",
            "call.held",
        ]
    assert feed.connected_with == [None, b"one"]


async def test_the_wait_grows_with_failures_and_honours_what_the_platform_asks() -> None:
    feed = ScriptedFeed()
    feed.connects = [NotReady("busy", retry_after_seconds=20.0), NotConnected("refused")]
    async with running(ScriptedConnector(feeds=[feed])) as run:
        await until(lambda: run.runner.state is FeedState.CONNECTED)
        waits = [seconds for seconds in run.clock.slept if seconds > 0.05]
    assert waits[0] >= 20.0
    assert len(feed.connected_with) == 3


async def test_refused_credentials_are_tried_rarely() -> None:
    feed = ScriptedFeed()
    feed.connects = [AuthRejected("wrong password")] * 6
    async with running(ScriptedConnector(feeds=[feed])) as run:
        await until(lambda: run.runner.state is FeedState.CONNECTED)
        assert sum(run.clock.slept) > 15.0


async def test_a_configuration_error_gives_the_feed_up_and_leaves_the_others_alone() -> None:
    broken, sound = ScriptedFeed("main/broken"), ScriptedFeed("main/sound")
    broken.connects = [ConfigError("no such topic")]
    async with running(ScriptedConnector(feeds=[broken, sound])) as run:
        sound.give(1)
        await until(lambda: sound.committed)
        states = [runner.state for runner in run.supervisor.runners]
        assert states == [FeedState.FAILED, FeedState.CONNECTED]
    assert len(broken.connected_with) == 1


async def test_a_defect_in_one_feed_is_survived(capsys: pytest.CaptureFixture[str]) -> None:
    feed = ScriptedFeed()
    feed.connects = [ZeroDivisionError("a bug")]
    async with running(ScriptedConnector(feeds=[feed])):
        feed.give(1)
        await until(lambda: feed.committed)
    assert len(feed.connected_with) == 2
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_gap_becomes_one_pair_of_events_around_what_came() -> None:
    feed = ScriptedFeed()
    gap = Gap(key="old-session", reason="session_lost")
    async with running(ScriptedConnector(feeds=[feed])) as run:
        feed.give(1, gap=gap)
        await until(lambda: feed.committed)
        assert await run.types() == [
            "feed.connected",
            "feed.gap.opened",
            "call.held",
            "feed.gap.closed",
        ]
        closed = (await run.journal.read(0, 10))[-1].data()
    assert closed["reason"] == "session_lost"
    assert closed["unrecovered"] is None
    assert closed["recovered"] == 0


async def test_the_same_gap_noticed_again_after_a_crash_stays_one_pair() -> None:
    journal = memory_journal()
    gap = Gap(key="old-session", reason="session_lost")
    for _ in range(2):
        feed = ScriptedFeed()
        async with running(ScriptedConnector(feeds=[feed]), journal) as run:
            feed.give(1, gap=gap)
            await until(lambda feed=feed: feed.committed)
    types = await run.types()
    assert types.count("feed.gap.opened") == 1
    assert types.count("feed.gap.closed") == 1


async def test_after_a_gap_the_snapshot_is_told_before_the_gap_closes() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [[call_event(99, verb="ended")]]
    async with running(connector) as run:
        feed.give(1, gap=Gap(key="k", reason="session_lost"))
        await until(lambda: feed.committed)
        assert (await run.types())[1:] == [
            "feed.gap.opened",
            "call.held",
            "call.ended",
            "feed.gap.closed",
        ]
        assert (await run.journal.read(0, 10))[-1].data()["recovered"] == 1


async def test_what_the_feed_compared_counts_as_recovered_and_what_is_said_again_does_not() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    statement = replace(call_event(3), type="tieline.agent.state.snapshot.v1")
    connector.snapshots = [[statement, call_event(4, verb="ended")]]
    compared = replace(call_event(2), provenance=Provenance.RECONCILED)
    async with running(connector) as run:
        gap = Gap(key="k", reason="not_polled")
        feed.inbox.put_nowait(Delivery(events=(call_event(1), compared), resume=b"r", gap=gap))
        await until(lambda: feed.committed)
        assert (await run.journal.read(0, 10))[-1].data()["recovered"] == 2


async def test_a_failed_snapshot_acknowledges_nothing() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [NotConnected("down"), []]
    async with running(connector):
        feed.give(1, resume=b"new", gap=Gap(key="k", reason="session_lost"))
        await until(lambda: len(feed.connected_with) == 2)
        assert feed.committed == []
        feed.give(1, resume=b"new", gap=Gap(key="k", reason="session_lost"))
        await until(lambda: feed.committed)


async def test_a_stop_drains_the_feed_and_keeps_what_the_drain_gave() -> None:
    feed = ScriptedFeed()
    feed.final = Delivery(events=(call_event(7),), resume=b"clean")
    journal = memory_journal()
    async with running(ScriptedConnector(feeds=[feed]), journal) as run:
        await until(lambda: run.runner.state is FeedState.CONNECTED)
    assert feed.drained == 1
    assert feed.committed == [feed.final]
    assert await journal.resume("main/a1") == b"clean"
    assert (await run.types())[-1] == "feed.disconnected"
    assert run.runner.state is FeedState.STOPPED


async def test_a_stop_ends_the_wait_for_a_feed_that_cannot_connect() -> None:
    feed = ScriptedFeed()
    stuck = asyncio.Event()

    async def never(_resume: bytes | None) -> Link:
        await stuck.wait()
        raise AssertionError

    feed.connect = never  # type: ignore[method-assign]
    async with running(ScriptedConnector(feeds=[feed])) as run:
        await until(lambda: run.runner.state is FeedState.CONNECTING)
    assert feed.closed
    assert feed.drained == 0


async def test_a_full_journal_holds_back_acknowledgement_until_there_is_room() -> None:
    feed = ScriptedFeed()
    journal = memory_journal(max_bytes=1_500)
    await journal.commit("slow", 0)
    async with running(ScriptedConnector(feeds=[feed]), journal) as run:
        for number in range(4):
            feed.give(number)
        await until(lambda: run.runner.state is FeedState.JOURNAL_FULL)
        acknowledged = len(feed.committed)
        assert acknowledged < 4

        async def all_after_the_consumer_caught_up() -> bool:
            await journal.commit("slow", journal.statistics().last_position)
            return len(feed.committed) == 4

        await until(all_after_the_consumer_caught_up)
        assert run.runner.state is FeedState.CONNECTED


async def test_metrics_name_the_connector_and_never_the_feed() -> None:
    feed = ScriptedFeed("main/alice")
    async with running(ScriptedConnector(feeds=[feed])) as run:
        feed.give(1)
        await until(lambda: feed.committed)
        feed.inbox.put_nowait(NotConnected("reset", reason=Reason.RESET))
        await until(lambda: len(feed.connected_with) == 2)
        labels = [
            value
            for family in run.metrics.collect()
            for sample in family.samples
            for value in sample.labels.values()
        ]
        lost = run.metrics.get_sample_value(
            "tieline_feed_disconnects_total", {"connector": "main", "reason": "reset"}
        )
    assert lost == 1
    assert not any("alice" in label for label in labels)
