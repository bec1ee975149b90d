"""The pace of simulated lives: so many messages a second over all agents, what commands publish counted in.

A platform's own `Lives` says what one step of an agent's life is; there is no script. The base decides when a step is
due and whose.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from random import Random
from typing import Generic, Protocol, TypeVar

from connectors._simulation.ledger import Ledger

TICK_SECONDS = 0.01
IDLE_SECONDS = 0.05
MAX_BURST_SECONDS = 0.05
"""One tick makes up for at most so much, so that requests are answered between ticks."""
MAX_BEHIND_SECONDS = 1.0
"""A process that could not keep up owes at most so much; the rest is not made up for."""


class Living(Protocol):
    """Who can have a life."""

    username: str


A = TypeVar("A", bound=Living)


class PacedLives(Generic[A]):
    """Lets agents live. `begin` adds an agent; the agenda calls `tick`."""

    def __init__(
        self,
        events_per_second: float,
        rng: Random,
        ledger: Ledger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._rng = rng
        self._ledger = ledger
        self._alive: list[A] = []
        self._names: set[str] = set()
        self._owed = 0.0
        self._published = 0
        self._last = monotonic()
        self.events_per_second = events_per_second
        self.stopped = False

    @property
    def alive(self) -> int:
        """How many agents live."""
        return len(self._alive)

    def begin(self, agent: A) -> None:
        """From now on the agent lives; a second call changes nothing."""
        if agent.username not in self._names:
            self._names.add(agent.username)
            self._alive.append(agent)

    def pause_until_next_tick(self) -> float:
        """Seconds to the next tick: long enough for at least one message to be due."""
        if self.stopped or not self._alive or self.events_per_second <= 0:
            return IDLE_SECONDS
        return max(TICK_SECONDS, min(1 / self.events_per_second, IDLE_SECONDS))

    def tick(self) -> None:
        """Do what is due since the last tick; what commands published counts too."""
        now = self._monotonic()
        passed, self._last = now - self._last, now
        ledger = self._ledger
        if self.stopped or not self._alive:
            self._owed, self._published = 0.0, len(ledger)
            return
        rate = self.events_per_second
        self._owed += passed * rate - (len(ledger) - self._published)
        self._owed = min(self._owed, max(rate * MAX_BEHIND_SECONDS, 1.0))
        due = max(min(int(self._owed), int(rate * MAX_BURST_SECONDS) + 1), 0)
        target = len(ledger) + due
        for _ in range(3 * due):
            if len(ledger) >= target:
                break
            self.step(self._rng.choice(self._alive), now)
        self._owed -= len(ledger) - (target - due)
        self._published = len(ledger)

    @abstractmethod
    def step(self, agent: A, now: float) -> None:
        """Let one thing happen to the agent: usually one message, none while a command has the agent."""
