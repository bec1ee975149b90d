"""From the body of a poll to the picture, stage by stage and without a network: what an event costs where.

Each stage takes what the one before it made, for all polls of a round at once, so that the clock is read seldom. The
reference is the decoding of the same bytes, which no gateway can do without: the ratio survives a busy machine.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec

from connectors._wire.bayeux.messages import read_reply
from connectors._wire.bayeux.session import BayeuxSession
from connectors._wire.bayeux.steps import Send
from connectors._wire.bayeux.values import Arrival
from connectors.genesys_web_services.feed import FeedResume
from connectors.genesys_web_services.mapping import Mapper, Origin
from gateway.clock import SystemClock
from gateway.events import Event
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from gateway.picture import Picture
from gateway.transitions import flagged
from tests.bench.journal import SOURCE
from tests.bench.report import Figure
from tests.bench.tape import Tape, record

AGENTS = 50
POLLS = 20
POLL_MESSAGES = 20
TAPE_MESSAGES = 300
STAGES = ("CometD", "mapping", "resume state", "journal", "picture")
REFERENCE = "decoding"


@dataclass
class _Agent:
    """One agent's session with what is played to it."""

    name: str
    tape: Tape
    session: BayeuxSession = field(default_factory=lambda: BayeuxSession(["/v2/me/calls"]))
    mapper: Mapper = field(init=False)
    replies: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.mapper = Mapper(Origin(feed=f"bench/{self.name}", source=SOURCE, agent=self.name))
        while not self.session.connected:
            step = self.session.next_step(0.0)
            assert isinstance(step, Send)
            self.session.received(step, read_reply(self.reply(step, b"")), 0.0)

    def poll(self) -> tuple[Send, bytes]:
        """A connect and the body of its reply, which begins with messages of the tape."""
        step = self.session.connect(hold=True)
        return step, self.reply(step, self.tape.next(POLL_MESSAGES))

    def reply(self, step: Send, messages: bytes) -> bytes:
        """What a server with the acknowledge extension answers."""
        answers = []
        for sent in msgspec.json.decode(step.payload):
            answer = {
                name: sent[name] for name in ("channel", "id", "subscription") if name in sent
            }
            answer |= {"successful": True, "clientId": self.name}
            answer["ext"] = {"ack": True if "version" in sent else next(self.replies)}
            answers.append(msgspec.json.encode(answer))
        return b"[" + messages + b",".join(answers) + b"]"


class _Stopwatch:
    """Processor seconds of the whole process, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys((REFERENCE, *STAGES), 0.0)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - begun


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    """Processor time of each stage per event, the least of several rounds."""
    agents = [_Agent(name, tape) for name, tape in record(AGENTS, TAPE_MESSAGES).items()]
    picture = Picture()
    journal = await open_journal(directory / "ingest.sqlite", JournalSettings(), SystemClock())
    least: dict[str, float] = {}
    gc.collect()
    gc.freeze()
    try:
        for _ in range(5 if quick else 15):
            for stage, microseconds in (await _round(agents, journal, picture)).items():
                least[stage] = min(microseconds, least.get(stage, microseconds))
    finally:
        gc.unfreeze()
        await journal.close()
    parts = {f"ingest: {stage}": least[stage] for stage in STAGES}
    return [
        Figure(
            name=name,
            value=value,
            unit="µs an event",
            against="decoding of the same JSON",
            reference=least[REFERENCE],
        )
        for name, value in (*parts.items(), ("ingest: all of it", sum(parts.values())))
    ]


async def _round(
    agents: list[_Agent], journal: SqliteJournal, picture: Picture
) -> dict[str, float]:
    watch = _Stopwatch()
    events = 0
    for _ in range(POLLS):
        polls = [(agent, *agent.poll()) for agent in agents]
        with watch.of(REFERENCE):
            for _agent, _step, body in polls:
                msgspec.json.decode(body)
        with watch.of("CometD"):
            arrivals = [_arrival(*poll) for poll in polls]
        received = datetime.now(UTC)
        with watch.of("mapping"):
            mapped = [
                _mapped(agent.mapper, arrival, received)
                for agent, arrival in zip(agents, arrivals, strict=True)
            ]
        with watch.of("resume state"):
            states = [
                msgspec.json.encode(FeedResume(bayeux=one.resume, picture=agent.mapper.picture))
                for agent, one in zip(agents, arrivals, strict=True)
            ]
        before = journal.statistics().last_position
        with watch.of("journal"):
            async with asyncio.TaskGroup() as tasks:
                for agent, of_agent, state in zip(agents, mapped, states, strict=True):
                    tasks.create_task(journal.append(agent.name, of_agent, state))
        stored = await journal.read(before, AGENTS * POLL_MESSAGES * 10)
        with watch.of("picture"):
            for event in stored:
                picture.apply(event)
        for agent, arrival in zip(agents, arrivals, strict=True):
            agent.session.stored(arrival.mark)
        events += len(stored)
        assert len(stored) == sum(map(len, mapped)), "an event was taken for a duplicate"
    return {stage: 1e6 * seconds / events for stage, seconds in watch.seconds.items()}


def _arrival(agent: _Agent, step: Send, body: bytes) -> Arrival:
    arrival = agent.session.received(step, read_reply(body), 0.0)
    assert arrival is not None
    return arrival


def _mapped(mapper: Mapper, arrival: Arrival, received: datetime) -> Sequence[Event]:
    events: list[Event] = []
    for topic, data, ordinal in arrival.events:
        events += mapper.map(
            topic, data, session=arrival.mark.client_id, ordinal=ordinal, received=received
        )
    return flagged(events)
