"""The watcher and the supervisor together: a quiet feed is told, woken and compared; anomalies are followed up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from gateway.contracts import Delivery, Journal, Link
from gateway.events import CATALOGUE, Event, Provenance, event_id, source_of
from gateway.events.agents import AgentStateData
from gateway.feed_receptions import NAMESPACE as RECEIVED
from gateway.feed_receptions import SAVE_SECONDS, read_receptions
from gateway.feed_runner import SupervisorPolicy
from gateway.feed_watcher import NAMESPACE, FeedWatcher
from gateway.lifecycle import StopSignal
from gateway.liveness import LivenessPolicy
from gateway.rhythm import LearnedRhythm
from gateway.states import AgentState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry
from tests.support.journals import memory_journal
from tests.support.scripted import (
    PartlyReconcilingConnector,
    ReconcilingConnector,
    ScriptedConnector,
    ScriptedFeed,
    call_event,
)
from tests.support.waiting import until

SHORT_RHYTHM_SECONDS = 3.0


class PacedClock:
    """Stands still until `advance`, which lets sleepers go; other sleeps of the supervisor are over at once."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._ticks: asyncio.Queue[None] = asyncio.Queue()
        self.looked = 0
        self.pause_seconds = 0.0

    def now(self) -> datetime:
        """A Monday in January, and what passed."""
        return datetime.fromtimestamp(1_767_600_000 + self.passed, UTC)

    def monotonic(self) -> float:
        """What passed."""
        return self.passed

    async def sleep(self, seconds: float) -> None:
        """Wait for the test between two looks, else not at all."""
        if seconds in {LivenessPolicy().check_seconds, SHORT_RHYTHM_SECONDS / 2}:
            self.pause_seconds = seconds
            self.looked += 1
            await self._ticks.get()
        else:
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and the watcher look once."""
        self.passed += seconds
        before = self.looked
        self._ticks.put_nowait(None)
        await until(lambda: self.looked > before)


class Watching:
    """A supervisor and a watcher at work over one connector."""

    def __init__(self, connector: ScriptedConnector, journal: Journal, rhythm: float) -> None:
        self.clock = PacedClock()
        self.journal = journal
        self.metrics = CollectorRegistry()
        self.stop = StopSignal()
        telemetry = Telemetry(self.metrics)
        policy = LivenessPolicy()
        self.supervisor = Supervisor(
            [connector],
            journal=journal,
            telemetry=telemetry,
            clock=self.clock,
            policy=SupervisorPolicy(liveness=policy),
            stop=self.stop,
            rhythms={"main": {"*": rhythm}},
        )
        self.watcher = FeedWatcher(
            self.supervisor.runners,
            journal=journal,
            clock=self.clock,
            policy=policy,
            tell_quiet=telemetry.quiet_feeds,
        )

    async def types(self) -> list[str]:
        """Short names of all journalled events, in order."""
        events = await self.journal.read(0, 10_000)
        return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]

    async def connected(self, feed: ScriptedFeed, times: int) -> None:
        """Return when the feed has connected so many times and waits for events."""

        async def told() -> bool:
            return (await self.types()).count("feed.connected") == times

        await until(told)
        assert len(feed.connected_with) == times

    async def reconciled_after_silence(self, feed: ScriptedFeed) -> dict[str, Any]:
        """Let a connected feed be silent, and its new connection too; what the closed gap says."""
        times = len(feed.connected_with)
        await self.clock.advance(61.0)
        await self.connected(feed, times + 1)
        await self.clock.advance(11.0)

        async def closed() -> bool:
            return "feed.gap.closed" in await self.types()

        await until(closed)
        return dict((await self.journal.read(0, 100))[-1].data())


@asynccontextmanager
async def watching(
    connector: ScriptedConnector,
    journal: Journal | None = None,
    *,
    rhythm: float = 60.0,
    passed: float = 0.0,
) -> AsyncIterator[Watching]:
    run = Watching(connector, journal or memory_journal(), rhythm)
    run.clock.passed = passed
    await run.watcher.restore()
    async with asyncio.TaskGroup() as tasks:
        feeds = tasks.create_task(run.supervisor.run())
        watcher = tasks.create_task(run.watcher.run())
        yield run
        run.stop.request("test")
        await feeds
        watcher.cancel()


async def test_a_half_open_connection_is_found_told_and_replaced() -> None:
    """Nothing comes and nothing fails: only the silence tells."""
    feed = ScriptedFeed()
    async with watching(ScriptedConnector(feeds=[feed])) as run:
        await run.connected(feed, 1)
        feed.give(1, resume=b"one")
        await until(lambda: feed.committed)
        await run.clock.advance(61.0)
        await run.connected(feed, 2)
        types = await run.types()
        assert types[-3:] == ["feed.quiet", "feed.disconnected", "feed.connected"]
        (quiet,) = [
            event.data()
            for event in await run.journal.read(0, 100)
            if event.type == "tieline.feed.quiet.v1"
        ]
        assert run.supervisor.runners[0].watch.quiet_since is not None
    assert feed.connected_with == [None, b"one"]
    assert quiet["rhythm_seconds"] == 60.0
    assert quiet["from"] < quiet["to"]


async def test_what_a_silent_feed_missed_is_reconciled_and_accounted_for() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [[call_event(7, verb="ended")]]
    async with watching(connector) as run:
        await run.connected(feed, 1)
        last = await run.reconciled_after_silence(feed)
        types = await run.types()
    assert types[-3:] == ["feed.gap.opened", "call.ended", "feed.gap.closed"]
    assert (last["reason"], last["recovered"]) == ("quiet", 1)


async def test_a_gap_of_silence_after_a_restart_begins_with_what_the_last_process_received() -> (
    None
):
    """The new process has received nothing, and says nevertheless since when something may be missing."""
    journal = memory_journal()
    feed = ScriptedFeed()
    async with watching(ScriptedConnector(feeds=[feed]), journal) as run:
        await run.connected(feed, 1)
        feed.give(1, resume=b"one")
        await until(lambda: feed.committed)
        received = run.clock.now()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [[call_event(7, verb="ended")]]
    async with watching(connector, journal, passed=20.0) as run:
        await run.connected(feed, 2)
        told = await run.reconciled_after_silence(feed)
    assert (told["reason"], told["from"]) == ("quiet", received.isoformat().replace("+00:00", "Z"))


async def test_a_killed_process_leaves_when_its_feeds_received_something() -> None:
    """Now and then is enough: too early a begin is a bound that holds."""
    feed = ScriptedFeed()
    async with watching(ScriptedConnector(feeds=[feed])) as run:
        await run.connected(feed, 1)
        feed.give(1, resume=b"one")
        await until(lambda: feed.committed)
        assert await run.journal.items(RECEIVED) == []
        received = run.clock.now()
        await run.clock.advance(SAVE_SECONDS + 1)
        ((connector, state),) = await run.journal.items(RECEIVED)
    assert (connector, read_receptions(state)) == ("main", {feed.name: received})


@pytest.mark.parametrize(
    "state",
    [b"{", b"[]", b'{"main/a1": "soon"}', b"\xff", b'{"main/a1": "2099-01-01T00:00:00Z"}'],
    ids=["torn", "no times", "no time", "no text", "in the future"],
)
async def test_a_reception_that_cannot_be_is_not_believed(state: bytes) -> None:
    """A gap without a begin is better than one with a wrong begin."""
    journal = memory_journal()
    await journal.put(RECEIVED, "main", state)
    async with watching(ScriptedConnector(feeds=[ScriptedFeed()]), journal) as run:
        assert run.supervisor.runners[0].watch.received_at is None


async def test_a_silent_feed_that_missed_nothing_has_no_gap() -> None:
    """Also when the platform's state is told again."""
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    told = state_event(1, AgentState.READY, AgentState.READY)
    same = msgspec.structs.replace(told, type="tieline.agent.state.snapshot.v1")
    connector.snapshots = [[same]]
    async with watching(connector) as run:
        await run.connected(feed, 1)
        await run.clock.advance(61.0)
        await run.connected(feed, 2)
        await run.clock.advance(11.0)
        await until(lambda: not connector.snapshots)
        assert "feed.gap.opened" not in await run.types()
        assert "agent.state.snapshot" not in await run.types()


