"""The events inside a chat interaction: who came and went, who is typing, what was said.

The platform repeats earlier events in later messages and does not sort them, so each is told once,
by its id within the session, and in the order of ids. Source: Genesys Web Services API reference,
"Interaction Notifications" (Chat Accepted, Chat Notifications).
"""

from __future__ import annotations

from typing import Any

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import ChatUser, Item, put
from connectors.genesys_web_services.mapping.values import (
    fingerprint,
    first,
    folded,
    mapping,
    milliseconds,
    text,
)
from gateway.events import Data
from gateway.events.common import Party
from gateway.events.interactions import InteractionMessage, InteractionParty, InteractionTyping

MAX_SEEN = 256
MAX_SEEN_WORDS = 64
MAX_USERS = 32
_MAX_ID = 2**53
_ROLES = {
    "client": "customer",
    "customer": "customer",
    "agent": "agent",
    "supervisor": "observer",
    "monitor": "observer",
}
_JOINED = frozenset({"partyjoined", "participantjoined"})
_LEFT = frozenset({"partyleft", "participantleft"})
_TYPING = {"typingstarted": True, "typingstopped": False}
_TEXTS = ("text", "message", "messageText", "msg", "url")


def add_events(
    message: Message, item: Item, events: list[dict[str, Any]], *, interaction: str, session: str
) -> None:
    """Add what is new among a chat's events; `item` remembers which were told."""
    numbered = sorted([(_number(event), event) for event in events], key=_order)
    fresh = [event for number, event in numbered if _is_new(item, number, event)]
    for event in fresh:
        _add_event(message, item, event, interaction=interaction, session=session)


def _number(event: dict[str, Any]) -> int | None:
    value = event.get("id", event.get("index"))
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:  # noqa: PLR2004 - beyond any event id
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_ID:
        return value
    return None


def _order(numbered: tuple[int | None, dict[str, Any]]) -> tuple[bool, int]:
    number, _ = numbered
    return number is None, number or 0


def _is_new(item: Item, number: int | None, event: dict[str, Any]) -> bool:
    if number is None:
        mark = fingerprint(event.get("id")) if text(event.get("id")) else fingerprint(event)
        if mark in item.seen_words:
            return False
        item.seen_words.append(mark)
        del item.seen_words[:-MAX_SEEN_WORDS]
        return True
    if number == 0:
        # The cloud generation counts from 0: not a number above the floor, so it is remembered by
        # content.
        mark = fingerprint(event)
        if mark in item.seen_words:
            return False
        item.seen_words.append(mark)
        return True
    if number <= item.floor or number in item.seen:
        return False
    item.seen.append(number)
    if number == item.floor + 1:
        seen = set(item.seen)
        while item.floor + 1 in seen:
            item.floor += 1
        item.seen = sorted(n for n in seen if n > item.floor)
    elif len(item.seen) > MAX_SEEN:
        item.seen.sort()
        item.floor = item.seen.pop(0)
    return True


def _add_event(
    message: Message, item: Item, event: dict[str, Any], *, interaction: str, session: str
) -> None:
    sender = mapping(event.get("from"))
    user = first(event, "userId", "participantId") or first(sender, "participantId", "userId")
    user_type = first(event, "userType") or first(sender, "type", "userType")
    name = first(event, "nickName", "nickname") or first(sender, "nickname", "nickName")
    party = _party(item, user, user_type, name)
    kind = folded(first(event, "messageType", "type", "eventType"))
    notice = _TYPING.get(folded(event.get("noticeType")), _TYPING.get(kind))
    named = {"eventId": text(event.get("id", event.get("index"))), "userId": user}
    ids = {"sessionId": session} | {key: value for key, value in named.items() if value}
    native = message.native(state=first(event, "noticeType", "messageType", "type"), ids=ids)
    agent, media = message.origin.agent, item.media
    data: Data
    if kind in _JOINED or kind in _LEFT:
        verb = "party.joined" if kind in _JOINED else "party.left"
        data = InteractionParty(
            interaction=interaction, media=media, party=party, agent=agent, native=native
        )
    elif notice is not None:
        verb = "typing.changed"
        data = InteractionTyping(
            interaction=interaction,
            media=media,
            typing=notice,
            party=party,
            agent=agent,
            native=native,
        )
    elif (said := first(event, *_TEXTS)) is not None:
        verb = "message.added"
        number = ids.get("eventId") or str(fingerprint(event))
        data = InteractionMessage(
            interaction=interaction,
            media=media,
            message=f"{session}/{number}",
            sender=party,
            text=said,
            agent=agent,
            native=native,
        )
    else:
        message.not_understood("an unknown event of a chat", event)
        return
    message.add(
        f"tieline.interaction.{verb}.v1",
        f"interaction/{interaction}",
        interaction,
        data,
        correlation=interaction,
        told_at=milliseconds(event.get("timestamp")),
    )


def _party(item: Item, user: str | None, user_type: str | None, name: str | None) -> Party:
    known = item.users.get(user) if user is not None else None
    role = _ROLES.get(folded(user_type)) if user_type else None
    if user is not None and known is None and (role is not None or name is not None):
        put(item.users, user, ChatUser(role or "unknown", name), MAX_USERS)
    return Party(
        role=role or (known.role if known else "unknown"),
        name=name or (known.name if known else None),
    )
