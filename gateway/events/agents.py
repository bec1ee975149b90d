"""Data of the events about agents."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.events.common import MediaReadiness, Native, Number
from gateway.events.envelope import Data
from gateway.states import AgentState


class AgentSession(Data, frozen=True, kw_only=True):
    """An agent's working session began or ended."""

    agent: str
    station: str | None = None
    place: str | None = None
    media: list[str] = msgspec.field(default_factory=list)
    reason: str | None = None
    native: Native | None = None


class AgentStateData(Data, frozen=True, kw_only=True):
    """Whether the agent can be routed to. `since` is when the state began, if the platform tells."""

    agent: str
    state: AgentState
    previous_state: AgentState | None = None
    since: datetime | None = None
    reason: str | None = None
    reason_label: str | None = None
    pending_state: AgentState | None = None
    media: list[MediaReadiness] = msgspec.field(default_factory=list)
    suspended: bool | None = None
    native_state: str | None = None
    native: Native | None = None


class AgentDevice(Data, frozen=True, kw_only=True):
    """A device of the agent changed; only what the platform told is set."""

    agent: str
    device: str
    number: Number | None = None
    active: bool | None = None
    do_not_disturb: bool | None = None
    forward_to: Number | None = None
    native: Native | None = None


class AgentChannel(Data, frozen=True, kw_only=True):
    """One medium of the agent changed."""

    agent: str
    media: str
    active: bool | None = None
    state: AgentState | None = None
    reason: str | None = None
    do_not_disturb: bool | None = None
    native: Native | None = None


class AgentLeg(Data, frozen=True, kw_only=True):
    """The agent's own phone leg, where the platform keeps one between calls."""

    agent: str
    state: str
    previous_state: str | None = None
    native: Native | None = None


class AgentSkills(Data, frozen=True, kw_only=True):
    """The agent's skills changed."""

    agent: str
    added: list[str] = msgspec.field(default_factory=list)
    removed: list[str] = msgspec.field(default_factory=list)
    native: Native | None = None
