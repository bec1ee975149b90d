"""What the mapping remembers of one agent between events: enough to tell a change from a repetition.

It is kept as JSON with the feed's resume state, in the same transaction as the events it led to, so
it is plain data and every part of it is bounded: when a collection is full, its oldest entry makes
room, and a later event about that entry is taken as the first one.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from gateway.states import AgentState, ConnectionState

MAX_CONTACTS = 64
MAX_CLOSED = 64

CALL, INTERACTION, SUPERVISION = "call", "interaction", "supervision"
_T = TypeVar("_T")


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The agent's state as it was told last. `since` is the platform's own text."""

    state: AgentState
    native_state: str = ""
    reason: str | None = None
    pending: AgentState | None = None
    pending_reason: str | None = None
    since: str | None = None


class Contact(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A contact of the agent that is not closed.

    Attributes:
        kind: call, interaction or supervision.
        status: the platform's last word, in lower case.
        skill: the platform's name or id of the skill, as it sends it.
        number: the other party's.
        room: of a chat, where its messages are told.
        manual: a call that is accepted by request and not at the phone.
        failed: that it failed was told, so its end is only an end.
        data: what was told of it as data, by the platform's names.
        last: fingerprint of the last event about it.
    """

    kind: str
    state: ConnectionState
    status: str = ""
    media: str = "voice"
    call_type: str = ""
    direction: str | None = None
    skill: str | None = None
    master: str | None = None
    parent: str | None = None
    number: str | None = None
    room: str | None = None
    agent: str | None = None
    logging: bool = False
    masked: bool = False
    manual: bool = False
    failed: bool = False
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    last: int = 0


class Monitor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The monitoring that the agent, a supervisor, has under way: of whom, since when, and how.

    `asked` is the mode that a command asked for: the event that confirms it may not name it.
    """

    target: str | None = None
    since: str | None = None
    mode: str = "listen"
    asked: str | None = None


class AgentPicture(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One agent.

    Attributes:
        session: the platform's own id of the session that is known; none without one.
        parting: why the session is about to end, as the platform announced it.
        closed: contacts that are over, with the fingerprint of the last event about each.
        muted: whether the agent's leg is muted.
        callback: the commitment that was offered last.
        repeats: fingerprints of the last events of types that stand by themselves.
    """

    session: str | None = None
    station: str | None = None
    parting: str | None = None
    standing: Standing | None = None
    leg: str | None = None
    muted: bool | None = None
    contacts: dict[str, Contact] = msgspec.field(default_factory=dict)
    closed: dict[str, int] = msgspec.field(default_factory=dict)
    monitor: Monitor | None = None
    callback: str | None = None
    repeats: dict[str, int] = msgspec.field(default_factory=dict)

    def of_kind(self, kind: str, *states: ConnectionState) -> list[str]:
        """Ids of the contacts of a kind, in any of the states if some are named."""
        return [
            name
            for name, contact in self.contacts.items()
            if contact.kind == kind and (not states or contact.state in states)
        ]

    def close(self, name: str) -> Contact | None:
        """Take a contact out, remembering that it was there."""
        contact = self.contacts.pop(name, None)
        if contact is not None:
            put(self.closed, name, contact.last, MAX_CLOSED)
        return contact


def put(entries: dict[str, _T], name: str, value: _T, most: int) -> None:
    """Set an entry as the newest; the oldest makes room."""
    entries.pop(name, None)
    while len(entries) >= most:
        del entries[next(iter(entries))]
    entries[name] = value
