"""What the mapping remembers between messages: plain data that goes into the resume state.

The platform sends differences. They are merged here, so that every event can carry the whole value.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

MAX_AGENTS = 20_000
MAX_SESSIONS = 20_000
MAX_ALERTS = 5_000
MAX_OBJECTS = 20_000
MAX_VALUES = 2_000

_T = TypeVar("_T")


class AgentKnown(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An agent's status as last told, in the vendor's words."""

    name: str | None = None
    status: str | None = None
    reason: str | None = None
    reason_id: str | None = None
    since: str | None = None
    suspended: bool | None = None


class SessionKnown(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A session as merged from what was told of it.

    Attributes:
        holders: entities in whose lists it stands, such as `agent/5` and `queue/3`.
        state: the connection state that was last told.
        parties: agents that take part, with how.
        taken_by: the agent who has taken it, also while it is offered to the next.
    """

    modality: str
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    holders: list[str] = msgspec.field(default_factory=list)
    state: str | None = None
    parties: dict[str, str] = msgspec.field(default_factory=dict)
    offered: list[str] = msgspec.field(default_factory=list)
    taken_by: str | None = None


class State(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that was told of one connector's contact centre."""

    agents: dict[str, AgentKnown] = msgspec.field(default_factory=dict)
    sessions: dict[str, SessionKnown] = msgspec.field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)
    alerts: dict[str, str] = msgspec.field(default_factory=dict)
    prints: dict[str, str] = msgspec.field(default_factory=dict)
    """Fingerprints of the last message of each method about each object."""


def put(collection: dict[str, _T], key: str, value: _T, limit: int) -> None:
    """Add or replace an entry; the oldest makes room when there are more than `limit`."""
    if key not in collection and len(collection) >= limit:
        del collection[next(iter(collection))]
    collection[key] = value
