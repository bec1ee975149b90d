"""The journal against its model once more, in a process that dies between any two statements."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from gateway.errors import JournalError
from gateway.journal import SqliteJournal, identities, schema
from tests.contract.journal_suite import event
from tests.gateway.journal.test_model import CONSUMERS, FEEDS, MAX_AGE_SECONDS, JournalMachine

STATEMENTS = 16
"""More than any one request takes; what is left hits the housekeeping behind it."""


class Death:
    """When the writer's connection dies: before its statement of that number from now on."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.came = False

    def pass_by(self) -> None:
        """One statement; after its death a process says nothing more to its file."""
        if self.left is not None:
            self.came = self.came or self.left == 0
            self.left -= 1
        if self.came:
            raise sqlite3.OperationalError("the process is dead")


DEATH = Death()


class MortalConnection(sqlite3.Connection):
    """A connection that dies on command."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute, if alive."""
        DEATH.pass_by()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute, if alive."""
        DEATH.pass_by()
        return super().executemany(*arguments)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """What the journal's own `connect` makes, but mortal."""
    mode = "ro" if read_only else "rwc"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=MortalConnection,
    )


class CrashingMachine(JournalMachine):
    """The model's stories, with deaths in appends, commits and trims."""

    @rule(feed=st.sampled_from(FEEDS), new=st.integers(0, 6), after=st.integers(0, STATEMENTS))
    def die_in_append(self, feed: str, new: int, after: int) -> None:
        """Events and resume state of the last append are there together or not at all; all before is."""
        batch = [event(n, connector=feed) for n in range(self._number, self._number + new)]
        self._number += new
        state = b"%d.%d" % (self._number, after)
        self._die_in(self._journal.append(feed, batch, state), after)
        done = self._run(self._journal.resume(feed)) == state
        assert self._journal.statistics().last_position == self._place() + (new if done else 0)
        if not done:
            return
        self._resume[feed] = state
        for one in batch:
            self._sequences[feed] = self._sequences.get(feed, 0) + 1
            self._stored.append((one.id, self._sequences[feed], self._clock.passed))

    @rule(
        consumer=st.sampled_from(CONSUMERS),
        share=st.floats(0, 1),
        after=st.integers(0, STATEMENTS),
    )
    def die_in_commit(self, consumer: str, share: float, after: int) -> None:
        """A consumer's position is the new one or the one before."""
        before = self._consumers.get(consumer)
        position = max(before or 0, int(self._place() * share))
        self._die_in(self._journal.commit(consumer, position), after)
        found = self._run(self._journal.position(consumer))
        assert found in {before, position}
        if found is not None:
            self._consumers[consumer] = found

    @rule(after=st.integers(0, STATEMENTS))
    def die_in_trim(self, after: int) -> None:
        """What was trimmed is old and delivered, and is gone from the front without holes."""
        limit = min(self._consumers.values(), default=self._place())
        oldest = self._clock.passed - MAX_AGE_SECONDS
        self._die_in(self._journal.trim(), after)
        first = self._journal.statistics().first_position - 1
        assert self._first <= first <= max(self._first, limit)
        assert all(appended <= oldest for _, _, appended in self._stored[self._first : first])
        self._first = first

    def _die_in(self, request: Any, after: int) -> None:
        """Make a request of a process that dies after so many statements, and start the next process."""
        DEATH.left = after
        with suppress(JournalError):
            self._run(request)
        DEATH.left, DEATH.came = None, True
        # Nothing moves any more: this is what a killed process leaves behind.
        self._bury()
        DEATH.came = False
        self._journal = self._open()

    def _bury(self) -> None:
        left = Path(tempfile.mkdtemp(prefix="left-", dir=self._folder))
        for file in self._folder.glob("journal.sqlite*"):
            if not file.name.endswith("-shm"):
                shutil.copyfile(file, left / file.name)
        self._run(self._journal.close())
        for file in self._folder.glob("journal.sqlite*"):
            file.unlink()
        for file in left.iterdir():
            file.rename(self._folder / file.name)
        left.rmdir()


@pytest.fixture(autouse=True)
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A mortal writer, and generations so small that their upkeep is hit too."""
    monkeypatch.setattr(schema, "connect", connect)
    monkeypatch.setattr(identities, "MERGE_IDS", 6)
    monkeypatch.setattr(identities, "GENERATION_IDS", 12)
    monkeypatch.setattr(identities, "CHUNKS", 3)
    yield
    DEATH.left, DEATH.came = None, False


CrashingMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_no_death_between_two_statements_breaks_the_journal() -> None:
    """Whatever was acknowledged is there, whatever was not is there whole or not at all."""
    CrashingMachine.TestCase().runTest()


def test_a_dead_process_acknowledges_nothing() -> None:
    """The deaths of this file are real: a request that meets one fails."""
    machine = CrashingMachine()
    journal: SqliteJournal = machine._journal
    DEATH.left = 1
    with pytest.raises(JournalError):
        machine._run(journal.append("f1", [event(1)], b"r"))
    DEATH.left, DEATH.came = None, False
    machine.teardown()
