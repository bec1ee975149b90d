"""Data of the events about calls and their recordings, and about supervision of them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gateway.events.common import Native, Party, Text
from gateway.events.envelope import Data, Sensitivity
from gateway.states import ConnectionState


class Call(Data, frozen=True, kw_only=True):
    """A call, as seen from one agent's leg (or from a queue).

    Attributes:
        call: the call's id on the platform.
        state: the leg's connection state after the event.
        direction: inbound, outbound, internal, consult or unknown.
        cause: why it failed or ended, if told.
        related_call: the other call of a consultation, transfer or conference.
        talk_seconds, hold_seconds, queue_seconds, duration_seconds: whole durations, if told.
    """

    call: str
    agent: str | None = None
    state: ConnectionState | None = None
    previous_state: ConnectionState | None = None
    direction: str | None = None
    parties: list[Party] = msgspec.field(default_factory=list)
    party: Party | None = None
    queue: str | None = None
    cause: str | None = None
    related_call: str | None = None
    muted: bool | None = None
    duration_seconds: float | None = None
    talk_seconds: float | None = None
    hold_seconds: float | None = None
    queue_seconds: float | None = None
    native: Native | None = None


class CallDataChanged(Data, frozen=True, kw_only=True):
    """Data attached to a call changed. `values` holds the new values of `changed` and is subject to masking."""

    call: str
    agent: str | None = None
    changed: list[str] = msgspec.field(default_factory=list)
    removed: list[str] = msgspec.field(default_factory=list)
    values: Annotated[dict[str, Any], Sensitivity.DATA] = msgspec.field(default_factory=dict)
    native: Native | None = None


class CallDtmf(Data, frozen=True, kw_only=True):
    """Tones were sent. The digits are known only where the platform repeats them."""

    call: str
    agent: str | None = None
    digits: Text | None = None
    native: Native | None = None


class CallMute(Data, frozen=True, kw_only=True):
    """The agent's leg was muted or unmuted."""

    call: str
    agent: str | None = None
    muted: bool
    native: Native | None = None


class CallJourney(Data, frozen=True, kw_only=True):
    """The customer's way before the agent: menu nodes, queues, earlier contacts, oldest first."""

    call: str
    agent: str | None = None
    steps: Annotated[list[dict[str, Any]], Sensitivity.DATA] = msgspec.field(default_factory=list)
    native: Native | None = None


class Recording(Data, frozen=True, kw_only=True):
    """A recording of a call or of an agent's audio.

    `mode` is call, agent or screen; `reason` is mask, blackout, policy or on_demand. `tags` are subject to masking.
    """

    call: str | None = None
    agent: str | None = None
    recording: str | None = None
    mode: str | None = None
    reason: str | None = None
    tags: Annotated[dict[str, str], Sensitivity.DATA] = msgspec.field(default_factory=dict)
    native: Native | None = None


class Supervision(Data, frozen=True, kw_only=True):
    """A supervisor listens to, coaches or barges into a call, an interaction or an agent. `scope` is call or agent."""

    supervisor: str | None = None
    agent: str | None = None
    call: str | None = None
    interaction: str | None = None
    mode: str | None = None
    scope: str | None = None
    native: Native | None = None