async def test_quiet_feeds_are_counted_until_something_comes() -> None:
    feed = ScriptedFeed()
    async with watching(ScriptedConnector(feeds=[feed])) as run:
        await run.connected(feed, 1)
        await run.clock.advance(61.0)
        assert run.metrics.get_sample_value("tieline_feeds_quiet", {"connector": "main"}) == 1
        await run.connected(feed, 2)
        feed.give(1)
        await until(lambda: feed.committed)
        await run.clock.advance(5.0)
        assert run.metrics.get_sample_value("tieline_feeds_quiet", {"connector": "main"}) == 0


def state_event(number: int, previous: AgentState, state: AgentState) -> Event:
    entry = CATALOGUE["tieline.agent.state.changed.v1"]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Event(
        id=event_id("main", number, entry.name),
        source=source_of("main", "scripted"),
        type=entry.name,
        subject="agent/a1",
        time=moment,
        recordedtime=moment,
        partitionkey="a1",
        data=AgentStateData(agent="a1", previous_state=previous, state=state),
        dataclassification=entry.classification,
        provenance=Provenance.LIVE,
    )


@pytest.mark.parametrize("number", [2, 30])
async def test_a_comparison_after_surprises_reads_only_what_surprised_unless_that_is_a_lot(
    number: int,
) -> None:
    feed = ScriptedFeed()
    connector = PartlyReconcilingConnector(feeds=[feed])
    connector.snapshots = [[], []]
    async with watching(connector) as run:
        await run.connected(feed, 1)
        for at in range(number):
            event = state_event(at, AgentState.LOGGED_OFF, AgentState.BUSY)
            event = msgspec.structs.replace(event, subject=f"agent/a{at}")
            feed.inbox.put_nowait(Delivery(events=(event,), resume=b"r"))
        await until(lambda: len(feed.committed) == number)
        await run.clock.advance(11.0)
        await until(lambda: len(connector.snapshots) == 1)
        assert connector.asked == ([{"agent/a0", "agent/a1"}] if number == 2 else [])
        # What silence is about is not known: all of it is compared.
        await run.clock.advance(61.0)
        await run.connected(feed, 2)
        await run.clock.advance(11.0)
        await until(lambda: not connector.snapshots)
    assert len(connector.asked) == (number == 2)


