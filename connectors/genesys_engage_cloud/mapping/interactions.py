"""Interaction messages: chats, e-mails, work items, outbound previews; workbins and the supervisor's snapshots.

What happened follows from the state word and the one before it: `Processing` is an acceptance after
`Invited` and a pull after `InWorkbin`. Sources: workspace-client-java, `Interaction` and its enumerations;
agent-api-simulator for workbins and media management.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._genesys.changes import attach
from connectors._genesys.message import Message
from connectors._genesys.values import (
    first,
    folded,
    identifier,
    mapping,
    milliseconds,
    objects,
    seconds,
    text,
)
from connectors.genesys_engage_cloud.mapping import chats
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs, is_pairs
from connectors.genesys_engage_cloud.mapping.picture import (
    MAX_ENDED,
    MAX_INTERACTIONS,
    AgentPicture,
    Ended,
    Item,
    put,
)
from connectors.genesys_engage_cloud.operation_ids import SUPERVISION_MODES, verb_of
from connectors.genesys_engage_cloud.vendor import MESSAGE_LOG
from gateway.commands import Verb
from gateway.events import Data
from gateway.events.calls import Supervision
from gateway.events.common import Attachment, Native, Party
from gateway.events.interactions import (
    Interaction,
    InteractionMessage,
    Workbin,
)

_STATES = {
    "invited": "offered",
    "processing": "accepted",
    "accepted": "accepted",
    "composing": "created",
    "created": "created",
    "rejected": "rejected",
    "revoked": "revoked",
    "queued": "queued",
    "inqueue": "queued",
    "inworkbin": "parked",
    "transferred": "transferred",
    "completed": "completed",
    "sent": "completed",
    "canceled": "cancelled",
    "cancelled": "cancelled",
}
_OVER = frozenset(
    {
        "rejected", "revoked", "queued", "parked", "transferred", "completed", "cancelled",
        "session.ended",
    }
)  # fmt: skip
_ENDINGS: dict[Verb | None, str] = {
    Verb.INTERACTION_REJECT: "rejected",
    Verb.INTERACTION_TRANSFER: "transferred",
    Verb.INTERACTION_QUEUE: "queued",
    Verb.INTERACTION_END_SESSION: "session.ended",
}
_DIRECTIONS = ("inbound", "outbound", "internal")
_MEDIA = {"facebook": "social", "twitter": "social"}
_OWNERS = (
    ("agent", "agentId"),
    ("agent", "ownerId"),
    ("place", "placeId"),
    ("agent_group", "groupId"),
)
_IDS = ("parentInteractionId", "tenantId", "ticketId", "proxyClientId", "submittedBy")
_MAX_ATTACHMENTS = 100


def on_interaction_message(message: Message, picture: AgentPicture) -> None:
    """Map an `InteractionStateChanged` or a `MessageLogUpdated`."""
    data = message.data
    body = mapping(data.get("interaction"))
    if message.kind == MESSAGE_LOG and not body:
        body = {name: data[name] for name in ("id", "interactionId", "chat") if name in data}
    interaction = identifier(first(body, "id", "interactionId"))
    if interaction is None:
        message.not_understood("an interaction without an id")
        return
    item = picture.interactions.get(interaction)
    ended = picture.ended.get(interaction) if item is None else None
    known = item or ended
    if message.repeats(picture, known.last if known else 0):
        return
    InteractionReader(message, picture, body, interaction).map()


class InteractionReader:
    """One message about one interaction, on its way through the steps below, which add events in this order."""

    __slots__ = (
        "body", "chat", "email", "ended", "first_seen", "interaction", "item", "message", "native",
        "picture", "word", "workbin",
    )  # fmt: skip

    def __init__(
        self,
        message: Message,
        picture: AgentPicture,
        body: dict[str, Any],
        interaction: str,
        *,
        workbin: Workbin | None = None,
    ) -> None:
        item = picture.interactions.get(interaction)
        self.message = message
        self.picture = picture
        self.body = body
        self.interaction = interaction
        self.first_seen = item is None
        self.ended = picture.ended.get(interaction) if item is None else None
        self.item = Item() if item is None else item
        self.word = text(body.get("state"))
        self.chat, self.email = mapping(body.get("chat")), mapping(body.get("email"))
        self.workbin = workbin
        self.item.media = self._media_type()
        self.item.direction = _direction(body) or self.item.direction
        ids = {name: value for name in _IDS if (value := text(body.get(name))) is not None}
        self.native: Native = message.native(state=self.word, ids=ids)

    def map(self) -> None:
        """Add the events of the message."""
        before = len(self.message.events)
        verb = self._moved()
        if verb is not None:
            self._add(f"tieline.interaction.{verb}.v1", self._interaction())
        self._body_text()
        chats.add_messages(self.message, self.item, self._log(), interaction=self.interaction)
        self._attached_data(moved=verb is not None)
        self._supervision()
        if len(self.message.events) == before:
            self._add("tieline.interaction.changed.v1", self._interaction())
        self._remember(verb)

    def restate(self) -> None:
        """Add one event that tells the interaction as it is, with whomever it is."""
        self._add(
            "tieline.interaction.changed.v1",
            msgspec.structs.replace(self._interaction(), agent=None),
        )

    def _moved(self) -> str | None:
        if self.word is None or self.word == self.item.state:
            return None
        verb = _STATES.get(folded(self.word), "changed")
        if verb == "completed":
            # Many ways lead to the same word; which one it was, only the echoed command tells.
            verb = _ENDINGS.get(verb_of(self.message.data.get("operationId")), verb)
        parked = self.ended is not None and self.ended.parked
        if verb == "accepted" and parked:
            return "pulled"
        if verb == "parked" and parked:
            return None
        return verb

    def _media_type(self) -> str:
        name = first(self.body, "mediatype", "mediaType", "media")
        if name is None:
            if self.message.kind == MESSAGE_LOG or self.chat:
                return "chat"
            return "email" if self.email else self.item.media
        return _MEDIA.get(name.lower(), name.lower())

    def _body_text(self) -> None:
        """The text of an e-mail, once. What the agent writes is a draft until it is sent."""
        said = text(self.email.get("body"))
        if said is None or self.item.told_body or self.item.direction == "outbound":
            return
        self.item.told_body = True
        self._add(
            "tieline.interaction.message.added.v1",
            InteractionMessage(
                interaction=self.interaction,
                media=self.item.media,
                message=self.interaction,
                sender=Party(role="customer", name=text(self.email.get("from"))),
                text=said,
                content_type=text(self.email.get("mime")),
                attachments=self._attachments(),
                agent=self.message.origin.agent,
                native=self.native,
            ),
        )

    def _log(self) -> list[dict[str, Any]]:
        for source in (self.message.data, self.chat, self.body):
            if found := objects(source.get("messages")):
                return found
        return []

    def _attached_data(self, *, moved: bool) -> None:
        attached = self.body.get("userData")
        if not is_pairs(attached) or (self.ended is not None and not moved):
            # What is over, or lies in a workbin, was told with its data.
            return
        after = from_pairs(attached)
        if after == self.item.data:
            return
        change, agent = attach(self.item, after), self.message.origin.agent
        if not change.is_none:
            self._add(
                "tieline.interaction.data.changed.v1",
                change.of_interaction(self.interaction, self.item.media, agent, self.native),
            )

    def _supervision(self) -> None:
        """A change of how the interaction is supervised, which only the echoed command tells."""
        verb, agent = verb_of(self.message.data.get("operationId")), self.message.origin.agent
        if verb is not None and verb in SUPERVISION_MODES:
            self.message.add(
                "tieline.supervision.changed.v1",
                f"agent/{agent}",
                agent,
                Supervision(
                    supervisor=agent,
                    interaction=self.interaction,
                    mode=SUPERVISION_MODES[verb],
                    native=self.native,
                ),
                correlation=self.interaction,
            )

    def _interaction(self) -> Interaction:
        body = self.body
        return Interaction(
            interaction=self.interaction,
            media=self.item.media,
            agent=self.message.origin.agent,
            queue=first(body, "queue", "currentQueue"),
            workbin=self.workbin or _workbin(body),
            reason=first(body, "reason", "reasonCode"),
            direction=self.item.direction,
            parent=first(body, "parentInteractionId"),
            topic=first(body, "subject") or first(self.email, "subject"),
            attachments=self._attachments(),
            native=self.native,
        )

    def _attachments(self) -> list[Attachment]:
        found = objects(self.body.get("attachments")) or objects(self.email.get("attachments"))
        attachments = []
        for entry in found[:_MAX_ATTACHMENTS]:
            name = first(entry, "id", "documentId")
            size = seconds(entry.get("size"))
            if name is not None:
                attachments.append(
                    Attachment(
                        id=name,
                        name=first(entry, "name", "fileName"),
                        size_bytes=None if size is None else int(size),
                        media_type=first(entry, "mimeType", "contentType", "mime"),
                    )
                )
        return attachments

    def _remember(self, verb: str | None) -> None:
        picture, item = self.picture, self.item
        if verb in _OVER or (self.ended is not None and verb is None):
            picture.interactions.pop(self.interaction, None)
            parked = verb == "parked" or (
                verb is None and self.ended is not None and self.ended.parked
            )
            ended = Ended(last=self.message.print, parked=parked, media=item.media)
            put(picture.ended, self.interaction, ended, MAX_ENDED)
            return
        item.state = self.word or item.state
        item.last = self.message.print
        if self.first_seen:
            picture.ended.pop(self.interaction, None)
            put(picture.interactions, self.interaction, item, MAX_INTERACTIONS)

    def _add(self, type_name: str, data: Data) -> None:
        name = self.interaction
        self.message.add(
            type_name,
            f"interaction/{name}",
            name,
            data,
            correlation=name,
            told_at=milliseconds(self.body.get("timestamp")),
        )


def _direction(body: dict[str, Any]) -> str | None:
    kind = folded(first(body, "interactionType"))
    if kind in _DIRECTIONS:
        return kind
    sub_kind = folded(first(body, "interactionSubtype", "interactionSubType"))
    return next((name for name in _DIRECTIONS if sub_kind.startswith(name)), None)


def _workbin(body: dict[str, Any]) -> Workbin | None:
    info = mapping(body.get("workbin"))
    name = first(info, "id", "workbinId", "name") or first(body, "workbinId", "workbin")
    return None if name is None else workbin_of(name, info)


def workbin_of(name: str, info: dict[str, Any]) -> Workbin:
    """A workbin and whose it is, as far as that is told."""
    for kind, key in _OWNERS:
        if (owner := text(info.get(key))) is not None:
            return Workbin(id=name, owner=owner, owner_kind=kind)
    return Workbin(id=name)
