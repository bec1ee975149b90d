"""What is said in a chat: `MessageLogUpdated`, and the log that a chat interaction carries.

Messages have an index within the chat; the platform repeats earlier ones, so each is told once, in the
order of the indexes. Sources: workspace-client-js 9.0.96, `chat-api`; agent-api-simulator.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.message import Message
from connectors._genesys.values import (
    fingerprint,
    first,
    folded,
    mapping,
    milliseconds,
    text,
)
from connectors.genesys_engage_cloud.mapping.picture import Item, put
from gateway.events import Data
from gateway.events.common import Party
from gateway.events.interactions import (
    Interaction,
    InteractionMessage,
    InteractionParty,
    InteractionTyping,
)

MAX_SEEN = 256
MAX_MARKS = 64
MAX_NAMES = 32
MAX_INDEX = 2**31
_ROLES = {"customer": "customer", "client": "customer", "agent": "agent", "supervisor": "observer"}
_JOINED = frozenset({"participantjoined", "partyjoined"})
_LEFT = frozenset({"participantleft", "partyleft"})
_RENAMED = frozenset({"nicknameupdated"})
_TYPING = {"typingstarted": True, "typingstopped": False}


def add_messages(
    message: Message, item: Item, entries: list[dict[str, Any]], *, interaction: str
) -> None:
    """Add what is new in a chat's log; `item` remembers which were told."""
    fresh = [entry for entry in sorted(entries, key=_order) if _is_new(item, entry)]
    for entry in fresh:
        _add(message, item, entry, interaction)


def _index(entry: dict[str, Any]) -> int | None:
    value = entry.get("index")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_INDEX:
        return value
    return None


def _order(entry: dict[str, Any]) -> tuple[bool, int]:
    index = _index(entry)
    return index is None, index or 0


def _is_new(item: Item, entry: dict[str, Any]) -> bool:
    index = _index(entry)
    if index is None:
        mark = fingerprint(entry)
        if mark in item.marks:
            return False
        item.marks.append(mark)
        del item.marks[:-MAX_MARKS]
        return True
    if index < item.floor or index in item.seen:
        return False
    item.seen.append(index)
    seen = set(item.seen)
    while item.floor in seen:
        seen.discard(item.floor)
        item.floor += 1
    item.seen = sorted(seen)
    if len(item.seen) > MAX_SEEN:
        item.floor = item.seen.pop(0) + 1
    return True


def _add(message: Message, item: Item, entry: dict[str, Any], interaction: str) -> None:
    sender = mapping(entry.get("from"))
    participant = first(sender, "participantId", "id") or first(entry, "participantId")
    party = _party(item, participant, sender)
    word = first(entry, "type", "messageType")
    kind = folded(word)
    index = text(entry.get("index"))
    named = {"index": index, "participantId": participant}
    native = message.native(state=word, ids={key: value for key, value in named.items() if value})
    agent, media = message.origin.agent, item.media
    said = first(entry, "text", "message", "url")
    data: Data
    if kind in _JOINED or kind in _LEFT:
        verb = "party.joined" if kind in _JOINED else "party.left"
        data = InteractionParty(
            interaction=interaction, media=media, party=party, agent=agent, native=native
        )
    elif kind in _TYPING:
        verb = "typing.changed"
        data = InteractionTyping(
            interaction=interaction,
            media=media,
            typing=_TYPING[kind],
            party=party,
            agent=agent,
            native=native,
        )
    elif kind in _RENAMED:
        verb = "changed"
        data = Interaction(interaction=interaction, media=media, agent=agent, native=native)
    elif said is not None:
        verb = "message.added"
        data = InteractionMessage(
            interaction=interaction,
            media=media,
            message=f"{interaction}/{index or fingerprint(entry)}",
            sender=party,
            text=said,
            agent=agent,
            native=native,
        )
    else:
        message.not_understood("an unknown message of a chat", entry)
        return
    message.add(
        f"tieline.interaction.{verb}.v1",
        f"interaction/{interaction}",
        interaction,
        data,
        correlation=interaction,
        told_at=milliseconds(entry.get("timestamp")),
    )


def _party(item: Item, participant: str | None, sender: dict[str, Any]) -> Party:
    role = _ROLES.get(folded(sender.get("type")))
    name = first(sender, "nickname", "nickName")
    known = item.names.get(participant) if participant is not None else None
    if known is not None:
        role, name = role or known[0], name or known[1] or None
    elif participant is not None and (role or name):
        put(item.names, participant, [role or "unknown", name or ""], MAX_NAMES)
    return Party(role=role or "unknown", name=name)
