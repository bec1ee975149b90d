"""Contacts that are no calls: chats and their messages, work items, voice mails, digital contacts, callbacks.

Source: NICE inContact developer portal, "Agent Session Events" (ChatContactEvent, ChatText,
WorkItemContactEvent, VoiceMailContactEvent, PromiseKeeper); the vendor's agent SDK for
DigitalContactEvent and VoiceMailPlayBackEvent.
"""

from __future__ import annotations

from typing import Any

from connectors._wire.json_values import identifier, objects, text
from connectors.nice_incontact.mapping import contacts
from connectors.nice_incontact.mapping.agents import CALLBACK, end_callback
from connectors.nice_incontact.mapping.message import Message
from connectors.nice_incontact.mapping.picture import INTERACTION, AgentPicture, Contact
from gateway.events.common import Party
from gateway.events.interactions import Interaction, InteractionMessage
from gateway.states import ConnectionState

_C = ConnectionState
MEDIA_OF = {
    "chatcontactevent": "chat",
    "workitemcontactevent": "workitem",
    "voicemailcontactevent": "voicemail",
    "digitalcontactevent": "digital",
    "emailcontactevent": "email",
}
_VERBS = {
    _C.INITIATED: "created",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "accepted",
    _C.HELD: "changed",
    _C.CLEARED: "completed",
    _C.FAILED: "cancelled",
    _C.UNKNOWN: "changed",
}
_OVER = frozenset({_C.CLEARED, _C.FAILED})
_ROLES = {"agent": "agent", "client": "customer", "system": "unknown"}
_REFUSED = frozenset({"rejected", "refused"})


def on_interaction(message: Message, picture: AgentPicture) -> None:
    """Map an event about a contact that is no call."""
    name = message.contact or message.text("workitemid") or message.text("roomid")
    if name is None:
        message.not_understood("a contact without ContactID")
        return
    if contacts.repeats(message, picture, name):
        return
    known = picture.contacts.get(name)
    state = contacts.state_of(message)
    contact = known or Contact(kind=INTERACTION, state=state)
    previous = None if known is None else known.state
    _learn(message, contact)
    if known is None and name in picture.closed and state in _OVER:
        # A reading found it ended; the platform says more than the reading could.
        _tell(message, name, contact, "changed")
        picture.closed[name] = message.print
        return
    before = len(message.events)
    if state is not previous:
        _tell(message, name, contact, _verb(message, previous, state), at=_at(message))
    contact.state, contact.status = state, (message.text("status") or contact.status).lower()
    if state not in _OVER:
        contacts.tell_data(message, name, contact, contacts.data_of(message))
        _tell_history(message, name, contact, first=known is None)
    if len(message.events) == before:
        _tell(message, name, contact, "changed")
    contacts.remember(message, picture, name, contact)


def on_chat_text(message: Message, picture: AgentPicture) -> None:
    """A message in a chat. The event names the room only; the chat is found by it."""
    room = message.text("roomid")
    name = message.contact or next(
        (known for known, contact in picture.contacts.items() if contact.room == room and room),
        room,
    )
    if name is None:
        message.not_understood("a ChatText without RoomId")
        return
    _message(message, name, dict(message.told))


def on_playback(message: Message, picture: AgentPicture) -> None:
    """A voice mail is played or paused."""
    name = message.contact
    if name is None:
        message.not_understood("a VoiceMailPlayBackEvent without ContactId")
        return
    contact = picture.contacts.get(name)
    media = "voicemail" if contact is None else contact.media
    data = Interaction(
        interaction=name,
        media=media,
        agent=message.origin.agent,
        changed=["PlayBackPaused", "PlayBackPosition"],
        native=message.native(state="paused" if message.flag("playbackpaused") else "playing"),
    )
    message.add("interaction.changed", f"interaction/{name}", data, key=name)


