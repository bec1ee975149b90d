"""What a simulated Engage Cloud consists of: agents, calls, interactions. Data only; `world.py` lets them act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any

Pairs = dict[str, Any]
"""User data by key; on the wire it is a list of {key, type, value}."""
MEDIA = ("chat", "email", "workitem", "outboundpreview")


class Style(Enum):
    """Where vendor clients and the vendor's simulator disagree, each agent's feed speaks one of two dialects."""

    CLIENT = auto()
    """As the Workspace clients read it: StateChange for voice, `interactionId`, `notificationType` of workbins."""
    VENDOR_SIMULATOR = auto()
    """As the vendor's own simulator writes it: StatusChange everywhere, `id`, `name` of workbins."""


class CallState(StrEnum):
    """States of a call."""

    DIALING = "Dialing"
    RINGING = "Ringing"
    ESTABLISHED = "Established"
    HELD = "Held"
    RELEASED = "Released"
    COMPLETED = "Completed"


class Recording(StrEnum):
    """States of a call's recording; a call never recorded has none."""

    RECORDING = "Recording"
    PAUSED = "Paused"
    STOPPED = "Stopped"


class InteractionState(StrEnum):
    """States of an interaction that is no call."""

    INVITED = "Invited"
    PROCESSING = "Processing"
    COMPOSING = "Composing"
    COMPLETED = "Completed"
    CANCELED = "Canceled"
    SENT = "Sent"
    IN_WORKBIN = "InWorkbin"


OPEN_STATES = frozenset(
    {InteractionState.INVITED, InteractionState.PROCESSING, InteractionState.COMPOSING}
)


@dataclass(frozen=True, slots=True)
class AgentState:
    """The state on the DN or on a media channel."""

    state: str
    work_mode: str = "Unknown"
    reason: str | None = None


LOGGED_OUT = AgentState("LoggedOut")
READY = AgentState("Ready", "AutoIn")
NOT_READY = AgentState("NotReady", "ManualIn")
AFTER_CALL_WORK = AgentState("NotReady", "AfterCallWork")
WORK_MODES = frozenset(
    {"AutoIn", "ManualIn", "AuxWork", "AfterCallWork", "LegalGuard", "NoCallDisconnect", "WalkAway"}
)


@dataclass(slots=True, eq=False)
class Call:
    """One call on one agent's DN. Its id is its connection id."""

    id: str
    uuid: str
    state: CallState
    call_type: str
    ani: str
    dnis: str
    parties: list[tuple[str, str]]
    """Number and role of everybody else."""
    started_at: float
    user_data: Pairs = field(default_factory=dict)
    recording: Recording | None = None
    previous_id: str | None = None
    """The id before the other party handed its own call over: the feed names it once."""
    parent: Call | None = None
    """For a consultation: the call it was made from."""
    monitoring: str | None = None
    """For a supervisor's call: ListenIn, Coaching or BargeIn."""
    commanded: bool = False
    """Made by a command or on demand: the agent's life does not touch it."""

    @property
    def other_party(self) -> str:
        """The number at the other end."""
        return self.parties[0][0] if self.parties else ""

    def consulted_by(self, others: Iterable[Call]) -> Call | None:
        """The consultation call made from this one, if there is one."""
        return next((other for other in others if other.parent is self), None)


@dataclass(slots=True, eq=False)
class Interaction:
    """One chat, e-mail or work item at one agent."""

    id: str
    media: str
    state: InteractionState
    subject: str
    customer: str
    queue: str
    received_at_ms: int
    kind: str = "Inbound"
    sub_kind: str = "InboundNew"
    parent_id: str | None = None
    comment: str = ""
    contact_id: str = ""
    body: str = ""
    user_data: Pairs = field(default_factory=dict)
    attachments: list[Pairs] = field(default_factory=list)
    messages: list[Pairs] = field(default_factory=list)
    """For a chat: its log."""
    parties: list[Pairs] = field(default_factory=list)
    """For a chat: who is in it."""
    held: bool = False
    commanded: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the agent still has it."""
        return self.state in OPEN_STATES


@dataclass(slots=True, eq=False)
class Agent:
    """One account with its login, its place and its DN."""

    username: str
    password: str
    dbid: int
    employee_id: str
    login: str
    place: str
    number: str
    first_name: str
    style: Style
    voice: AgentState = LOGGED_OUT
    channels: dict[str, AgentState] = field(
        default_factory=lambda: dict.fromkeys(MEDIA, LOGGED_OUT)
    )
    do_not_disturb: bool = False
    suspended_channels: set[str] = field(default_factory=set)
    forward_to: str | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    workbin: dict[str, Interaction] = field(default_factory=dict)
    """What lies in the agent's own workbin."""
    watches_workbin: bool = False
    monitors: dict[str, Pairs] = field(default_factory=dict)
    """By monitored number: the request."""
    left_alone_until: float = 0.0
    """Monotonic time until which the agent's life leaves calls and state alone."""
    wraps_up: bool = False
    """A call just ended: after-call work is next."""

    @property
    def logged_in(self) -> bool:
        """Whether the DN has an agent session."""
        return self.voice.state != "LoggedOut"
