"""Lives of agents at a desk, who have calls and interactions: what the simulators of both generations of Genesys share.

There is no script: each step looks at what an agent has at the moment and does one plausible next thing. So commands
and lives can work on the same agent without getting in each other's way.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from connectors._simulation.lives import PacedLives

Action = Callable[[], object]
R = TypeVar("R")


class DeskAgent(Protocol):
    """What a step must know of an agent.

    Attributes:
        left_alone_until: a command came, so the agent's life waits until the monotonic clock shows this.
        wraps_up: a call has just ended.
        calls, interactions: by id; a call that came by command is left alone.
    """

    username: str
    left_alone_until: float
    wraps_up: bool
    calls: dict[str, Any]
    interactions: dict[str, Any]

    @property
    def logged_in(self) -> bool:
        """On the phone."""
        ...


A = TypeVar("A", bound=DeskAgent)
C = TypeVar("C")


class DeskLives(PacedLives[A], Generic[A, C]):
    """In which order an agent's affairs are looked at; what each may lead to is the platform's."""

    def step(self, agent: A, now: float) -> None:
        """Let one thing happen to the agent: usually one message, none while a command has the agent."""
        if now < agent.left_alone_until or any(call.commanded for call in agent.calls.values()):
            self._media_step(agent, now)
        elif agent.calls:
            self._call_step(agent, next(iter(agent.calls.values())))
        elif agent.wraps_up:
            agent.wraps_up = False
            self._wrap_up(agent)
        elif not agent.logged_in:
            self._come_in(agent)
        elif agent.interactions and self._rng.getrandbits(1):
            self._media_step(agent, now)
        else:
            self._idle_step(agent)

    def _pick(self, *options: tuple[int, Action]) -> None:
        """Do one of the options; each comes with its weight."""
        weights = [weight for weight, _ in options]
        self._rng.choices(options, weights)[0][1]()

    def _next_recording(self, now: R | None, recording: R, paused: R, stopped: R) -> R:
        """What may become of a call's recording."""
        following = {recording: (paused, stopped), paused: (recording, stopped)}
        choices = (recording,) if now is None else following.get(now, (recording,))
        return self._rng.choice(choices)

    def _customer_number(self) -> str:
        return f"+1415{self._rng.randrange(10**7):07d}"

    def _colleague_number(self) -> str:
        return str(60_000 + self._rng.randrange(999))

    @abstractmethod
    def _idle_step(self, agent: A) -> None:
        """Nothing is there to be done."""

    @abstractmethod
    def _call_step(self, agent: A, call: C) -> None:
        """The first call goes on."""

    @abstractmethod
    def _media_step(self, agent: A, now: float) -> None:
        """One of the interactions goes on, unless commands have them."""

    @abstractmethod
    def _wrap_up(self, agent: A) -> None:
        """After-call work begins."""

    @abstractmethod
    def _come_in(self, agent: A) -> None:
        """The agent logs in."""
