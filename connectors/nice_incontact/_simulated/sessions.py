"""Agent sessions: one queue of events, any number of joined clients, and session ids that are cursors.

Sources: NICE inContact Agent API, "Get Next Event", "Start an Agent Session", "Join an Agent Session"; tutorial "Using
events"; FAQ, "Why do I get a different sessionId every time I get each new event?". A client that polls with the
id it got last gets what came since; one that polls with an older id of the same session gets a refresh set: the
session, the state, the leg and every open contact as they are now, and nothing of what it missed.

The documents do not say what the first poll after a join tells; here it is a refresh set.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import msgspec

from connectors._simulation.ledger import Ledger, LostBecause
from connectors.nice_incontact._simulated.model import Agent

HEXADECIMAL, CONSONANTS = "0123456789abcdef", "bcdfghjklmnpqrst"
LETTERS = str.maketrans(HEXADECIMAL, CONSONANTS)
"""Ids are letters only: the vendor's own client shortens its timeout by replacing digits anywhere in the address."""
DIGITS = dict(zip(CONSONANTS, HEXADECIMAL, strict=True))
Frames = list[bytes]


class Queued(NamedTuple):
    """An encoded event, its place in the session, and its number in the oracle."""

    place: int
    frame: bytes
    number: int


class Position(NamedTuple):
    """What a session id says."""

    session: int
    client: int
    issue: int
    """Counts the ids that the client was given."""


def write_id(position: Position) -> str:
    """The session id that a client is given."""
    text = ".".join(str(part) for part in position)
    return text.encode().hex().translate(LETTERS)


def read_id(text: str) -> Position | None:
    """What a session id says; none if it is not one."""
    try:
        digits = "".join(DIGITS[letter] for letter in text)
        parts = bytes.fromhex(digits).decode("ascii").split(".")
        return Position(*map(int, parts))
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(slots=True, eq=False)
class Client:
    """Somebody who started or joined a session."""

    number: int
    latest: int
    """The place that the newest id stands for."""
    issue: int = 0
    """Of the newest id."""
    started: bool = False
    """Whether it needs no refresh set to begin with."""
    owner: str = ""
    """Whose token it came with."""
    superseded: bool = False
    """Its owner joined once more: what only this client has to fetch is nobody's debt."""
    polls: int = 0
    waiting: asyncio.Future[None] | None = None
    heard_at: float = 0.0
    """Monotonic seconds."""


class AgentSession:
    """One agent's session. Its events are kept until the slowest client has them."""

    def __init__(self, number: int, agent: Agent, ledger: Ledger, *, max_queue: int) -> None:
        self.number = number
        self.agent = agent
        self.platform_id = 7_000_000 + number
        """What AgentSessionStart tells; it is no cursor."""
        self.clients: dict[int, Client] = {}
        self.ended_at: float | None = None
        """Monotonic seconds."""
        self.forgotten = False
        self.timeout_seconds: float | None = None
        """After how long without a request the session ends; none for one that the agent's own desk keeps."""
        self.force_logout = False
        self._ledger = ledger
        self._max_queue = max_queue
        self._queue: deque[Queued] = deque()
        self.place = 0
        """Of the newest event."""

    def publish(self, frame: bytes, number: int) -> None:
        """Put an event into the queue of every client that listens."""
        self.place += 1
        listeners = [client for client in self.clients.values() if client.started]
        if not listeners:
            self._ledger.lost([number], LostBecause.NO_SUBSCRIPTION)
            return
        owed = sum(not client.superseded for client in listeners)
        self._ledger.queued(number, owed)
        if not owed:
            self._ledger.lost([number], LostBecause.NO_SUBSCRIPTION)
        self._queue.append(Queued(self.place, frame, number))
        if len(self._queue) > self._max_queue:
            self._drop_oldest()
        for client in listeners:
            wake(client)

    def pending(self, client: Client) -> list[Queued]:
        """What the client has not been given yet."""
        return [one for one in self._queue if one.place > client.latest]

    def give(self, client: Client, place: int) -> str:
        """Note that the client has everything up to `place`; returns its next id."""
        client.latest = place
        client.issue += 1
        return write_id(Position(self.number, client.number, client.issue))

    def written(self, given: Iterable[Queued]) -> None:
        """They go out on a connection that is open."""
        self._ledger.written(one.number for one in given)

    def acknowledge(self, client: Client) -> None:
        """The client came with its newest id, so it has what was sent before."""
        self._ledger.acknowledged(one.number for one in self._queue if one.place <= client.latest)
        self._trim()

    def catch_up(self, client: Client) -> int:
        """The client gets the present instead of what it missed; returns the place of the present."""
        self._ledger.abandoned(one.number for one in self._queue if one.place <= client.latest)
        self._ledger.lost(
            [one.number for one in self._queue if one.place > client.latest],
            LostBecause.SESSION_GONE,
        )
        client.started = True
        client.latest = self.place
        self._trim()
        return self.place

    def is_inactive(self, now: float) -> bool:
        """Whether nobody asked for events for longer than the session may be left alone; a held request asks."""
        if self.ended_at is not None or self.timeout_seconds is None:
            return False
        clients = self.clients.values()
        heard = max((one.heard_at for one in clients), default=0.0)
        return not any(one.waiting for one in clients) and now - heard > self.timeout_seconds

    def supersede(self, owner: str) -> None:
        """Whoever joins again has given up the earlier place: the oracle asks for it no more."""
        for client in self.clients.values():
            if client.owner == owner and client.started and not client.superseded:
                client.superseded = True
                self._give_up(client)

    def _give_up(self, client: Client) -> None:
        """What only this client had to get is lost; what was written to it may have arrived."""
        gone = [one.number for one in self._queue if one.place > client.latest]
        self._ledger.lost(gone, LostBecause.SESSION_GONE)
        self._ledger.abandoned(one.number for one in self._queue if one.place <= client.latest)

    def remove(self, client: Client) -> None:
        """Forget a client, and what only it had to get."""
        del self.clients[client.number]
        if client.started and not client.superseded:
            self._give_up(client)
        self._trim()
        wake(client)

    def _trim(self) -> None:
        slowest = min(
            (one.latest for one in self.clients.values() if one.started), default=self.place
        )
        kept = self._queue
        while kept and kept[0].place <= slowest:
            kept.popleft()

    def _drop_oldest(self) -> None:
        for client in [one for one in self.clients.values() if one.started]:
            if client.latest < self._queue[0].place:
                client.started = False
                self._ledger.lost(
                    [one.number for one in self._queue if one.place > client.latest],
                    LostBecause.OVERFLOW,
                )
        self._trim()


