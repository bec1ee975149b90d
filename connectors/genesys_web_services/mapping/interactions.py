"""Interaction messages: e-mails, chats and work items, in every nesting and naming the platform uses.

The interaction stands in `interaction` or `chat`, or its fields lie flat beside the message type;
its kind is `type`, `interactionType` or `InteractionType`; its content `content` or `email_object`.
What happened follows from its state word.
Sources: Genesys Web Services API reference, "Interaction Notifications" and "Interactions API
Operations" (samples of both shapes), "Workbins" (CometD Notifications).
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.changes import attach
from connectors.genesys_web_services.mapping import chats, workbins
from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import (
    MAX_ENDED,
    MAX_INTERACTIONS,
    AgentPicture,
    Ended,
    Item,
    put,
)
from connectors.genesys_web_services.mapping.values import (
    clean,
    first,
    folded,
    identifier,
    mapping,
    objects,
    seconds,
    text,
)
from connectors.genesys_web_services.vendor import (
    CHATS_TOPIC,
    WORK_ITEMS_TOPIC,
    WORKBIN_MESSAGES,
)
from gateway.events import Data
from gateway.events.common import Attachment, Native, Party
from gateway.events.interactions import (
    Interaction,
    InteractionMessage,
    Workbin,
)

_STATES = {
    "invited": "offered",
    "accepted": "accepted",
    "processing": "accepted",
    "rejected": "rejected",
    "revoked": "revoked",
    "created": "created",
    "replycreated": "created",
    "composing": "created",
    "queued": "queued",
    "pulled": "pulled",
    "placedinworkbin": "parked",
    "inworkbin": "parked",
    "transferred": "transferred",
    "completed": "completed",
    "sent": "completed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "ended": "session.ended",
    "chatended": "session.ended",
}
_OVER = frozenset(
    {"rejected", "revoked", "queued", "parked", "transferred", "completed", "cancelled"}
)
_DIRECTIONS = ("inbound", "outbound", "internal")
_MEDIA = {"facebook": "social", "twitter": "social", "voicemail": "voicemail"}
_BODIES = {
    "interaction": "interactions",
    "chat": "chats",
    "workitem": "workitems",
    "workItem": "workitems",
}
"""Where the interaction stands in a message, and the list of the platform that it belongs to then."""
_LISTS = {CHATS_TOPIC: "chats", WORK_ITEMS_TOPIC: "workitems"}
_OWN_MEDIA = {"chats": "chat", "workitems": "workitem"}
_MAX_ATTACHMENTS = 100


def on_interaction_message(message: Message, picture: AgentPicture) -> None:
    """Map a message of the interactions, chats, work items or workbins topic."""
    data = message.data
    body = next((found for name in _BODIES if isinstance(found := data.get(name), dict)), data)
    interaction = identifier(first(body, "id", "interactionId", "InteractionId"))
    if interaction is None:
        message.not_understood("an interaction without an id")
        return
    item = picture.interactions.get(interaction)
    ended = picture.ended.get(interaction) if item is None else None
    known = item or ended
    if message.repeats(picture, known.last if known else 0):
        return
    _InteractionMessage(message, picture, body, interaction, item, ended).map()


class _InteractionMessage:
    """One message about one interaction, on its way through the steps below, which add events in this order."""

    __slots__ = (
        "body", "content", "ended", "first_seen", "interaction", "item", "message", "native",
        "picture", "word",
    )  # fmt: skip

    def __init__(
        self,
        message: Message,
        picture: AgentPicture,
        body: dict[str, Any],
        interaction: str,
        item: Item | None,
        ended: Ended | None,
    ) -> None:
        self.message = message
        self.picture = picture
        self.body = body
        self.interaction = interaction
        self.first_seen = item is None
        self.ended = ended
        self.item = Item() if item is None else item
        self.word = text(body.get("state"))
        self.content = mapping(body.get("content")) or mapping(body.get("email_object"))
        if item is None or self.item.kept_in == "interactions":
            self.item.kept_in = _list_of(message)
        self.item.media = self._media_type()
        self.item.direction = _direction(body) or self.item.direction
        self.native: Native = message.native(
            state=self.word,
            ids={
                name: value
                for name in ("threadId", "parentInteractionId", "parentId")
                if (value := text(body.get(name))) is not None
            }
            | workbins.actor_ids(message.data),
        )

    @property
    def in_workbin(self) -> bool:
        """Whether this tells of a workbin and not of the agent's own interactions."""
        return self.message.kind in WORKBIN_MESSAGES

    def map(self) -> None:
        message, before = self.message, len(self.message.events)
        verb = self._moved()
        if verb is not None:
            self._add(f"tieline.interaction.{verb}.v1", self._interaction())
        self._body_text()
        chats.add_events(
            message,
            self.item,
            self._chat_events(),
            interaction=self.interaction,
            session=text(self.content.get("sessionId")) or self.interaction,
        )
        self._attached_data()
        if len(message.events) == before:
            self._add("tieline.interaction.changed.v1", self._interaction())
        self._remember(verb)

    def _moved(self) -> str | None:
        """What happened, if the message tells of more than a change of properties."""
        if self.in_workbin:
            verb = workbins.verb_of(self.message.data)
            told = verb == workbins.PULLED == _STATES.get(folded(self.item.state))
            return workbins.CHANGED if told else verb
        if self.word is None or self.word == self.item.state:
            return None
        moved = _STATES.get(folded(self.word))
        if moved is not None and workbins.was_pulled(self.picture, self.interaction):
            return workbins.CHANGED if moved == workbins.PULLED else moved
        return moved

    def _media_type(self) -> str:
        name = first(self.body, "mediatype", "mediaType", "MediaType")
        if name is None:
            # Beside the message type, `channel` is the medium; a Bayeux topic there belongs to a
            # broken envelope.
            name = text(self.body.get("channel"))
            if name is None or name.startswith("/"):
                return _OWN_MEDIA.get(self.item.kept_in, self.item.media)
        return _MEDIA.get(name.lower(), name.lower())

    def _body_text(self) -> None:
        """The text of an e-mail, once."""
        # What the agent writes is a draft until it is sent.
        if self.item.media != "email" or self.item.direction == "outbound" or self.item.told_body:
            return
        found = first(self.content, "text", "Text", "body")
        if found is None:
            return
        self.item.told_body = True
        sender = first(self.content, "fromAddress", "FromAddress", "from")
        self._add(
            "tieline.interaction.message.added.v1",
            InteractionMessage(
                interaction=self.interaction,
                media=self.item.media,
                message=self.interaction,
                sender=Party(role="customer", name=sender),
                text=found,
                content_type=first(self.content, "MimeType", "mimeType", "mime"),
                attachments=self._attachments(),
                agent=self.message.origin.agent,
                native=self.native,
            ),
        )

    def _chat_events(self) -> list[dict[str, Any]]:
        for source in (self.content, self.body, self.message.data):
            for name in ("events", "messages"):
                if found := objects(source.get(name)):
                    return found
        return []

    def _attached_data(self) -> None:
        after = self.body.get("userData")
        if not isinstance(after, dict) or after == self.item.data or self.ended is not None:
            return
        change, agent = attach(self.item, clean(after)), self.message.origin.agent
        if not change.is_none:
            self._add(
                "tieline.interaction.data.changed.v1",
                change.of_interaction(self.interaction, self.item.media, agent, self.native),
            )

    def _interaction(self) -> Interaction:
        data, body = self.message.data, self.body
        reason = mapping(data.get("reasonInfo"))
        return Interaction(
            interaction=self.interaction,
            media=self.item.media,
            agent=self.message.origin.agent,
            queue=first(body, "currentQueue", "queue", "Queue"),
            workbin=self._workbin(),
            actor=workbins.actor_of(mapping(data.get("actorInfo"))),
            reason=first(reason, "reasonName", "reasonDescription", "reason")
            or first(body, "reason", "reasonCode"),
            direction=self.item.direction,
            parent=first(body, "parentInteractionId", "parentId"),
            topic=first(self.content, "subject", "Subject")
            or first(mapping(body.get("userData")), "Subject")
            or first(body, "subject"),
            attachments=self._attachments(),
            native=self.native,
        )

    def _workbin(self) -> Workbin | None:
        data = self.message.data
        return workbins.workbin_of(mapping(data.get("workbinInfo")) or mapping(data.get("workbin")))

    def _attachments(self) -> list[Attachment]:
        found = objects(self.content.get("attachments")) or objects(self.body.get("attachments"))
        attachments = []
        for item in found[:_MAX_ATTACHMENTS]:
            name = first(item, "id", "documentId", "uri")
            size = seconds(item.get("size"))
            if name is not None:
                attachments.append(
                    Attachment(
                        id=name,
                        name=first(item, "name", "fileName"),
                        size_bytes=None if size is None else int(size),
                        media_type=first(item, "mimeType", "contentType"),
                    )
                )
        return attachments

    def _remember(self, verb: str | None) -> None:
        picture, item = self.picture, self.item
        if self.in_workbin and verb is not None:
            workbins.remember(picture, self.interaction, verb, self._workbin())
        if (
            verb in _OVER
            or (self.in_workbin and self.first_seen)
            or (self.ended is not None and verb is None)
        ):
            picture.interactions.pop(self.interaction, None)
            put(picture.ended, self.interaction, Ended(self.message.print), MAX_ENDED)
            return
        item.state = self.word or item.state
        item.last = self.message.print
        if self.first_seen:
            picture.ended.pop(self.interaction, None)
            put(picture.interactions, self.interaction, item, MAX_INTERACTIONS)

    def _add(self, type_name: str, data: Data) -> None:
        name = self.interaction
        self.message.add(type_name, f"interaction/{name}", name, data, correlation=name)


def _direction(body: dict[str, Any]) -> str | None:
    """Inbound, outbound or internal; some samples have a medium as the kind, and only the sub-kind tells."""
    kind = folded(first(body, "interactionType", "InteractionType", "type"))
    if kind in _DIRECTIONS:
        return kind
    names = ("interactionSubType", "subType", "interactionSubtType", "InteractionSubtype")
    sub_kind = folded(first(body, *names))
    return next((name for name in _DIRECTIONS if sub_kind.startswith(name)), None)


def _list_of(message: Message) -> str:
    """The platform's list that the interaction stands in, by the message's shape or its topic."""
    for name, kept_in in _BODIES.items():
        if name != "interaction" and isinstance(message.data.get(name), dict):
            return kept_in
    return _LISTS.get(message.topic, "interactions")
