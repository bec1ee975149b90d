"""Whether an agent can be routed to, on each medium and over all of them: folded from what the platform tells of each.

The agent's state has three sources. Base: the most available of all phones and channels (ready, then after-contact
work, then not ready, then logged off). A ready agent with a ringing call is `reserved`; one who is logged in and has a
call that is connected or held is `busy`, and what the agent will be afterwards is the pending state. Until the platform
has told a device or channel state, calls alone say nothing about the agent. Source: ECMA-269 for the meaning of the
states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from connectors._genesys.message import Message
from gateway.events import Confidence, Data
from gateway.events.agents import AgentChannel, AgentSession, AgentStateData
from gateway.events.common import MediaReadiness
from gateway.states import AgentState, ConnectionState

VOICE = "voice"
STATE_CHANGED = "tieline.agent.state.changed.v1"
STATE_SNAPSHOT = "tieline.agent.state.snapshot.v1"
DEVICE_CHANGED = "tieline.agent.device.changed.v1"
CHANNEL_CHANGED = "tieline.agent.channel.changed.v1"

_A = AgentState
_AVAILABILITY = (_A.READY, _A.AFTER_CONTACT, _A.NOT_READY, _A.LOGGED_OFF, _A.UNKNOWN)
_RANK = {state: rank for rank, state in enumerate(_AVAILABILITY)}
_TALKING = frozenset({ConnectionState.CONNECTED, ConnectionState.HELD})
_T = TypeVar("_T")


class Readiness(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Whether the agent can be routed to on one device or channel, and the platform's words for it."""

    state: AgentState | None = None
    native_state: str | None = None
    reason: str | None = None
    label: str | None = None


class Device(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A phone of the agent."""

    readiness: Readiness = msgspec.field(default_factory=Readiness)
    number: str | None = None
    active: bool | None = None
    do_not_disturb: bool | None = None
    forward_to: str | None = None


class Channel(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A medium of the agent other than a phone."""

    readiness: Readiness = msgspec.field(default_factory=Readiness)
    active: bool | None = None
    do_not_disturb: bool | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The agent's state over all devices, channels and calls, as it was last told."""

    state: AgentState
    pending: AgentState | None = None
    reason: str | None = None
    label: str | None = None
    native_state: str | None = None


class Agent(Protocol):
    """The part of an agent's picture that the state is folded from."""

    standing: Standing | None
    devices: dict[str, Device]
    channels: dict[str, Channel]

    @property
    def legs(self) -> Iterable[ConnectionState]:
        """The states of the agent's calls."""
        ...


def put(collection: dict[str, _T], key: str, value: _T, limit: int) -> None:
    """Add or replace an entry; the oldest one makes room when there are more than `limit`."""
    if key not in collection and len(collection) >= limit:
        del collection[next(iter(collection))]
    collection[key] = value


def refresh(message: Message, agent: Agent, *, observed: bool) -> bool:
    """Fold the agent's state anew and tell it if it changed; returns whether it did."""
    standing = _standing(agent)
    before = agent.standing
    if standing is None or standing == before:
        return False
    agent.standing = standing
    if observed:
        _tell_session(message, agent, before, standing)
    message.add_agent(
        STATE_CHANGED,
        _state_data(message, agent, standing, before),
        confidence=Confidence.OBSERVED if observed else Confidence.INFERRED,
    )
    return True


def tell(message: Message, agent: Agent, changed: Sequence[Data], all_: Sequence[Data]) -> None:
    """The parts that changed, the agent's state if it changed, and if nothing did, the state as it was restated."""
    kind = CHANNEL_CHANGED if isinstance(all_[0], AgentChannel) else DEVICE_CHANGED
    for data in changed:
        message.add_agent(kind, data)
    if not refresh(message, agent, observed=True) and not changed:
        standing = agent.standing
        if standing is None:
            for data in all_:
                message.add_agent(kind, data)
        else:
            message.add_agent(STATE_SNAPSHOT, _state_data(message, agent, standing, standing))


def tell_snapshot(message: Message, agent: Agent) -> None:
    """The state after a question about everything: as a change if it is another one than was told, else as it is."""
    before = agent.standing
    standing = _standing(agent) or Standing(state=_A.LOGGED_OFF)
    agent.standing = standing
    _tell_session(message, agent, before, standing)
    moved = before is not None and before != standing
    message.add_agent(
        STATE_CHANGED if moved else STATE_SNAPSHOT,
        _state_data(message, agent, standing, before),
    )


def _tell_session(message: Message, agent: Agent, before: Standing | None, now: Standing) -> None:
    """A working session began or ended, if it is known how things stood before."""
    if before is None or (before.state is _A.LOGGED_OFF) == (now.state is _A.LOGGED_OFF):
        return
    started = now.state is not _A.LOGGED_OFF
    device = next(iter(agent.devices.values()), None)
    message.add_agent(
        f"tieline.agent.session.{'started' if started else 'ended'}.v1",
        AgentSession(
            agent=message.origin.agent,
            station=device.number if device else None,
            media=[media.media for media in _media(agent) if media.state is not _A.LOGGED_OFF],
            reason=now.reason,
            native=message.native(state=now.native_state, reason=now.reason),
        ),
    )


def _state_data(
    message: Message, agent: Agent, standing: Standing, before: Standing | None
) -> AgentStateData:
    return AgentStateData(
        agent=message.origin.agent,
        state=standing.state,
        previous_state=before.state if before else None,
        reason=standing.reason,
        reason_label=standing.label,
        pending_state=standing.pending,
        media=_media(agent),
        native_state=standing.native_state,
        native=message.native(state=standing.native_state, reason=standing.reason),
    )


def _media(agent: Agent) -> list[MediaReadiness]:
    voice = _most_available(agent.devices.values())
    found = [] if voice is None else [(VOICE, voice)]
    found += [(name, channel.readiness) for name, channel in agent.channels.items()]
    return [
        MediaReadiness(media=name, state=readiness.state, reason=readiness.reason)
        for name, readiness in found
        if readiness.state is not None
    ]


def _most_available(parts: Iterable[Device | Channel]) -> Readiness | None:
    best, best_rank = None, len(_RANK)
    for part in parts:
        state = part.readiness.state
        if state is not None and (rank := _RANK[state]) < best_rank:
            best, best_rank = part.readiness, rank
    return best


def _standing(agent: Agent) -> Standing | None:
    base = _most_available((*agent.devices.values(), *agent.channels.values()))
    if base is None or base.state is None:
        return None
    state, pending = base.state, None
    legs = set(agent.legs)
    if legs and state is not _A.LOGGED_OFF:
        if legs & _TALKING:
            state, pending = _A.BUSY, base.state
        elif state is _A.READY and ConnectionState.ALERTING in legs:
            state, pending = _A.RESERVED, base.state
    return Standing(
        state=state,
        pending=pending,
        reason=base.reason,
        label=base.label,
        native_state=base.native_state,
    )
