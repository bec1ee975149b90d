"""Data of the events about interactions that are not voice calls: chat, e-mail, work items, messages."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gateway.events.common import Attachment, Native, Party, Text, Topic
from gateway.events.envelope import Data, Sensitivity


class Workbin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A workbin and whose it is (agent, place, agent_group, place_group)."""

    id: str
    owner: str | None = None
    owner_kind: str | None = None


class Interaction(Data, frozen=True, kw_only=True):
    """An interaction and its place: with an agent, in a queue or in a workbin.

    Attributes:
        media: chat, email, workitem, voicemail, sms, social or the platform's word for another.
        actor: who caused the event (agent, customer, system), if known.
        direction: inbound, outbound or internal.
        parent: the interaction this one answers or descends from.
        topic: the subject line; personal data.
    """

    interaction: str
    media: str
    agent: str | None = None
    queue: str | None = None
    workbin: Workbin | None = None
    actor: str | None = None
    reason: str | None = None
    direction: str | None = None
    parent: str | None = None
    topic: Topic | None = None
    changed: list[str] = msgspec.field(default_factory=list)
    attachments: list[Attachment] = msgspec.field(default_factory=list)
    native: Native | None = None


class InteractionParty(Data, frozen=True, kw_only=True):
    """Someone joined or left."""

    interaction: str
    media: str
    party: Party
    agent: str | None = None
    native: Native | None = None


class InteractionMessage(Data, frozen=True, kw_only=True):
    """A message was added. `text` is content: masked unless a sink is allowed to have it."""

    interaction: str
    media: str
    message: str
    sender: Party | None = None
    text: Text | None = None
    content_type: str | None = None
    attachments: list[Attachment] = msgspec.field(default_factory=list)
    agent: str | None = None
    native: Native | None = None


class InteractionTyping(Data, frozen=True, kw_only=True):
    """Someone started or stopped typing."""

    interaction: str
    media: str
    typing: bool
    party: Party | None = None
    agent: str | None = None
    native: Native | None = None


class InteractionDataChanged(Data, frozen=True, kw_only=True):
    """Data attached to an interaction changed."""

    interaction: str
    media: str
    agent: str | None = None
    changed: list[str] = msgspec.field(default_factory=list)
    removed: list[str] = msgspec.field(default_factory=list)
    values: Annotated[dict[str, Any], Sensitivity.DATA] = msgspec.field(default_factory=dict)
    native: Native | None = None
