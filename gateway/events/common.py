"""Parts that the data of several event families share."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.states import AgentState, ConnectionState


class Native(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The vendor's own words, kept beside ours.

    Attributes:
        type: the vendor's message type.
        notification: the vendor's reason for the message, where it has one.
        state: the vendor's state word.
        reason: the vendor's reason word or code.
        ids: the vendor's identifiers by the vendor's names.
        reference: the vendor's correlation handle of the operation or message.
        payload: the whole message; only by setting, and always in `vendor.message`.
    """

    type: str = ""
    notification: str = ""
    state: str = ""
    reason: str = ""
    ids: dict[str, str] = msgspec.field(default_factory=dict)
    reference: str | None = None
    payload: Any = None


class MediaReadiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the agent can be routed to on one medium (voice, chat, email …)."""

    media: str
    state: AgentState
    reason: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One party of a call or interaction. `role` is agent, customer, destination, observer or unknown."""

    role: str
    number: str | None = None
    name: str | None = None
    agent: str | None = None
    state: ConnectionState | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attachment by reference: never its content."""

    id: str
    name: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None
