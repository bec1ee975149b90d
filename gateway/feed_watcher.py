"""Looks at all feeds every few seconds, and keeps in the journal their rhythm and when they received something last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from gateway.clock import Clock
from gateway.contracts import Connector, Feed, Journal
from gateway.errors import JournalError, JournalFull
from gateway.feed_receptions import Receptions
from gateway.liveness import FeedWatch, LivenessPolicy
from gateway.rhythm import LearnedRhythm

NAMESPACE = "rhythm"
SHORTEST_PAUSE_SECONDS = 0.1
SAVES_AT_ONCE = 50
"""So many rhythms are saved in one round: when the hour ends, that of every feed has changed."""


class Watched(Protocol):
    """A feed's runner, as far as it is watched."""

    connector: Connector
    feed: Feed
    watch: FeedWatch

    def look(self) -> None:
        """Do what is due."""
        ...


class FeedWatcher:
    """One task for all feeds: a timer for each would cost more than the look at it."""

    def __init__(
        self,
        runners: Sequence[Watched],
        *,
        journal: Journal,
        clock: Clock,
        policy: LivenessPolicy,
        tell_quiet: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._runners = runners
        self._journal = journal
        self._clock = clock
        self._policy = policy
        self._tell_quiet = tell_quiet
        self._receptions = Receptions(journal, clock)
        self._taken_up: WeakSet[FeedWatch] = WeakSet()
        self._told: tuple[str, ...] = ()

    async def restore(self) -> None:
        """Take up what earlier processes learned, and forget feeds that are no more. Call it before the feeds run."""
        learned = dict(await self._journal.items(NAMESPACE))
        for runner in self._runners:
            self._take_up(runner, learned.pop(runner.feed.name, None))
        for name in learned:
            await self._journal.put(NAMESPACE, name, None)
        await self._receptions.restore(self._runners)

    async def run(self) -> None:
        """Look until cancelled; the last thing it does is to save when feeds received something."""
        try:
            while True:
                await self._clock.sleep(self._pause_seconds())
                await self._look()
        except asyncio.CancelledError:
            with suppress(JournalError):  # without it the bounds of gaps are a little less exact
                await self._receptions.save(self._runners)
            raise

    async def _look(self) -> None:
        # A connector that came, or came anew, while the gateway runs.
        new = [runner for runner in self._runners if runner.watch not in self._taken_up]
        for runner in new:
            self._take_up(runner, await self._journal.get(NAMESPACE, runner.feed.name))
        await self._receptions.take_up(new)
        for runner in list(self._runners):
            runner.look()
        self._tell()
        await self._save()
        await self._receptions.save_if_due(self._runners)

    def _pause_seconds(self) -> float:
        """Half of the shortest rhythm of the feeds that there are now: connectors come and go."""
        rhythms = [runner.watch.configured_seconds for runner in self._runners]
        halves = [seconds / 2 for seconds in rhythms if seconds]
        return max(SHORTEST_PAUSE_SECONDS, min([self._policy.check_seconds, *halves]))

    def _take_up(self, runner: Watched, state: bytes | None) -> None:
        self._taken_up.add(runner.watch)
        if state is not None:
            runner.watch.learned = LearnedRhythm(state)

    def _tell(self) -> None:
        quiet = dict.fromkeys(self._told, 0)
        quiet |= dict.fromkeys((runner.connector.name for runner in self._runners), 0)
        self._told = tuple(quiet)
        for runner in self._runners:
            quiet[runner.connector.name] += runner.watch.quiet_since is not None
        self._tell_quiet(quiet)

    async def _save(self) -> None:
        if self._journal.statistics().full or not self._policy.learn:
            return
        changed = [
            runner
            for runner in self._runners
            if runner.watch.learned.changed and runner.watch in self._taken_up
        ]
        for runner in changed[:SAVES_AT_ONCE]:
            try:
                state = runner.watch.learned.dump()
                await self._journal.put(NAMESPACE, runner.feed.name, state)
            except JournalFull:
                # A week more to learn that hour is no loss to speak of.
                return
