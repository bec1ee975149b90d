from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.contracts import Journal
from gateway.errors import JournalFull
from gateway.events import Event, StoredEvent, event_id, source_of
from gateway.events.agents import AgentStateData
from gateway.events.catalogue import CATALOGUE
from gateway.journal import MemoryJournal
from gateway.picture import Picture
from gateway.picture_keeper import CONSUMER, NAMESPACE, KeeperPolicy, PictureKeeper
from gateway.states import AgentState
from tests.support.clock import LeapingClock
from tests.support.events import BEGIN
from tests.support.journals import memory_journal
from tests.support.waiting import until

KIND = "tieline.agent.state.changed.v1"


def agent_event(number: int, state: AgentState = AgentState.READY) -> Event:
    agent = f"a{number}"
    return Event(
        id=event_id("keeper", number, state),
        source=source_of("gws", "genesys_web_services"),
        type=KIND,
        subject=f"agent/{agent}",
        time=BEGIN,
        recordedtime=BEGIN,
        partitionkey=agent,
        data=AgentStateData(agent=agent, state=state),
        dataclassification=CATALOGUE[KIND].classification,
    )


async def append(journal: Journal, first: int, count: int) -> None:
    await journal.append("feed", [agent_event(n) for n in range(first, first + count)], None)


@asynccontextmanager
async def kept(
    journal: Journal, *, policy: KeeperPolicy | None = None, clock: LeapingClock | None = None
) -> AsyncIterator[tuple[Picture, PictureKeeper]]:
    """A picture that is kept, until the end of the block, as the gateway does it."""
    picture = Picture()
    keeper = PictureKeeper(picture, journal=journal, clock=clock or LeapingClock(), policy=policy)
    await keeper.restore()
    task = asyncio.create_task(keeper.run(), name="picture")
    try:
        yield picture, keeper
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


