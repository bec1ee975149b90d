"""What agents and customers do by themselves, at a given number of messages a second over all subscriptions.

There is no script: each step looks at what is there at the moment and does one plausible next thing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from connectors.clarity_connect._simulated.contacts import Contacts
from connectors.clarity_connect._simulated.model import (
    AVAILABLE,
    BY_KEY,
    LOGGED_OUT,
    REASONS,
    UNAVAILABLE,
    Agent,
    Modality,
    Session,
)
from connectors.clarity_connect._simulated.views import WAITING
from connectors.clarity_connect._simulated.world import World

Action = Callable[[], object]
MOST_WAITING = 6
"""A queue with so many gets no more by itself."""


class Lives(PacedLives[Agent]):
    """Lets agents live; after each step `flush` tells the subscribers."""

    def __init__(
        self, world: World, contacts: Contacts, ledger: Ledger, flush: Callable[[], None]
    ) -> None:
        super().__init__(world.settings.events_per_second, world.rng, ledger)
        self._world = world
        self._contacts = contacts
        self._flush = flush

    def step(self, agent: Agent, now: float) -> None:
        """Let one thing happen to the agent, or to a customer who waits."""
        rng = self._rng
        mine = [one for one in agent.sessions.values() if one.agent is agent or one.offers]
        if now < agent.left_alone_until or (not mine and rng.random() < 1 / 3):
            self._customer_step(rng)
        elif mine:
            self._session_step(agent, rng.choice(mine))
        elif agent.status_id != AVAILABLE:
            self._world.set_status(agent, AVAILABLE)
        else:
            self._idle_step(agent)
        self._flush()

    def _pick(self, *options: tuple[int, Action]) -> None:
        weights = [weight for weight, _ in options]
        self._rng.choices(options, weights)[0][1]()

    def _customer_step(self, rng: Random) -> None:
        world, contacts = self._world, self._contacts
        queue = rng.choice(list(world.queues.values()))
        waiting = [one for one in queue.sessions.values() if one.status in {"Queued", "ReEnqueued"}]
        agent = world.idle_agent()
        if waiting and agent is not None and rng.random() < 2 / 3:
            contacts.offer(waiting[0], agent)
        elif waiting and (len(waiting) >= MOST_WAITING or rng.random() < 1 / 4):
            contacts.abandon(rng.choice(waiting))
        elif sum(one.status in WAITING for one in queue.sessions.values()) < MOST_WAITING:
            contacts.arrive(queue, BY_KEY[rng.choice(world.settings.media)])

    def _idle_step(self, agent: Agent) -> None:
        world, contacts, rng = self._world, self._contacts, self._rng
        waiting = [
            one
            for queue in world.queues.values()
            for one in queue.sessions.values()
            if one.status in {"Queued", "ReEnqueued"}
        ]
        if agent.suspended:
            world.set_status(agent, agent.status_id, suspended=False)
            return
        options: list[tuple[int, Action]] = [
            (10, lambda: world.set_status(agent, UNAVAILABLE, rng.choice(list(REASONS)))),
            (3, lambda: world.set_status(agent, agent.status_id, suspended=True)),
            (20, lambda: self._customer_step(rng)),
        ]
        if "audio" in world.settings.media:
            options.append((10, lambda: contacts.dial(agent, outbound=bool(rng.getrandbits(1)))))
        if waiting:
            options.append((50, lambda: contacts.offer(waiting[0], agent)))
        if world.settings.logouts:
            options.append((2, lambda: world.set_status(agent, LOGGED_OUT)))
        self._pick(*options)

    def _session_step(self, agent: Agent, session: Session) -> None:
        world, contacts = self._world, self._contacts
        if session.offers:
            if session.offers[0].agent is not agent:
                agent = session.offers[0].agent
            if session.agent is not None:
                contacts.take_over(session)
                return
            self._pick(
                (8, lambda: contacts.answer(session)), (1, lambda: contacts.ring_out(session))
            )
            return
        if session.status == "AfterCall":
            contacts.complete(session)
            return
        options: list[tuple[int, Action]] = [(30, lambda: contacts.finish(session))]
        if session.modality is Modality.INSTANT_MESSAGE:
            options.append((10, lambda: self._talk(session)))
        if session.modality is Modality.AUDIO:
            on_hold, recorded = session.held_at is not None, session.recorded_at is not None
            listened = session.joined(7) or session.joined(8)
            options += [
                (25 if on_hold else 10, lambda: contacts.hold(session, on=not on_hold)),
                (10, lambda: contacts.record(session, on=not recorded)),
                (5, lambda: self._listen(session, listened=listened)),
            ]
        other = world.idle_agent()
        if other is not None and session.status == "Active":
            options.append((5, lambda: contacts.transfer(session, other)))
        self._pick(*options)

    def _talk(self, session: Session) -> None:
        text = f"Message {len(session.transcript) + 1}"
        self._contacts.say(session, text, by_agent=bool(self._rng.getrandbits(1)))

    def _listen(self, session: Session, *, listened: bool) -> None:
        if listened:
            self._contacts.unjoin(session)
        else:
            whisper = bool(self._rng.getrandbits(1))
            self._contacts.join(session, self._world.supervisor, whisper=whisper)
