"""The journal against a model so simple that it is surely right."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.journal import JournalSettings, SqliteJournal, identities, open_journal, verify
from tests.contract.journal_suite import BEGIN, event, read_all

T = TypeVar("T")

MAX_AGE_SECONDS = 100.0
CONSUMERS = ("lake", "crm")
FEEDS = ("f1", "f2", "f3")


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """The beginning plus what passed."""
        return BEGIN + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """What passed."""
        return self.passed

    async def sleep(self, seconds: float) -> None:
        """Nobody sleeps here."""
        raise AssertionError(seconds)


class JournalMachine(RuleBasedStateMachine):
    """Append, repeat, commit, age, trim, reopen; compare everything after each step."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._folder = Path(tempfile.mkdtemp(prefix="journal-model-"))
        self._path = self._folder / "journal.sqlite"
        self._clock = Clock()
        self._journal = self._open()
        self._number = 0
        self._stored: list[tuple[str, int, float]] = []
        self._sequences: dict[str, int] = {}
        self._resume: dict[str, bytes] = {}
        self._consumers: dict[str, int] = {}
        self._first = 0

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asyncio.wait_for(work, 20))

    def _open(self) -> SqliteJournal:
        limits = JournalSettings(max_age_seconds=MAX_AGE_SECONDS, cache_events=5)
        return self._run(open_journal(self._path, limits, self._clock))

    def teardown(self) -> None:
        """The file must be sound at the end of each story."""
        self._run(self._journal.close())
        self._loop.close()
        problems = verify(self._path).problems
        shutil.rmtree(self._folder)
        assert problems == []

    def _place(self) -> int:
        return len(self._stored)

    @rule(
        feed=st.sampled_from(FEEDS),
        new=st.integers(0, 6),
        repeated=st.lists(st.integers(0, 99), max_size=4),
    )
    def append(self, feed: str, new: int, repeated: list[int]) -> None:
        """New events, mixed with some that are stored."""
        stored = self._stored[self._first :]
        old = [stored[index % len(stored)] for index in repeated] if stored else []
        batch = [event(n, connector=feed) for n in range(self._number, self._number + new)]
        again = [event(0, connector=feed, identity=one[0]) for one in old]
        self._number += new
        state = b"%d" % self._number
        appended = self._run(self._journal.append(feed, again + batch, state))
        self._resume[feed] = state
        assert (appended.stored, appended.duplicates) == (new, len(again))
        for one in batch:
            self._sequences[feed] = self._sequences.get(feed, 0) + 1
            self._stored.append((one.id, self._sequences[feed], self._clock.passed))

    @rule(consumer=st.sampled_from(CONSUMERS), share=st.floats(0, 1))
    def commit(self, consumer: str, share: float) -> None:
        """A consumer moves on."""
        position = max(self._consumers.get(consumer, 0), int(self._place() * share))
        self._run(self._journal.commit(consumer, position))
        self._consumers[consumer] = position

    @rule(consumer=st.sampled_from(CONSUMERS))
    def forget(self, consumer: str) -> None:
        """A consumer leaves."""
        self._run(self._journal.forget(consumer))
        self._consumers.pop(consumer, None)

    @rule(seconds=st.sampled_from([2.0, 40.0, 150.0]))
    def age(self, seconds: float) -> None:
        """Time passes."""
        self._clock.passed += seconds

    @rule()
    def trim(self) -> None:
        """What is old and delivered goes."""
        limit = min(self._consumers.values(), default=self._place())
        first = self._first
        while first < limit and self._stored[first][2] <= self._clock.passed - MAX_AGE_SECONDS:
            first += 1
        assert self._run(self._journal.trim()) == first - self._first
        self._first = first

    @precondition(lambda self: self._stored)
    @rule()
    def reopen(self) -> None:
        """The process ends and starts again."""
        self._run(self._journal.close())
        self._journal = self._open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """Events, sequences, positions, resume states and lags are the model's."""
        journal = self._journal
        found = self._run(read_all(journal, page=4))
        assert [(one.position, one.envelope.id, one.sequence) for one in found] == [
            (place + 1, identity, sequence)
            for place, (identity, sequence, _) in enumerate(self._stored)
            if place >= self._first
        ]
        for feed in FEEDS:
            assert self._run(journal.resume(feed)) == self._resume.get(feed)
        statistics = journal.statistics()
        assert (statistics.events, statistics.last_position) == (len(found), self._place())
        assert statistics.lag == {
            name: self._place() - max(position, self._first)
            for name, position in self._consumers.items()
        }


@pytest.fixture(autouse=True)
def small_generations(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ids are merged, generations sealed and dropped within a short story."""
    monkeypatch.setattr(identities, "MERGE_IDS", 6)
    monkeypatch.setattr(identities, "GENERATION_IDS", 12)
    monkeypatch.setattr(identities, "CHUNKS", 3)


JournalMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_it_is_a_journal_like_the_model() -> None:
    """No story of appends, commits, trims and restarts tells it from the model."""
    JournalMachine.TestCase().runTest()
