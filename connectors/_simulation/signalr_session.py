"""One connection id of the simulated SignalR server, and the request that carries its messages at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from connectors._simulation.signalr_bus import Topic


class End(Enum):
    """Why a stream ends from the server's side."""

    REPLACED = auto()
    """Another stream with the same token came; the last one wins."""
    ABORTED = auto()
    """The client said that it leaves."""
    SHUTDOWN = auto()
    CUT = auto()
    """The socket is to go without a word."""


class StreamTampering(Protocol):
    """What may be done to the messages of a user on their way out."""

    def stalled(self, owner: str) -> bool:
        """Whether no message may be delivered now."""

    def silent(self, owner: str) -> bool:
        """Whether not even keep-alives go out."""

    def discards(self, owner: str) -> bool:
        """Whether what is published now is lost."""

    def cuts(self, owner: str) -> bool:
        """Whether the socket goes instead of the frame."""

    def wanted(self, owner: str) -> int:
        """How many messages a frame must hold before it is worth sending."""

    def body(self, owner: str) -> bytes | None:
        """What to send before, or instead of, a proper frame."""

    def frames(self, owner: str, frames: list[bytes]) -> list[bytes]:
        """The encoded messages of one frame as they are to go out."""


@dataclass(slots=True, eq=False)
class Connection:
    """What the server knows of a connection id. It ends when it has had no stream for the disconnect timeout."""

    id: str
    user: str
    """Empty for a client that nobody knows."""
    hubs: tuple[str, ...]
    """The hubs it asked for, in the server's spelling."""
    idle_since: float
    """When it last had a stream. Monotonic seconds."""
    started: bool = False
    groups: set[str] = field(default_factory=set)
    """Topics of the groups it is in."""
    stream: Stream | None = None
    written: dict[str, int] = field(default_factory=dict)
    """By topic, up to where messages went out on an open socket."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """By topic, up to where a cursor of the client's said that it has them."""

    @property
    def topics(self) -> list[str]:
        """Its topics, in the order in which a frame takes from them."""
        keys = [f"h-{hub}" for hub in self.hubs]
        keys += [f"hc-{hub}.{self.id}" for hub in self.hubs]
        if self.user:
            keys += [f"hu-{hub}.{self.user}" for hub in self.hubs]
        return [*keys, self.own_topic, *sorted(self.groups)]

    @property
    def own_topic(self) -> str:
        """Where the server's commands to it go."""
        return f"c-{self.id}"

    def wake(self) -> None:
        """Let its stream look for something to send."""
        if self.stream is not None:
            self.stream.changed.set()


class Stream:
    """An open request on which messages go out. Its positions are its own: the client's cursor set them."""

    def __init__(
        self, connection: Connection, transport: str, positions: Mapping[Topic, int], *, opens: bool
    ) -> None:
        self.connection = connection
        self.transport = transport
        self.positions = dict(positions)
        self.opens = opens
        """Whether it came by /connect, so that its first frame says so."""
        self.changed = asyncio.Event()
        self.ended: End | None = None

    def finish(self, end: End) -> None:
        """Let it end. The first reason counts."""
        self.ended = self.ended or end
        self.changed.set()

    async def wait(self, seconds: float) -> None:
        """Until something may have changed, but at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return
        finally:
            self.changed.clear()


class Frame(NamedTuple):
    """A frame as it goes out, and what it means for the books when it has gone."""

    body: bytes
    numbers: Iterable[int] = ()
    reached: tuple[tuple[str, int], ...] = ()
    """Topics with where they are read up to."""
