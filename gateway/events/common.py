"""Parts that the data of several event families share."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gateway.events.envelope import Sensitivity
from gateway.states import AgentState, ConnectionState

Number = Annotated[str, Sensitivity.NUMBERS]
"""A telephone number or a network address."""

Name = Annotated[str, Sensitivity.NAMES]
"""The name of a person or of a file."""

Text = Annotated[str, Sensitivity.TEXTS]
"""What a person wrote or typed."""

Topic = Annotated[str, Sensitivity.NAMES, Sensitivity.TEXTS]
"""A subject line: written by a person, and often about one."""

Foreign = Annotated[
    Any, Sensitivity.NUMBERS, Sensitivity.NAMES, Sensitivity.TEXTS, Sensitivity.DATA
]
"""What a platform said, whole. Nobody knows what is in it, so it counts as everything."""


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
    payload: Foreign = None


class MediaReadiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the agent can be routed to on one medium (voice, chat, email …)."""

    media: str
    state: AgentState
    reason: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One party of a call or interaction. `role` is agent, customer, destination, observer or unknown."""

    role: str
    number: Number | None = None
    name: Name | None = None
    agent: str | None = None
    state: ConnectionState | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attachment by reference: never its content."""

    id: str
    name: Name | None = None
    size_bytes: int | None = None
    media_type: str | None = None