async def test_an_illegal_transition_is_flagged_counted_and_compared() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [[call_event(8, verb="ended")]]
    async with watching(connector) as run:
        await run.connected(feed, 1)
        event = state_event(1, AgentState.LOGGED_OFF, AgentState.BUSY)
        feed.inbox.put_nowait(Delivery(events=(event,), resume=b"r"))
        await until(lambda: feed.committed)
        await run.clock.advance(11.0)

        async def closed() -> bool:
            return "feed.gap.closed" in await run.types()

        await until(closed)
        stored = await run.journal.read(0, 100)
        counted = run.metrics.get_sample_value("tieline_anomalies_total", {"connector": "main"})
    (flagged,) = [one for one in stored if one.type == event.type]
    assert flagged.envelope.anomaly == "illegal_transition"
    assert stored[-1].data()["reason"] == "illegal_transition"
    assert counted == 1


async def test_a_failing_comparison_ends_the_connection_like_any_lost_link() -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [ZeroDivisionError("a bug"), []]
    async with watching(connector) as run:
        await run.connected(feed, 1)
        event = state_event(1, AgentState.LOGGED_OFF, AgentState.BUSY)
        feed.inbox.put_nowait(Delivery(events=(event,), resume=b"r"))
        await until(lambda: feed.committed)
        await run.clock.advance(11.0)
        await run.connected(feed, 2)


async def test_what_was_learned_is_kept_in_the_journal_and_taken_up_again() -> None:
    journal = memory_journal()
    learned = LearnedRhythm()
    learned.learn(0.0, 7200.0)
    await journal.put(NAMESPACE, "main/a1", learned.dump())
    await journal.put(NAMESPACE, "gone/x", learned.dump())
    feed = ScriptedFeed()
    feed.connects = [Link(session="s", resumed=True)]
    async with watching(ScriptedConnector(feeds=[feed]), journal, rhythm=0.0) as run:
        await run.connected(feed, 1)
        taken_up = run.supervisor.runners[0].watch.learned
        assert taken_up.dump() == learned.dump()
        for number in (1, 2, 3):
            feed.give(number)
            await until(lambda number=number: len(feed.committed) == number)
            await run.clock.advance(3600.0)
        kept = await journal.get(NAMESPACE, "main/a1")
    assert kept != learned.dump()
    assert await journal.get(NAMESPACE, "gone/x") is None


async def test_a_connector_that_comes_while_the_gateway_runs_takes_up_what_was_learned() -> None:
    """Changed settings make new feeds of the same names; their rhythm is not learned from nothing."""
    journal = memory_journal()
    learned = LearnedRhythm()
    learned.learn(0.0, 7200.0)
    async with watching(ScriptedConnector(feeds=[ScriptedFeed()]), journal) as run:
        await journal.put(NAMESPACE, "late/a1", learned.dump())
        feed = ScriptedFeed("late/a1")
        run.supervisor.add(ScriptedConnector("late", [feed]))
        await run.clock.advance(5.0)
        runner = next(one for one in run.supervisor.runners if one.feed is feed)
        assert runner.watch.learned.dump() == learned.dump()


async def test_feeds_are_looked_at_by_the_shortest_rhythm_of_those_that_there_are_now() -> None:
    """A reload brings a connector with a short one, and takes it away."""
    async with watching(ScriptedConnector(feeds=[ScriptedFeed()])) as run:
        await until(lambda: run.clock.pause_seconds == LivenessPolicy().check_seconds)
        short = ScriptedConnector("short", [ScriptedFeed("short/a1")])
        run.supervisor.add(short, {"*": SHORT_RHYTHM_SECONDS})
        await run.clock.advance(1.0)
        assert run.clock.pause_seconds == SHORT_RHYTHM_SECONDS / 2
        await run.supervisor.remove("short")
        await run.clock.advance(1.0)
        assert run.clock.pause_seconds == LivenessPolicy().check_seconds