def wake(client: Client) -> None:
    """Let the held poll look again."""
    waiting, client.waiting = client.waiting, None
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


@dataclass(slots=True)
class AgentSessions:
    """All agent sessions: the feed of this platform."""

    ledger: Ledger
    max_queue: int
    idle_client_seconds: float
    linger_seconds: float
    sessions: dict[int, AgentSession] = field(default_factory=dict)
    """By number; those that ended stay a while."""
    held: int = 0
    handshakes: int = 0
    connects: int = 0
    sweep_seconds: float = 0.5
    releasing: bool = False
    on_inactive: Callable[[AgentSession], None] | None = None
    """Called for a session that nobody used for longer than it may be."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _client_numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self, agent: Agent) -> AgentSession:
        """A new session of an agent who has none."""
        session = AgentSession(next(self._numbers), agent, self.ledger, max_queue=self.max_queue)
        self.sessions[session.number] = session
        agent.session = session
        return session

    def join(self, session: AgentSession, owner: str, *, started: bool) -> str:
        """A new client; returns its first id. One that `started` the session hears it from the beginning."""
        self.handshakes += 1
        session.supersede(owner)
        client = Client(
            next(self._client_numbers),
            session.place,
            started=started,
            owner=owner,
            heard_at=time.monotonic(),
        )
        session.clients[client.number] = client
        return write_id(Position(session.number, client.number, 0))

    def find(self, text: str) -> tuple[AgentSession, Client, int] | None:
        """Whose session id it is, and the how manieth of its client; none if nobody knows it."""
        position = read_id(text)
        session = self.sessions.get(position.session) if position else None
        if position is None or session is None or session.forgotten:
            return None
        client = session.clients.get(position.client)
        if client is None or not 0 <= position.issue <= client.issue:
            return None
        return session, client, position.issue

    def close(self, session: AgentSession) -> None:
        """The session is over; what was published last can be fetched for a while."""
        session.ended_at = time.monotonic()
        session.agent.session = None
        for client in session.clients.values():
            wake(client)

    def forget(self, agents: Iterable[Agent]) -> None:
        """The platform knows the ids no more, as after a restart."""
        for session in list(self.sessions.values()):
            if session.agent in agents and not session.forgotten:
                session.forgotten = True
                self.close(session)
                for client in list(session.clients.values()):
                    session.remove(client)

    def sweep(self) -> None:
        """Forget clients that poll no more, and sessions that ended."""
        now = time.monotonic()
        for session in list(self.sessions.values()):
            if self.on_inactive is not None and session.is_inactive(now):
                self.on_inactive(session)
            if session.ended_at is not None and now - session.ended_at > self.linger_seconds:
                for client in list(session.clients.values()):
                    if client.started and session.pending(client):
                        session.catch_up(client)
            for client in list(session.clients.values()):
                if client.waiting is None and now - client.heard_at > self.idle_client_seconds:
                    session.remove(client)
            if session.ended_at is not None and now - session.ended_at > self.idle_client_seconds:
                del self.sessions[session.number]

    def wake(self) -> None:
        """Let every held poll look again."""
        for session in self.sessions.values():
            for client in session.clients.values():
                wake(client)

    def release_all(self) -> None:
        """Answer every held poll now."""
        self.releasing = True
        self.wake()

    def publish(self, agent: Agent, message: dict[str, Any], kind: str) -> None:
        """Tell all clients of the agent's session; each event gets a `ReferenceId` for the oracle."""
        number = self.ledger.record(
            agent=agent.username, topic=kind, message_type=kind, at_ms=time.time_ns() // 1_000_000
        )
        session = agent.session
        if session is None:
            self.ledger.lost([number], LostBecause.NO_SESSION)
            return
        frame = msgspec.json.encode({**message, "ReferenceId": f"sim-{number}"})
        session.publish(frame, number)
