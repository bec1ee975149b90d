"""What a simulated contact centre consists of: agents, calls, interactions. Data only; `world.py` lets them act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any


class Style(Enum):
    """Which generation of the server's messages an agent's feed speaks."""

    REFERENCE = auto()
    """As printed in the API reference: participants are strings, call ids are connection ids."""
    RECENT = auto()
    """As 8.5.2 servers send: participants are objects, call ids are UUIDs, more extras."""


class CallState(StrEnum):
    """States of a call on an agent's device."""

    DIALING = "Dialing"
    RINGING = "Ringing"
    ESTABLISHED = "Established"
    HELD = "Held"
    RELEASED = "Released"


class Recording(StrEnum):
    """States of a call's recording ("Call Recording API, API Extensions")."""

    RECORDING = "Recording"
    PAUSED = "Paused"
    STOPPED = "Stopped"


class InteractionState(StrEnum):
    """States of an e-mail or chat."""

    INVITED = "Invited"
    ACCEPTED = "Accepted"
    REVOKED = "Revoked"
    REPLY_CREATED = "ReplyCreated"
    PROPERTIES_CHANGED = "PropertiesChanged"
    QUEUED = "Queued"
    PULLED = "Pulled"
    COMPLETED = "Completed"
    CANCELED = "Canceled"
    SENT = "Sent"


OPEN_STATES = frozenset(
    {
        InteractionState.INVITED,
        InteractionState.ACCEPTED,
        InteractionState.REPLY_CREATED,
        InteractionState.PROPERTIES_CHANGED,
        InteractionState.PULLED,
    }
)


@dataclass(frozen=True, slots=True)
class UserState:
    """An agent state definition, or T-Server's bare LoggedIn and LoggedOut."""

    state: str
    id: str | None = None
    display_name: str | None = None
    work_mode: str | None = None
    reason: str | None = None


LOGGED_OUT = UserState("LoggedOut")
LOGGED_IN = UserState("LoggedIn")
READY = UserState("Ready", "9430250E-0A1B-421F-B372-F29E69366DED", "Ready")
NOT_READY = UserState("NotReady", "900D55CC-2BB0-431F-8BF9-D3525B383BE6", "Not Ready")
AFTER_CALL_WORK = UserState(
    "NotReady", "D3663509-3D82-4DD3-A82E-2EA8EFA02ADD", "After Call Work", "AfterCallWork"
)
AGENT_STATES = {
    "Ready": READY,
    "NotReady": NOT_READY,
    "AfterCallWork": AFTER_CALL_WORK,
    "AuxWork": UserState(
        "NotReady", "2B36138E-2A4B-4E4D-8E9D-5C5A32DE2A6A", "Auxiliary Work", "AuxWork"
    ),
    "OutToLunch": UserState(
        "NotReady", "6B0E8A4C-8A0B-4B0F-9C3B-0E5A6E0A7B11", "Out to Lunch", "AuxWork", "Lunch"
    ),
    "Coaching": UserState(
        "NotReady", "0C4A3B7E-3E4F-4E0B-8F4A-93E9E9A0C5D2", "Coaching", "AuxWork", "Coaching"
    ),
    "Offline": UserState("LoggedOut", "0F7F5003-EF26-4D13-A6EF-D0C7EC819BEB", "Offline"),
}
"""By operation name: what POST {"operationName": ...} on a device, channel or /me sets."""


@dataclass(slots=True, eq=False)
class Call:
    """One call on one agent's device."""

    id: str
    uuid: str
    connection_id: str
    state: CallState
    call_type: str
    ani: str
    dnis: str
    participants: list[str]
    started_at: float
    user_data: dict[str, Any] = field(default_factory=dict)
    recording: Recording | None = None
    muted: bool = False
    parent: Call | None = None
    """For a consultation: the call it was made from."""
    commanded: bool = False
    """Made by a command or on demand: the agent's life does not touch it."""

    def consulted_by(self, others: Iterable[Call]) -> Call | None:
        """The consultation call made from this one, if there is one."""
        return next((other for other in others if other.parent is self), None)


@dataclass(slots=True, eq=False)
class Interaction:
    """One e-mail or chat at one agent."""

    id: str
    channel: str
    state: InteractionState
    subject: str
    text: str
    from_address: str
    to_address: str
    queue: str
    started_at_ms: int
    thread_id: str
    session_id: str
    kind: str = "Inbound"
    sub_kind: str = "InboundNew"
    parent_id: str | None = None
    user_data: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    shown_events: list[dict[str, Any]] = field(default_factory=list)
    """What the next message shows of the chat: not all, not sorted."""
    session_ended: bool = False
    attachments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the agent still has it."""
        return self.state in OPEN_STATES

    @property
    def latest_event_id(self) -> int:
        """The id of the newest chat event, 0 before the first."""
        return len(self.events)


@dataclass(slots=True, eq=False)
class Agent:
    """One account, with its one device."""

    username: str
    password: str
    id: str
    first_name: str
    phone_number: str
    device_id: str
    voice_environment_id: str
    style: Style
    voice: UserState = LOGGED_OUT
    channels: dict[str, UserState] = field(
        default_factory=lambda: {"chat": LOGGED_OUT, "email": LOGGED_OUT}
    )
    do_not_disturb: bool = False
    suspended_channels: set[str] = field(default_factory=set)
    forward_to: str | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    left_alone_until: float = 0.0
    """Monotonic time until which the agent's life leaves calls and state alone."""
    wraps_up: bool = False
    """A call just ended: after-call work is next."""

    @property
    def logged_in(self) -> bool:
        """Whether the agent has a contact-centre session on voice."""
        return self.voice.state != "LoggedOut"
