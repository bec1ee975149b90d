"""What agents and customers do by themselves, at a given number of events a second over all sessions.

There is no script: each step looks at what is there at the moment and does one plausible next thing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from connectors.nice_incontact._simulated.between import Between
from connectors.nice_incontact._simulated.calls import Calls, Conflict
from connectors.nice_incontact._simulated.model import (
    ACTIVE,
    AVAILABLE,
    DIALING,
    HOLDING,
    INCOMING,
    JOINED,
    MASKING,
    MEDIA_BY_KEY,
    REASONS,
    RINGING,
    UNAVAILABLE,
    Agent,
    Contact,
    Media,
)
from connectors.nice_incontact._simulated.world import World

Action = Callable[[], object]
MOST_WAITING = 6
"""A skill with so many contacts gets no more by itself."""


class Lives(PacedLives[Agent]):
    """Lets agents live."""

    def __init__(self, world: World, calls: Calls, between: Between, ledger: Ledger) -> None:
        super().__init__(world.settings.events_per_second, world.rng, ledger)
        self._world = world
        self._calls = calls
        self._between = between

    def step(self, agent: Agent, now: float) -> None:
        """Let one thing happen to the agent, or to a customer who waits."""
        if now < agent.left_alone_until:
            return
        rng, world = self._rng, self._world
        if agent.session is None:
            if world.settings.logouts:
                world.log_in(agent)
                world.greet(agent)
            return
        if agent.contacts:
            self._contact_step(agent, rng.choice(list(agent.contacts.values())))
        elif agent.state != AVAILABLE:
            world.ask_for_state(agent, AVAILABLE, "")
        else:
            self._idle_step(agent, rng)

    def _pick(self, *options: tuple[int, Action]) -> None:
        weights = [weight for weight, _ in options]
        try:
            self._rng.choices(options, weights)[0][1]()
        except Conflict:
            return

    def _idle_step(self, agent: Agent, rng: Random) -> None:
        world, calls = self._world, self._calls
        waiting = world.waiting()
        if len(waiting) < MOST_WAITING:
            skill = rng.choice(list(world.skills.values()))
            waiting.append(calls.arrive(skill, MEDIA_BY_KEY[rng.choice(world.settings.media)]))
        options: list[tuple[int, Action]] = [
            (60, lambda: calls.offer(waiting[0], agent)),
            (
                10,
                lambda: world.ask_for_state(agent, UNAVAILABLE, rng.choice(list(REASONS.values()))),
            ),
        ]
        if "voice" in world.settings.media:
            options.append((15, lambda: self._dial(agent, rng)))
        if world.settings.logouts:
            options.append((2, lambda: world.log_out(agent)))
        if len(waiting) > 1:
            options.append((3, lambda: calls.abandon(waiting[-1])))
        self._pick(*options)

    def _dial(self, agent: Agent, rng: Random) -> None:
        skill = rng.choice(list(self._world.skills.values()))
        ending = rng.choice(("0000", "1111", "2222", "3333", "4567", "8901"))
        self._calls.dial(agent, f"+1415555{ending}", skill)

    def _contact_step(self, agent: Agent, contact: Contact) -> None:
        calls = self._calls
        if contact.over:
            calls.complete(contact)
        elif contact.status in {INCOMING, RINGING} and contact.inbound:
            self._pick((9, lambda: calls.answer(contact)), (1, lambda: calls.refuse(contact)))
        elif contact.status in {DIALING, RINGING}:
            return
        elif not contact.voice:
            options: list[tuple[int, Action]] = [(2, lambda: calls.finish(contact, "Succeeded"))]
            if contact.media is Media.CHAT:
                options.append((3, lambda: self._talk(contact)))
            self._pick(*options)
        else:
            self._pick(*self._call_options(agent, contact))

    def _call_options(self, agent: Agent, contact: Contact) -> list[tuple[int, Action]]:
        calls, between, world, rng = self._calls, self._between, self._world, self._rng
        if len(agent.calls) > 1:
            established = [one for one in agent.calls if one.status in {ACTIVE, HOLDING}]
            if len(established) > 1:
                return [
                    (3, lambda: between.transfer(agent)),
                    (2, lambda: between.conference(agent)),
                    (4, lambda: calls.finish(contact, "Succeeded")),
                ]
            return [(1, lambda: calls.finish(contact, "Succeeded"))]
        if contact.status == HOLDING:
            other = world.free_agent(but=agent)
            options: list[tuple[int, Action]] = [(20, lambda: calls.resume(contact))]
            if other is not None:
                options.append((6, lambda: between.dial_agent(agent, other)))
                options.append((6, lambda: between.consult(agent, other)))
            return options
        if contact.status == MASKING:
            return [(1, lambda: calls.mask(contact, on=False))]
        if contact.status == JOINED:
            return [(1, lambda: calls.finish(contact, "Succeeded"))]
        options = [
            (30, lambda: calls.finish(contact, "Succeeded")),
            (15, lambda: calls.hold(contact)),
            (6, lambda: calls.mask(contact, on=True)),
            (5, lambda: calls.mute(agent, on=not agent.muted)),
        ]
        if not contact.logging:
            options.append((5, lambda: calls.record(contact)))
        if agent.next_state is None:
            reason = rng.choice(list(REASONS.values()))
            options.append((4, lambda: world.ask_for_state(agent, UNAVAILABLE, reason)))
        return options

    def _talk(self, contact: Contact) -> None:
        text = f"Message {len(contact.messages) + 1}"
        self._calls.say(contact, text, by_agent=bool(self._rng.getrandbits(1)))