class CountingJournal(MemoryJournal):
    """Remembers what was read, and can be without room for facts."""

    reads: list[int]
    room = True

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Note from where."""
        self.__dict__.setdefault("reads", []).append(after)
        return await super().read(after, limit)

    async def put(self, namespace: str, key: str, value: bytes | None) -> None:
        """Refuse when there is no room."""
        if not self.room:
            raise JournalFull("no room")
        await super().put(namespace, key, value)

    def fill(self) -> None:
        """Be full for events."""
        self._room.full = True


@pytest.fixture
def journal() -> CountingJournal:
    """An empty journal."""
    plain = memory_journal()
    plain.__class__ = CountingJournal
    assert isinstance(plain, CountingJournal)
    return plain


async def test_follows_the_journal(journal: CountingJournal) -> None:
    """What is appended is in the picture soon, before and after the keeper began."""
    await append(journal, 0, 3)
    async with kept(journal) as (picture, _):
        await until(lambda: len(picture.agents()) == 3)
        await append(journal, 3, 2)
        await until(lambda: len(picture.agents()) == 5)


async def test_a_stop_saves_the_picture(journal: CountingJournal) -> None:
    """After a clean stop the next start has the picture at once and reads nothing twice."""
    await append(journal, 0, 5)
    async with kept(journal) as (picture, _):
        await until(lambda: picture.position == 5)
    assert await journal.position(CONSUMER) == 5
    journal.reads.clear()
    async with kept(journal) as (picture, keeper):
        assert len(picture.agents()) == 5
        await append(journal, 5, 1)
        await until(lambda: len(picture.agents()) == 6)
        assert min(journal.reads) == 5
        assert keeper.rebuilt == ""


async def test_a_killed_gateway_reads_on_from_the_last_snapshot(journal: CountingJournal) -> None:
    """What came after the last snapshot is read again and leads to the same picture."""
    await append(journal, 0, 4)
    policy = KeeperPolicy(snapshot_events=4, batch_events=4)
    async with kept(journal, policy=policy):
        await until(lambda: _saved(journal, 4))
        await append(journal, 4, 2)
    snapshot = Picture.restore(await journal.get(NAMESPACE, journal.id) or b"").snapshot()
    await journal.put(NAMESPACE, journal.id, snapshot)
    async with kept(journal) as (picture, _):
        await until(lambda: len(picture.agents()) == 6)


async def _saved(journal: Journal, position: int) -> bool:
    return await journal.position(CONSUMER) == position


async def test_saves_after_some_events(journal: CountingJournal) -> None:
    """A busy gateway saves by the number of events."""
    policy = KeeperPolicy(snapshot_events=10, batch_events=5)
    async with kept(journal, policy=policy) as (picture, _):
        await append(journal, 0, 9)
        await until(lambda: picture.position == 9)
        assert await journal.position(CONSUMER) == 0
        await append(journal, 9, 1)
        await until(lambda: _saved(journal, 10))


async def test_saves_after_some_time(journal: CountingJournal) -> None:
    """A quiet gateway saves when the time has come, without another event."""
    policy = KeeperPolicy(snapshot_seconds=0.05)
    clock = LeapingClock()
    async with kept(journal, policy=policy, clock=clock) as (picture, _):
        await append(journal, 0, 1)
        await until(lambda: picture.position == 1)
        clock.advance(0.05)
        await until(lambda: _saved(journal, 1))


async def test_the_snapshot_is_saved_before_the_position(journal: CountingJournal) -> None:
    """Whenever a position is saved, a snapshot of at least that position is there."""
    positions: list[tuple[int, int]] = []
    commit = journal.commit

    async def watched(consumer: str, position: int, burials: Sequence[object] = ()) -> None:
        assert not burials
        saved = await journal.get(NAMESPACE, journal.id)
        positions.append((position, Picture.restore(saved).position if saved else 0))
        await commit(consumer, position)

    journal.commit = watched  # type: ignore[method-assign] # looks on, and does what it did
    async with kept(journal, policy=KeeperPolicy(snapshot_events=1, batch_events=1)):
        await append(journal, 0, 3)
        await until(lambda: positions[-1][0] == 3)
    assert positions == [(0, 0), (1, 1), (2, 2), (3, 3)]


async def test_a_full_journal_only_delays_the_snapshot(journal: CountingJournal) -> None:
    """Without room the picture goes on, and the snapshot is saved when there is room."""
    journal.room = False
    clock = LeapingClock()
    policy = KeeperPolicy(snapshot_events=1, snapshot_seconds=0.05)
    async with kept(journal, policy=policy, clock=clock) as (picture, keeper):
        await append(journal, 0, 2)
        await until(lambda: keeper.snapshots_skipped == 1)
        await append(journal, 2, 2)
        await until(lambda: len(picture.agents()) == 4)
        assert keeper.snapshots_skipped == 1
        journal.room = True
        clock.advance(0.05)
        await until(lambda: _saved(journal, 4))


async def test_a_full_journal_is_not_held_full_by_the_picture(journal: CountingJournal) -> None:
    """While the journal is full, what the picture has seen is let go of soon."""
    clock = LeapingClock()
    policy = KeeperPolicy(full_seconds=0.05)
    async with kept(journal, policy=policy, clock=clock) as (picture, _):
        await append(journal, 0, 3)
        await until(lambda: picture.position == 3)
        clock.advance(0.05)
        journal.fill()
        await until(lambda: _saved(journal, 3))


@pytest.mark.parametrize("ahead", [False, True], ids=["unreadable", "ahead of the journal"])
async def test_a_useless_snapshot_is_replaced(journal: CountingJournal, *, ahead: bool) -> None:
    """The picture is folded again from what the journal holds, and the keeper says why."""
    await append(journal, 0, 3)
    other = Picture()
    for position in range(1, 10):
        other.apply(StoredEvent(position, position, "other", "/tieline/a/b", b"{}"))
    snapshot = other.snapshot() if ahead else b"garbage"
    await journal.put(NAMESPACE, journal.id, snapshot)
    async with kept(journal) as (picture, keeper):
        assert keeper.rebuilt
        await until(lambda: len(picture.agents()) == 3)


async def test_claims_its_events_before_it_runs(journal: CountingJournal) -> None:
    """From the first start nothing is trimmed that the picture has not seen."""
    keeper = PictureKeeper(Picture(), journal=journal, clock=LeapingClock())
    await keeper.restore()
    assert await journal.position(CONSUMER) == 0
