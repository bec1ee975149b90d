"""What the mapping remembers of one agent between messages: enough to tell a change from a repetition.

It is kept as JSON with the feed's resume state, in the same transaction as the events it led to, so
it is plain data and every part of it is bounded: when a collection is full, its oldest entry makes
room, and a later message about that entry is taken as the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors._genesys.standing import Channel, Device, Standing, put
from gateway.states import ConnectionState

__all__ = ["AgentPicture", "Asked", "Ended", "Handover", "Item", "Leg", "put"]

MAX_CALLS = 64
MAX_ENDED = 32
MAX_INTERACTIONS = 64
MAX_DEVICES = 8
MAX_CHANNELS = 32
MAX_PARTICIPANTS = 64
MAX_ASKED = 16
MAX_SERVICES = 16


class Leg(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A live call of the agent.

    Attributes:
        parent: connection id of the call that this consultation is about.
        consult: id of the last consultation about this call that ended.
        participants: numbers of the other parties, with their roles.
        last: fingerprint of the last message about it.
    """

    state: ConnectionState
    uuid: str | None = None
    connection: str | None = None
    parent: str | None = None
    consult: str | None = None
    direction: str | None = None
    recording: str | None = None
    participants: dict[str, str] = msgspec.field(default_factory=dict)
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    last: int = 0


class Ended(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A call or interaction that is over for the agent, remembered for what may still be said about it."""

    last: int = 0
    parked: bool = False
    media: str | None = None


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two calls of a consultation has ended: if the other one ends next, the call was transferred.

    Attributes:
        original: id of the call that the consultation is about.
        consult: id of the consultation.
        waiting: which of the two is still there.
        session, place: where in the feed the first one ended.
    """

    original: str
    consult: str
    waiting: str
    session: str
    place: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was sent and that no event has answered yet.

    Attributes:
        command: its id.
        call: the call it is about, none for one that is to be made.
        interaction: the interaction that a supervisor has something done to.
        proofs: the types of events that would confirm it.
        until: its deadline, in seconds since the epoch.
    """

    command: str
    call: str | None
    interaction: str | None = None
    proofs: list[str]
    until: float


class Item(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A live interaction of the agent: an e-mail, a chat, a work item.

    Attributes:
        state: the platform's last state word.
        told_body: the e-mail's text was passed on.
        floor: all chat messages with an index below this were told; `seen` holds those above it.
        marks: the same for messages without an index, by fingerprint.
    """

    state: str | None = None
    media: str = "unknown"
    direction: str | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    told_body: bool = False
    names: dict[str, list[str]] = msgspec.field(default_factory=dict)
    floor: int = 0
    seen: list[int] = msgspec.field(default_factory=list)
    marks: list[int] = msgspec.field(default_factory=list)
    last: int = 0


class AgentPicture(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent.

    Attributes:
        recent: fingerprints of the last messages that carried a reference or a time.
        last: fingerprint of the last message by kind.
        services: the last state told of each service.
        monitoring: supervised number to mode.
        asked: commands that wait for their event, oldest first.
    """

    standing: Standing | None = None
    devices: dict[str, Device] = msgspec.field(default_factory=dict)
    channels: dict[str, Channel] = msgspec.field(default_factory=dict)
    calls: dict[str, Leg] = msgspec.field(default_factory=dict)
    interactions: dict[str, Item] = msgspec.field(default_factory=dict)
    ended: dict[str, Ended] = msgspec.field(default_factory=dict)
    handover: Handover | None = None
    recent: list[int] = msgspec.field(default_factory=list)
    last: dict[str, int] = msgspec.field(default_factory=dict)
    services: dict[str, str] = msgspec.field(default_factory=dict)
    monitoring: dict[str, str] = msgspec.field(default_factory=dict)
    asked: list[Asked] = msgspec.field(default_factory=list)

    @property
    def legs(self) -> Iterable[ConnectionState]:
        """The states of the agent's calls."""
        return (leg.state for leg in self.calls.values())

    def call_of(self, uuid: str | None, connection: str | None) -> str | None:
        """The id of the live call that goes by one of these names."""
        for name in (uuid, connection):
            if name is not None and name in self.calls:
                return name
        for call_id, leg in self.calls.items():
            if (uuid is not None and leg.uuid == uuid) or (
                connection is not None and leg.connection == connection
            ):
                return call_id
        return None
