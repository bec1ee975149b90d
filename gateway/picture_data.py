"""What the live picture keeps, and the parts of events that it opens.

The entries are public: the API shows them as they are. Times are kept as the text that stands in the event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from gateway.states import AgentState, ConnectionState

DIRECTIONS = ("inbound", "outbound", "internal", "consult", "unknown")

_PRECEDENCE = {
    state: rank
    for rank, state in enumerate(
        (
            ConnectionState.CONNECTED,
            ConnectionState.HELD,
            ConnectionState.ALERTING,
            ConnectionState.QUEUED,
            ConnectionState.INITIATED,
            ConnectionState.FAILED,
            ConnectionState.UNKNOWN,
            ConnectionState.CLEARED,
        )
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """The most entries of each kind, and the most values of one queue."""

    agents: int = 50_000
    calls: int = 50_000
    interactions: int = 100_000
    queues: int = 10_000
    alerts: int = 5_000
    values_per_queue: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStatistics:
    """Figures of a picture.

    `evicted` counts, per kind, entries that gave way and values that were left out; `undecodable` counts events whose
    data was not what their type says.
    """

    position: int
    agents: int
    calls: int
    interactions: int
    queues: int
    alerts: int
    evicted: Mapping[str, int]
    undecodable: int


class MediumEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an agent can be routed to on one medium."""

    media: str
    state: AgentState
    reason: str | None = None


class AgentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An agent. `since` is when the state began, as far as known."""

    connector: str
    agent: str
    state: AgentState = AgentState.UNKNOWN
    since: str = ""
    reason: str | None = None
    media: tuple[MediumEntry, ...] = ()


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's part of a call; without an agent, the part in a queue."""

    agent: str | None
    state: ConnectionState
    since: str


class CallEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is alive.

    Attributes:
        state, since: of the foremost leg: a call that one agent talks on counts as connected, whoever else it rings at.
        direction: one of `DIRECTIONS`.
        parties: how many, as far as told.
    """

    connector: str
    call: str
    state: ConnectionState = ConnectionState.UNKNOWN
    since: str = ""
    direction: str = "unknown"
    agents: tuple[str, ...] = ()
    queue: str | None = None
    parties: int = 0
    legs: tuple[Leg, ...] = ()


class InteractionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An interaction that is not over. `state` is the verb of the event that put it where it is."""

    connector: str
    interaction: str
    media: str
    state: str = ""
    since: str = ""
    direction: str = "unknown"
    agent: str | None = None
    queue: str | None = None
    workbin: str | None = None


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, or a group that is measured like one, with the last value of each figure.

    `kind` is queue, skill, skill_group, team, group or business_unit; a figure of an interval is named
    `<figure>@<interval>`.
    """

    connector: str
    queue: str
    kind: str = "queue"
    open: bool | None = None
    estimated_wait_seconds: float | None = None
    observed_at: str | None = None
    values: dict[str, float] = msgspec.field(default_factory=dict)


def place_of(entry: QueueEntry) -> tuple[str, str]:
    """Where the entry stands in the table of queues."""
    return entry.connector, queue_place(entry.kind, entry.queue)


def queue_place(kind: str, queue: str) -> str:
    """The part of that place that names kind and id: a skill may have a queue's name."""
    return f"{kind}/{queue}"


def foremost(legs: tuple[Leg, ...]) -> Leg:
    """The leg that says what the call as a whole is doing."""
    return legs[0] if len(legs) == 1 else min(legs, key=lambda leg: _PRECEDENCE[leg.state])


def legs_after(
    legs: tuple[Leg, ...], agent: str | None, state: ConnectionState, time: str
) -> tuple[Leg, ...]:
    """The legs after one has changed. A call that an agent has is no longer only in a queue."""
    if state is ConnectionState.CLEARED:
        return () if agent is None else tuple(one for one in legs if one.agent != agent)
    before = next((one for one in legs if one.agent == agent), None)
    since = before.since if before is not None and before.state is state else time
    others = (one for one in legs if one.agent != agent and one.agent is not None)
    return (*others, Leg(agent=agent, state=state, since=since))


def direction_of(text: str) -> str:
    """The direction if it is one of ours."""
    return text if text in DIRECTIONS else "unknown"


class SessionData(msgspec.Struct):
    """What is needed of the data of agent.session.*."""

    agent: str
    reason: str | None = None


class StateData(msgspec.Struct):
    """What is needed of the data of agent.state.*."""

    agent: str
    state: AgentState
    since: str | None = None
    reason: str | None = None
    media: tuple[MediumEntry, ...] = ()


class ChannelData(msgspec.Struct):
    """What is needed of the data of agent.channel.changed."""

    agent: str
    media: str
    state: AgentState | None = None
    reason: str | None = None


class CallData(msgspec.Struct):
    """What is needed of the data of call.*: of the parties only how many they are."""

    call: str
    agent: str | None = None
    state: ConnectionState | None = None
    direction: str | None = None
    queue: str | None = None
    parties: list[msgspec.Raw] = msgspec.field(default_factory=list)


class WorkbinData(msgspec.Struct):
    """Which workbin."""

    id: str


class InteractionData(msgspec.Struct):
    """What is needed of the data of interaction.*."""

    interaction: str
    media: str
    agent: str | None = None
    queue: str | None = None
    direction: str | None = None
    workbin: WorkbinData | None = None


class ObjectData(msgspec.Struct):
    """What is measured."""

    kind: str
    id: str


class MetricsData(msgspec.Struct):
    """What is needed of the data of queue.metrics.observed."""

    object: ObjectData
    values: dict[str, float]
    observed_at: str
    window: str | None = None


class QueueStateData(msgspec.Struct):
    """What is needed of the data of queue.state.changed."""

    queue: str
    open: bool | None = None
    estimated_wait_seconds: float | None = None


_D = TypeVar("_D")


class Seen(msgspec.Struct, Generic[_D]):
    """An event as far as the picture opens it."""

    time: str
    data: _D


def decoder_of(data: type[_D]) -> Callable[[bytes], Seen[_D]]:
    """The function that opens the body of an event with this data."""
    return msgspec.json.Decoder(Seen[data]).decode  # type: ignore[valid-type] # a type that is passed in is no annotation