def on_callback(message: Message, picture: AgentPicture) -> None:
    """A commitment to call somebody back is due."""
    name = identifier(message.told.get("callbackid"))
    if name is None:
        message.not_understood("a PromiseKeeper without CallbackId")
        return
    if picture.callback != name:
        end_callback(message, picture, reason="superseded")
    picture.callback = name
    data = Interaction(
        interaction=name,
        media=CALLBACK,
        agent=message.origin.agent,
        queue=message.text("skillid"),
        direction="outbound",
        topic=message.text("notes"),
        native=message.native(),
    )
    message.add("interaction.offered", f"interaction/{name}", data, key=name)


def on_callback_status(message: Message, picture: AgentPicture) -> None:
    """What became of the commitment that was offered last: the event does not name it."""
    name = identifier(message.told.get("callbackid")) or picture.callback
    if name is None:
        message.not_understood("a PromiseKeeperStatus before any PromiseKeeper")
        return
    status = message.text("status")
    data = Interaction(
        interaction=name,
        media=CALLBACK,
        agent=message.origin.agent,
        reason=status,
        changed=["Status"],
        native=message.native(state=status),
    )
    message.add("interaction.changed", f"interaction/{name}", data, key=name)


def _learn(message: Message, contact: Contact) -> None:
    contact.media = MEDIA_OF.get(message.kind.lower(), contact.media)
    if message.kind.lower() == "digitalcontactevent":
        contact.call_type = (message.text("channeltype") or contact.call_type).lower()
    contact.skill = (
        message.text("skill")
        or message.text("skillid")
        or message.text("skillname")
        or contact.skill
    )
    contact.room = message.text("roomid") or contact.room
    contact.number = message.text("from") or contact.number
    contact.master = identifier(message.told.get("masterid")) or contact.master
    inbound = message.flag("isinbound")
    contact.direction = (
        contact.direction if inbound is None else "inbound" if inbound else "outbound"
    )


def _verb(message: Message, previous: ConnectionState | None, now: ConnectionState) -> str:
    if previous is _C.HELD and now is _C.CONNECTED:
        return "changed"
    if now in _OVER and previous is _C.ALERTING:
        code = (message.text("disconnectcode") or message.text("finalreason") or "").lower()
        return "rejected" if code in _REFUSED else "revoked"
    return _VERBS[now]


def _at(message: Message) -> Any:
    return contacts.changed_at(message)


def _tell(message: Message, name: str, contact: Contact, verb: str, *, at: Any = None) -> None:
    status = message.text("status")
    data = Interaction(
        interaction=name,
        media=contact.media,
        agent=message.origin.agent,
        queue=contact.skill,
        direction=contact.direction,
        parent=contact.parent,
        native=message.native(state=status, reason=message.text("disconnectcode")),
    )
    message.add(f"interaction.{verb}", f"interaction/{name}", data, key=name, at=at)


def _tell_history(message: Message, name: str, contact: Contact, *, first: bool) -> None:
    """The messages that a chat had before it came to the agent; later ones come as events of their own."""
    if not first or contact.media != "chat":
        return
    for entry in objects(message.told.get("messages")):
        _message(message, name, entry)


def _message(message: Message, name: str, told: dict[str, Any]) -> None:
    words = told.get("message") if isinstance(told.get("message"), str) else told.get("text")
    who = (text(told.get("partytype")) or "").lower()
    agent = message.origin.agent
    at = Message(message.origin, told, place=(), received=message.received).moment("timestamp")
    data = InteractionMessage(
        interaction=name,
        media="chat",
        message=f"{name}/{text(told.get('timestamp')) or ''}/{len(message.events)}",
        sender=Party(
            role=_ROLES.get(who, "unknown"),
            name=text(told.get("label")),
            agent=agent if who == "agent" else None,
        ),
        text=words if isinstance(words, str) else None,
        content_type="text/plain",
        agent=agent,
        native=message.native(state=text(told.get("partytype"))),
    )
    message.add("interaction.message.added", f"interaction/{name}", data, key=name, at=at)
