"""The numbers of events: a model of a server, and every way to lose a reply, a store or a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._wire.bayeux.messages import Message
from connectors._wire.bayeux.session import BayeuxSession
from connectors._wire.bayeux.steps import Failure, Kind, Send, Wait
from connectors._wire.bayeux.values import Arrival, BayeuxResume
from gateway.errors import NotReady


@dataclass
class ModelServer:
    """One session of a server as its documentation describes it, with or without the acknowledge extension."""

    ack: bool
    batch: int = 1
    kept: list[tuple[int, int]] = field(default_factory=list)
    queue: list[int] = field(default_factory=list)
    published: int = 0

    def publish(self) -> None:
        """One more event for the session."""
        self.published += 1
        self.kept.append((self.batch, self.published))
        self.queue.append(self.published)

    def answer(self, send: Send) -> list[Message]:
        """The reply to a request."""
        import json

        (first, *_) = json.loads(send.payload)
        reply = Message(channel=first["channel"], id=first["id"], successful=True)
        if send.kind is Kind.HANDSHAKE:
            reply.client_id = "c"
            reply.ext = {"ack": True} if self.ack else None
            return [reply]
        if send.kind is not Kind.CONNECT:
            return [reply]
        if not self.ack:
            events, self.queue = self.queue, []
        else:
            stored = first["ext"]["ack"]
            self.kept = [(batch, number) for batch, number in self.kept if batch > stored]
            events = [number for batch, number in self.kept if batch <= self.batch]
            reply.ext = {"ack": self.batch}
            self.batch += 1
        return [*(Message(channel="/e", data=number) for number in events), reply]


class Run:
    """A client and a model server, with a journal between that survives the client."""

    def __init__(self, *, ack: bool) -> None:
        self.server = ModelServer(ack=ack)
        self.session = BayeuxSession([])
        self.now = 1_000.0
        self.waiting: list[Arrival] = []
        self.resume: BayeuxResume | None = None
        self.journal: dict[int, Any] = {}
        self.gap_suspected = False
        while not self.session.connected:
            self.poll(arrives=True)
        self.resume = self.session.resume_state()

    def poll(self, *, arrives: bool, accept: bool = True) -> None:
        """One request and its outcome."""
        step = self.session.next_step(self.now)
        if isinstance(step, Wait):
            self.now = step.until
            step = self.session.next_step(self.now)
        assert isinstance(step, Send)
        replies = self.server.answer(step)
        self.now += 0.5
        if not arrives:
            self.session.failed(step, Failure(NotReady("lost")), self.now)
            return
        arrival = self.session.received(step, replies, self.now, accept=accept)
        if arrival is not None:
            self.waiting.append(arrival)

    def store(self) -> None:
        """One transaction, then the word to the session."""
        if not self.waiting:
            return
        arrival = self.waiting.pop(0)
        for _, data, ordinal in arrival.events:
            assert self.journal.setdefault(ordinal, data) == data, "one number, two events"
        self.gap_suspected = self.gap_suspected or arrival.gap is not None
        self.resume = arrival.resume
        self.session.stored(arrival.mark)

    def crash(self) -> None:
        """The process dies and another one resumes."""
        self.waiting.clear()
        self.session = BayeuxSession([], resume=self.resume)

    def settle(self) -> None:
        """Store and poll until nothing is left."""
        for _ in range(3):
            while self.waiting:
                self.store()
            self.poll(arrives=True)
        while self.waiting:
            self.store()


ACTIONS = st.lists(
    st.sampled_from(["publish", "publish", "poll", "poll", "lose", "refuse", "store", "crash"]),
    max_size=60,
)


def perform(run: Run, actions: list[str]) -> None:
    for action in actions:
        match action:
            case "publish":
                run.server.publish()
            case "poll":
                run.poll(arrives=True)
            case "lose":
                run.poll(arrives=False)
            case "refuse" if run.server.ack:
                run.poll(arrives=True, accept=False)
            case "store":
                run.store()
            case "crash":
                run.crash()
            case _:
                continue


@settings(max_examples=200, deadline=None)
@given(ACTIONS)
def test_with_acknowledgement_event_k_is_number_k_through_every_crash_and_none_is_lost(
    actions: list[str],
) -> None:
    run = Run(ack=True)
    perform(run, actions)
    run.settle()
    assert run.journal == {number: number for number in range(1, run.server.published + 1)}
    assert not run.gap_suspected


@settings(max_examples=200, deadline=None)
@given(ACTIONS)
def test_without_acknowledgement_no_number_is_used_twice_and_no_loss_goes_unreported(
    actions: list[str],
) -> None:
    run = Run(ack=False)
    perform(run, actions)
    run.settle()
    stored = [run.journal[ordinal] for ordinal in sorted(run.journal)]
    assert stored == sorted(set(stored))
    assert sorted(run.journal) == list(range(1, len(stored) + 1))
    if len(stored) < run.server.published:
        assert run.gap_suspected
