"""What a simulated contact centre consists of: agents, their phone legs, skills, contacts.

Source: NICE inContact Agent API, "Agent session events", for states and the fields that events tell of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.nice_incontact._simulated.sessions import AgentSession

LOGGED_OUT, AVAILABLE, UNAVAILABLE = "LoggedOut", "Available", "Unavailable"
INBOUND, OUTBOUND = "InboundContact", "OutboundContact"
INBOUND_CONSULT, OUTBOUND_CONSULT = "InboundConsult", "OutboundConsult"
STATE_IDS = {
    LOGGED_OUT: 0,
    AVAILABLE: 1,
    UNAVAILABLE: 2,
    INBOUND: 3,
    OUTBOUND: 4,
    INBOUND_CONSULT: 5,
    OUTBOUND_CONSULT: 6,
    "Dialer": 7,
    "LoggedIn": 8,
}
REASONS = {11: "Break", 12: "Lunch", 13: "Meeting", 14: "Training"}
ACW_REASONS = {21: "Wrap Up"}
SYSTEM_REASONS = {0: "", 31: "Refused", 32: "OutboundPending"}
REASON_IDS = {
    name: number
    for known in (REASONS, ACW_REASONS, SYSTEM_REASONS)
    for number, name in known.items()
}
DISPOSITIONS = {901: "Resolved", 902: "Callback", 903: "Wrong Number"}
TEAMS = {1: "Blue Team", 2: "Red Team"}
CAMPAIGNS = {71: "Inbound", 72: "Outbound"}
NEVER_TIMES_OUT = 0.0


class Media(IntEnum):
    """Media types by their documented id."""

    EMAIL = 1
    CHAT = 3
    VOICE = 4
    VOICEMAIL = 5
    WORKITEM = 6

    @property
    def label(self) -> str:
        """How lists name it."""
        return {1: "E-Mail", 3: "Chat", 4: "Phone Call", 5: "Voice Mail", 6: "Work Item"}[self]


MEDIA_BY_KEY = {
    "voice": Media.VOICE,
    "chat": Media.CHAT,
    "workitem": Media.WORKITEM,
    "voicemail": Media.VOICEMAIL,
}
ACTIVE, HOLDING, INCOMING, RINGING, DIALING = "Active", "Holding", "Incoming", "Ringing", "Dialing"
JOINED, MASKING, DISCONNECTED, QUEUED = "Joined", "Masking", "Disconnected", "Queued"
TALKING = frozenset({ACTIVE, MASKING, JOINED})
ESTABLISHED = TALKING | {HOLDING}
CONTACT_STATES = {
    1: ("PreQueue", "PreQueue"),
    2: ("InQueue", "InQueue"),
    3: ("Routing", "WithAgent"),
    4: ("Active", "WithAgent"),
    5: ("Outbound", "Outbound"),
    6: ("OnHold", "WithAgent"),
    9: ("EndContact", "PostQueue"),
}


@dataclass(slots=True, eq=False)
class Skill:
    """A skill: what contacts wait for."""

    id: int
    name: str
    campaign_id: int
    media: Media = Media.VOICE
    within_sla: int = 0
    out_of_sla: int = 0
    changed: float = 0.0

    @property
    def total(self) -> int:
        """How many contacts were handled."""
        return self.within_sla + self.out_of_sla


@dataclass(slots=True, eq=False)
class Leg:
    """The agent's phone leg."""

    id: int
    status: str = DIALING
    kept: bool = False
    """Asked for by the agent, so that it outlives calls."""


@dataclass(slots=True, eq=False)
class Contact:
    """A contact as one agent has it; a waiting one has no agent yet. Times are epoch seconds.

    `master_id` links what came of one customer's contact: a transfer makes a new contact id.
    """

    id: int
    master_id: int
    media: Media
    skill: Skill
    started: float
    status: str = QUEUED
    call_type: str = "Regular"
    original_state: str = "False"
    parent_id: int | None = None
    customer: str = ""
    address: str = ""
    """The number or the point of contact that was called."""
    inbound: bool = True
    agent: Agent | None = None
    peer: Contact | None = None
    """The contact of the other agent, for a call between two."""
    changed: float = 0.0
    answered: float | None = None
    ended: float | None = None
    held_since: float | None = None
    hold_seconds: float = 0.0
    logging: bool = False
    final: bool = False
    disconnect_code: str = "NA"
    custom_data: str = ""
    disposition: int | None = None
    notes: str = ""
    room: int = 0
    messages: list[tuple[str, str, float]] = field(default_factory=list)
    """Text, who said it, when."""
    history: list[tuple[int, float, int | None]] = field(default_factory=list)
    """State id, since when, with which agent."""

    @property
    def voice(self) -> bool:
        """Whether it is a call."""
        return self.media is Media.VOICE

    @property
    def over(self) -> bool:
        """Whether nobody talks any more."""
        return self.status == DISCONNECTED

    @property
    def state_id(self) -> int:
        """The state that lists tell."""
        if self.over:
            return 9
        if self.agent is None:
            return 2
        return {INCOMING: 3, RINGING: 3, DIALING: 5, HOLDING: 6}.get(self.status, 4)


@dataclass(slots=True, eq=False)
class Agent:
    """An agent, or the user that the gateway signs in as. Times are epoch seconds."""

    id: int
    username: str
    first_name: str
    last_name: str
    team_id: int
    works: bool = True
    may_impersonate: bool = False
    may_supervise: bool = False
    station_id: str = ""
    phone: str = ""
    session: AgentSession | None = None
    state: str = LOGGED_OUT
    reason: str = ""
    acw: bool = False
    acw_timeout: float = NEVER_TIMES_OUT
    next_state: tuple[str, str] | None = None
    """What was asked for while a contact was open."""
    since: float = 0.0
    changed: float = 0.0
    leg: Leg | None = None
    muted: bool = False
    contacts: dict[int, Contact] = field(default_factory=dict)
    monitor: Monitor | None = None
    left_alone_until: float = 0.0
    """Monotonic seconds."""
    counts: dict[str, float] = field(default_factory=dict)
    history: deque[tuple[str, str, float]] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def logged_in(self) -> bool:
        """Whether the agent has a session."""
        return self.session is not None

    @property
    def calls(self) -> list[Contact]:
        """Calls that are not over, oldest first."""
        return [one for one in self.contacts.values() if one.voice and not one.over]

    @property
    def open_contacts(self) -> list[Contact]:
        """What is not closed, after-contact work too."""
        return list(self.contacts.values())

    def count(self, name: str, value: float = 1) -> None:
        """Add to a figure of the agent's performance."""
        self.counts[name] = self.counts.get(name, 0) + value


@dataclass(slots=True, eq=False)
class Monitor:
    """A supervisor on another agent's call."""

    target: Agent
    contact: Contact
    began: float
    mode: str = "monitor"
