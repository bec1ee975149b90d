"""What a simulated contact centre consists of: agents, queues, sessions ("Request & Response Dictionary")."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

STATUSES = {
    1: "available",
    2: "inCall",
    3: "unavailable",
    4: "unknown",
    5: "afterCall",
    6: "loggedOut",
    7: "offPhoneActivity",
    8: "ringOnNoAnswer",
    9: "busy",
    10: "beRightBack",
    11: "directCall",
    12: "inactive",
    14: "inImCall",
    15: "directInboundDial",
    16: "directOutboundDial",
    17: "atLunch",
    18: "offWork",
    19: "conferenceCall",
    20: "ringing",
}
AVAILABLE, IN_CALL, UNAVAILABLE, AFTER_CALL, LOGGED_OUT = 1, 2, 3, 5, 6
RING_NO_ANSWER, BUSY, IN_IM_CALL, DIRECT_IN, DIRECT_OUT, CONFERENCE, RINGING = (
    8,
    9,
    14,
    15,
    16,
    19,
    20,
)
REASONS = {1: "On Break", 2: "At Lunch", 3: "In A Meeting", 4: "Training"}
DIRECT_INBOUND, DIRECT_OUTBOUND = -1, -2
ENDED = frozenset({"Completed", "Transferred", "CompletedAfterHours", "Abandoned"})


class Modality(IntEnum):
    """The medium of a session, by its documented id."""

    INSTANT_MESSAGE = 1
    AUDIO = 2
    MESSAGE = 3

    @property
    def key(self) -> str:
        """How metrics and subscriptions name it."""
        return ("instantMessage", "audio", "message")[self - 1]

    @property
    def label(self) -> str:
        """How sessions name it."""
        return ("InstantMessage", "Audio", "Message")[self - 1]


BY_KEY = {modality.key: modality for modality in Modality}
Counters = defaultdict[str, float]


def counters() -> defaultdict[Modality, Counters]:
    """Metrics by modality, all zero."""
    return defaultdict(lambda: defaultdict(float))


@dataclass(slots=True, eq=False)
class Agent:
    """An agent, and the supervisor whose login the gateway uses. Times are epoch seconds."""

    id: int
    username: str
    name: str
    team_id: int
    supervisor: bool = False
    status_id: int = LOGGED_OUT
    reason_id: int | None = None
    since: float = 0.0
    suspended: bool = False
    can_record: bool = True
    history: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=50))
    metrics: defaultdict[Modality, Counters] = field(default_factory=counters)
    by_queue: dict[int, defaultdict[Modality, Counters]] = field(default_factory=dict)
    durations: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Seconds and how often, by status."""
    sessions: dict[int, Session] = field(default_factory=dict)
    """Those it is the primary agent of, or is offered, or joined."""
    left_alone_until: float = 0.0
    """Monotonic seconds."""

    @property
    def logged_in(self) -> bool:
        """Whether it works at all."""
        return self.status_id != LOGGED_OUT


@dataclass(slots=True, eq=False)
class Queue:
    """A queue of the contact centre."""

    id: int
    name: str
    business_unit_id: int
    team_ids: tuple[int, ...]
    is_open: bool = True
    metrics: defaultdict[Modality, Counters] = field(default_factory=counters)
    sessions: dict[int, Session] = field(default_factory=dict)
    alerted_at: float | None = None


@dataclass(slots=True)
class Participation:
    """An agent's part in a session, offered or taken up."""

    agent: Agent
    type_id: int = 1
    offered_at: float = 0.0
    accepted_at: float | None = None
    after_call_at: float | None = None
    primary: bool = True
    initiator: Agent | None = None


PARTICIPATIONS = {
    1: "Agent",
    4: "Consult",
    5: "TransferAgent",
    6: "Contact",
    7: "WhisperJoin",
    8: "SilentJoin",
    9: "Invite",
    10: "BargeIn",
}


@dataclass(slots=True, eq=False)
class Session:
    """A contact with a customer."""

    id: int
    modality: Modality
    queue_id: int
    customer: str
    address: str
    started_at: float
    status: str = "New"
    agent: Agent | None = None
    queued_at: float | None = None
    active_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    held_at: float | None = None
    recorded_at: float | None = None
    can_be_recorded: bool = True
    participants: list[Participation] = field(default_factory=list)
    offers: list[Participation] = field(default_factory=list)
    note: str | None = None
    disposition_id: int | None = None
    sub_disposition_id: int | None = None
    extra_items: list[dict[str, Any]] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The `sessionType`."""
        return {DIRECT_INBOUND: "Direct Inbound", DIRECT_OUTBOUND: "Direct Outbound"}.get(
            self.queue_id, "Queued"
        )

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in ENDED

    def joined(self, type_id: int) -> bool:
        """Whether anybody takes part in that way."""
        return any(one.type_id == type_id for one in self.participants)
