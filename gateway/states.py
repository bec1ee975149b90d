"""The closed vocabularies of state: two for the contact centre, one for our own feeds.

Agent state (can this person be routed to?) and connection state (what is this leg doing?) are two axes that are never
mixed. Both follow CSTA (ECMA-269: agent states in clause 6.1, connection states in clause 6.1.5). A value that a
platform invents maps to `unknown`; the raw value stays in the event's `native` part.
"""

from __future__ import annotations

from enum import StrEnum


class AgentState(StrEnum):
    """Whether an agent can be routed to."""

    LOGGED_OFF = "logged_off"
    NOT_READY = "not_ready"
    READY = "ready"
    RESERVED = "reserved"
    BUSY = "busy"
    AFTER_CONTACT = "after_contact"
    UNKNOWN = "unknown"


class ConnectionState(StrEnum):
    """What one leg of a call is doing."""

    INITIATED = "initiated"
    QUEUED = "queued"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HELD = "held"
    FAILED = "failed"
    CLEARED = "cleared"
    UNKNOWN = "unknown"


_C = ConnectionState

CONNECTION_TRANSITIONS: dict[ConnectionState | None, frozenset[ConnectionState]] = {
    None: frozenset({_C.INITIATED, _C.QUEUED, _C.ALERTING}),
    _C.INITIATED: frozenset({_C.QUEUED, _C.ALERTING, _C.CONNECTED, _C.FAILED, _C.CLEARED}),
    _C.QUEUED: frozenset({_C.ALERTING, _C.CONNECTED, _C.FAILED, _C.CLEARED}),
    _C.ALERTING: frozenset({_C.QUEUED, _C.CONNECTED, _C.FAILED, _C.CLEARED}),
    _C.CONNECTED: frozenset({_C.HELD, _C.FAILED, _C.CLEARED}),
    _C.HELD: frozenset({_C.CONNECTED, _C.FAILED, _C.CLEARED}),
    _C.FAILED: frozenset({_C.CLEARED}),
    _C.CLEARED: frozenset(),
    _C.UNKNOWN: frozenset(_C),
}
"""What may follow what on one connection. `None` is a connection not seen before; anything may follow `unknown`.

A transition that is not in the table is passed on and flagged, never suppressed: the platform is the authority on what
happened, the table only on what is surprising.
"""


def is_legal(previous: ConnectionState | None, following: ConnectionState) -> bool:
    """Whether one connection may go from `previous` to `following`; `unknown` is never surprising."""
    return following is _C.UNKNOWN or following in CONNECTION_TRANSITIONS[previous]


_A = AgentState

AGENT_TRANSITIONS: dict[AgentState, frozenset[AgentState]] = {
    _A.LOGGED_OFF: frozenset({_A.NOT_READY, _A.READY}),
}
"""What may follow what for one agent, where not everything may.

CSTA lets an agent who is logged on go from any state to any other: supervisors, contacts outside the routing and manual
after-contact work all skip states. But nobody works who is logged off, so a log-on was missed then.
"""


def is_legal_for_agent(previous: AgentState | None, following: AgentState) -> bool:
    """Whether an agent may go from `previous` to `following`; what is not known is never surprising."""
    if previous is None or following in {previous, _A.UNKNOWN}:
        return True
    return following in AGENT_TRANSITIONS.get(previous, _A)


class FeedState(StrEnum):
    """The life of a feed as the supervisor sees it."""

    PENDING = "pending"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    BACKING_OFF = "backing_off"
    JOURNAL_FULL = "journal_full"
    AUTH_REJECTED = "auth_rejected"
    FAILED = "failed"
    DRAINING = "draining"
    PAUSED = "paused"
    STOPPED = "stopped"

    @property
    def operator_action(self) -> str:
        """What a person should do about it; empty when nothing."""
        return _OPERATOR_ACTIONS.get(self, "")


_OPERATOR_ACTIONS = {
    FeedState.JOURNAL_FULL: "make room on the disk of gateway.data_dir or raise gateway.journal limits",
    FeedState.AUTH_REJECTED: "check the account's credentials and rights on the platform",
    FeedState.PAUSED: "resume the connector when its platform is ready: POST /v1/connectors/NAME/resume",
    FeedState.FAILED: "read the feed's last error: the configuration must change before it can work",
}
