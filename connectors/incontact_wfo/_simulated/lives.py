"""What happens on the site by itself: calls come and go, and the recorder's rules record some of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from connectors.incontact_wfo._simulated.world import Agent, Call, World

Action = Callable[[], object]


class Lives(PacedLives[Agent]):
    """Lets agents live."""

    def __init__(self, world: World, rng: Random, ledger: Ledger) -> None:
        super().__init__(world.settings.events_per_second, rng, ledger)
        self._world = world

    def step(self, agent: Agent, now: float) -> None:
        """Let one thing happen to the agent."""
        if now < agent.left_alone_until:
            return
        if agent.active is None:
            self._world.begin(agent, outbound=self._rng.random() < 1 / 3)
        else:
            self._on_call(agent, agent.active)

    def leave_alone(self, agent: Agent) -> None:
        """A command has the agent for a while."""
        agent.left_alone_until = self._monotonic() + self._world.settings.command_grace_seconds

    def _on_call(self, agent: Agent, call: Call) -> None:
        world = self._world
        live = agent.live_recordings
        held = call.state == "OnHold"
        options: list[tuple[int, Action]] = [
            (20, lambda: world.end(agent)),
            (15, lambda: world.hold(call, on=not held)),
            (10, lambda: world.tag(call, {"user1": f"case {self._rng.randrange(10_000)}"})),
        ]
        if not live:
            options.append((40, lambda: world.record(call, agent)))
        else:
            recording = live[0]
            options.append((15, lambda: world.stop(recording)))
            if world.settings.blackout_shown:
                options.append((20, lambda: world.black_out(recording, on=not recording.blackout)))
        weights = [weight for weight, _ in options]
        self._rng.choices(options, weights)[0][1]()
