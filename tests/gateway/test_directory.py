"""The platforms' lists are asked for once at a time, remembered for a while, and fail alone."""

from __future__ import annotations

import asyncio
from collections import Counter

from gateway.contracts import DirectoryEntry, DirectoryKind, DirectoryListing
from gateway.directory import Directory, DirectoryPolicy
from gateway.errors import NotReady, Reason, TielineError
from tests.support.clock import LeapingClock
from tests.support.waiting import until

AGENTS, SKILLS = DirectoryKind.AGENTS, DirectoryKind.SKILLS


class Platform:
    """A connector with lists; `failure` is raised, and `gate` holds the answers."""

    platform = "test"
    feeds = ()
    directory_kinds = frozenset({AGENTS, SKILLS})

    def __init__(self, clock: LeapingClock, name: str = "one") -> None:
        self.name = name
        self.asked: Counter[DirectoryKind] = Counter()
        self.failure: TielineError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._clock = clock

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """Three entries, in the platform's own order."""
        self.asked[kind] += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        entries = [DirectoryEntry(id=name, name=name.title()) for name in ("ben", "anna", "cleo")]
        return DirectoryListing(entries=entries, read_at=self._clock.now())

    async def close(self) -> None:
        """Nothing to release."""


class Plain:
    """A connector without lists."""

    name, platform, feeds = "plain", "test", ()

    async def close(self) -> None:
        """Nothing to release."""


async def test_a_list_is_remembered_for_a_while() -> None:
    """Then the platform is asked again."""
    clock = LeapingClock()
    platform = Platform(clock)
    directory = Directory([platform, Plain()], clock=clock)
    assert set(directory.lists()) == {("one", AGENTS), ("one", SKILLS)}
    first = await directory.read("one", AGENTS)
    assert list(first.by_id) == ["ben", "anna", "cleo"]
    clock.advance(29)
    assert await directory.read("one", AGENTS) is first
    clock.advance(2)
    assert await directory.read("one", AGENTS) is not first
    assert platform.asked == {AGENTS: 2}


async def test_many_who_ask_at_once_are_one_question_to_the_platform() -> None:
    """Another list is another question."""
    clock = LeapingClock()
    platform = Platform(clock)
    directory = Directory([platform], clock=clock)
    await asyncio.gather(*(directory.read("one", AGENTS) for _ in range(20)))
    await directory.read("one", SKILLS)
    assert platform.asked == {AGENTS: 1, SKILLS: 1}


async def test_who_hangs_up_leaves_the_question_to_the_next() -> None:
    """Cancelling one request harms nobody else."""
    clock = LeapingClock()
    platform = Platform(clock)
    platform.gate.clear()
    directory = Directory([platform], clock=clock)
    first, second = (asyncio.create_task(directory.read("one", AGENTS)) for _ in range(2))
    await until(lambda: platform.asked)
    first.cancel()
    platform.gate.set()
    assert (await second).listing is not None
    assert platform.asked == {AGENTS: 2}


async def test_a_list_that_cannot_be_read_says_why_and_is_tried_again_soon() -> None:
    """The reason is part of the answer; a platform in trouble is not asked at every request."""
    clock = LeapingClock()
    platform = Platform(clock)
    platform.failure = NotReady("not read yet")
    directory = Directory([platform], clock=clock)
    assert (await directory.read("one", AGENTS)).failure is platform.failure
    clock.advance(4)
    await directory.read("one", AGENTS)
    assert platform.asked == {AGENTS: 1}
    platform.failure = None
    clock.advance(2)
    assert (await directory.read("one", AGENTS)).failure is None


async def test_a_platform_that_does_not_answer_is_given_up_after_a_while() -> None:
    """With the reason timeout."""
    clock = LeapingClock()
    platform = Platform(clock)
    platform.gate.clear()
    directory = Directory([platform], clock=clock, policy=DirectoryPolicy(ask_seconds=0.05))
    failure = (await directory.read("one", AGENTS)).failure
    assert failure is not None
    assert failure.reason is Reason.TIMEOUT


async def test_a_list_is_bounded() -> None:
    """What is cut off can be told from what is missing."""
    clock = LeapingClock()
    directory = Directory([Platform(clock)], clock=clock, policy=DirectoryPolicy(entries=2))
    found = await directory.read("one", AGENTS)
    assert list(found.by_id) == ["ben", "anna"]
    assert found.listing is not None
    assert len(found.listing.entries) == 3
