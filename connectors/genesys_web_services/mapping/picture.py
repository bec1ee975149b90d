"""What the mapping remembers of one agent between messages: enough to tell a change from a repetition.

It is kept as JSON with the feed's resume state, in the same transaction as the events it led to, so
it is plain data and every part of it is bounded: when a collection is full, its oldest entry makes
room, and a later message about that entry is taken as the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors._genesys.standing import Channel, Device, Readiness, Standing, put
from gateway.states import ConnectionState

__all__ = [
    "MAX_CALLS",
    "MAX_CHANNELS",
    "MAX_DEVICES",
    "MAX_ENDED",
    "MAX_INTERACTIONS",
    "MAX_PARTICIPANTS",
    "MAX_SERVICES",
    "MAX_WORKBIN_ITEMS",
    "AgentPicture",
    "Channel",
    "ChatUser",
    "Device",
    "Ended",
    "Item",
    "Leg",
    "Readiness",
    "Standing",
    "put",
]

MAX_CALLS = 64
MAX_ENDED = 32
MAX_INTERACTIONS = 64
MAX_DEVICES = 16
MAX_CHANNELS = 32
MAX_PARTICIPANTS = 64
MAX_SERVICES = 64
MAX_WORKBIN_ITEMS = 128


class Leg(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A live call of the agent.

    Attributes:
        last: fingerprint of the last message about it.
        told_at: the platform's time of that message, in milliseconds since the epoch.
        related: for a consultation, the call it was made from.
        transfer_to, transfer_at: the number to which a command passes the call on, and when it was
            sent, in milliseconds since the epoch.
    """

    state: ConnectionState
    uuid: str | None = None
    connection: str | None = None
    direction: str | None = None
    recording: str | None = None
    muted: bool | None = None
    participants: list[str] = msgspec.field(default_factory=list)
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    last: int = 0
    told_at: int | None = None
    related: str | None = None
    transfer_to: str | None = None
    transfer_at: int = 0


class Ended(msgspec.Struct, omit_defaults=True):
    """A call or interaction that is over, remembered for what may still be said about it.

    Attributes:
        related, direction, number: of a call, as its leg had them; `number` is the other party's.
        was: the state that the call ended in.
        at: when it ended, by the platform or else by the receipt, in milliseconds since the epoch.
    """

    last: int = 0
    told_at: int | None = None
    related: str | None = None
    was: ConnectionState | None = None
    at: int | None = None
    direction: str | None = None
    number: str | None = None


class ChatUser(msgspec.Struct, omit_defaults=True):
    """Who a user id of a chat session is; the platform says so only when the user joins."""

    role: str
    name: str | None = None


class Item(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A live interaction of the agent: an e-mail, a chat, a work item.

    Attributes:
        state: the platform's last state word.
        kept_in: the platform's list that it stands in: interactions, chats or workitems.
        told_body: the e-mail's text was passed on.
        floor: all chat events up to this id were seen; `seen` holds those above it.
        seen_words: the same for ids that are no numbers, by fingerprint.
    """

    state: str | None = None
    kept_in: str = "interactions"
    media: str = "unknown"
    direction: str | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    told_body: bool = False
    users: dict[str, ChatUser] = msgspec.field(default_factory=dict)
    floor: int = 0
    seen: list[int] = msgspec.field(default_factory=list)
    seen_words: list[int] = msgspec.field(default_factory=list)
    last: int = 0


class AgentPicture(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent.

    Attributes:
        recent: fingerprints of the last messages that carried a reference or a time.
        services: the platform's services by name, and whether they are up, degraded or down.
        workbins: the workbin in which an interaction lies, or nothing when it was taken out of one.
    """

    standing: Standing | None = None
    devices: dict[str, Device] = msgspec.field(default_factory=dict)
    channels: dict[str, Channel] = msgspec.field(default_factory=dict)
    calls: dict[str, Leg] = msgspec.field(default_factory=dict)
    interactions: dict[str, Item] = msgspec.field(default_factory=dict)
    ended: dict[str, Ended] = msgspec.field(default_factory=dict)
    services: dict[str, str] = msgspec.field(default_factory=dict)
    workbins: dict[str, str] = msgspec.field(default_factory=dict)
    recent: list[int] = msgspec.field(default_factory=list)
    last: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def legs(self) -> Iterable[ConnectionState]:
        """The states of the agent's calls."""
        return (leg.state for leg in self.calls.values())
