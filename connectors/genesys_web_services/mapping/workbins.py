"""Workbins: where interactions wait for an agent, a group or a place.

What lies in a workbin is with nobody, so a message about it puts nothing into the agent's hands:
that is told on the interactions topic. Where each interaction lies is remembered, so that what
changed during a gap can be told from the content of the workbins, and that a pull was told, so that
the platform's telling it on both topics is one event.
Source: Genesys Web Services API reference, "Workbins" (CometD Notifications, GetWorkbinContent);
newer servers have other message types for the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import MAX_WORKBIN_ITEMS, AgentPicture, put
from connectors.genesys_web_services.mapping.values import (
    first,
    folded,
    identifier,
    mapping,
    objects,
    text,
)
from gateway.events import Confidence
from gateway.events.interactions import Interaction, Workbin

PARKED = "parked"
PULLED = "pulled"
CHANGED = "changed"
_OPERATIONS = {
    "placedin": PARKED,
    "placed": PARKED,
    "added": PARKED,
    "takenout": PULLED,
    "pulled": PULLED,
    "removed": PULLED,
    "propertieschanged": CHANGED,
    "updated": CHANGED,
}
_RESOURCE_OPERATIONS = {"create": PARKED, "delete": PULLED, "update": CHANGED}
"""What the bare `operation` on the notification resource means where the content's own is missing."""
_OWNERS = (
    ("agent", "workbinAgentId"),
    ("place", "workbinPlaceId"),
    ("agent_group", "workbinGroupId"),
    ("place_group", "workbinPlaceGroupId"),
)
_INTERACTION_IDS = ("InteractionId", "interactionId", "id")
_DIRECTIONS = frozenset({"inbound", "outbound", "internal"})
_ABSENT = "absent"
NOWHERE = ""
"""In the place of a workbin: it was taken out of one."""
_ACTORS = {"agent": "agent", "customer": "customer", "client": "customer"}


def on_workbin_subscription_message(message: Message, _picture: AgentPicture) -> None:
    """A newer server tells that watching a workbin began or ended; there is no event for it, so it is kept as it is."""
    message.not_understood("the state of a subscription to a workbin")


def verb_of(data: dict[str, Any]) -> str:
    """What happened to the interaction, by a message of the workbins topic."""
    word = folded(first(data, "workbinContentOperation", "contentOperation"))
    if word:
        return _OPERATIONS.get(word, CHANGED)
    return _RESOURCE_OPERATIONS.get(folded(data.get("operation")), CHANGED)


def was_pulled(picture: AgentPicture, interaction: str) -> bool:
    """Whether the workbins topic told the pull that the interactions topic tells now; asked once for each."""
    return picture.workbins.pop(interaction, None) == NOWHERE


def remember(picture: AgentPicture, interaction: str, verb: str, workbin: Workbin | None) -> None:
    """Keep where it lies now; a change of properties says nothing about the place."""
    if verb == PULLED:
        put(picture.workbins, interaction, NOWHERE, MAX_WORKBIN_ITEMS)
    elif verb == PARKED and workbin is not None:
        put(picture.workbins, interaction, workbin.id, MAX_WORKBIN_ITEMS)


def on_contents_read(
    message: Message, picture: AgentPicture, *, whole: bool, heard: frozenset[str]
) -> None:
    """Compare what lies in the workbins with what was last told.

    At most as many interactions as are remembered are looked at.
    """
    for name, items in mapping(message.data.get("workbins")).items():
        listed = {
            interaction: item
            for item in objects(items)
            if (interaction := identifier(first(item, *_INTERACTION_IDS)))
        }
        if whole:
            _tell_pulled(message, picture, name, heard | listed.keys())
        for interaction, item in list(listed.items())[:MAX_WORKBIN_ITEMS]:
            if picture.workbins.get(interaction) != name and interaction not in heard:
                put(picture.workbins, interaction, name, MAX_WORKBIN_ITEMS)
                _tell(message, PARKED, interaction, _of_content(message, name, interaction, item))


def _tell_pulled(
    message: Message, picture: AgentPicture, name: str, present: frozenset[str]
) -> None:
    gone = [one for one, place in picture.workbins.items() if place == name and one not in present]
    for interaction in gone:
        del picture.workbins[interaction]
        if interaction not in picture.interactions:
            data = Interaction(
                interaction=interaction,
                media="unknown",
                workbin=Workbin(id=name),
                reason=_ABSENT,
                native=message.native(),
            )
            _tell(message, PULLED, interaction, data, confidence=Confidence.INFERRED)


def _of_content(message: Message, name: str, interaction: str, item: dict[str, Any]) -> Interaction:
    """An interaction by the properties that the content of a workbin shows of it."""
    kind = folded(first(item, "InteractionType", "interactionType"))
    return Interaction(
        interaction=interaction,
        media=(first(item, "MediaType", "mediaType", "channel") or "unknown").lower(),
        agent=message.origin.agent,
        queue=first(item, "Queue", "currentQueue"),
        workbin=msgspec.structs.replace(workbin_of(item) or Workbin(id=name), id=name),
        direction=kind if kind in _DIRECTIONS else None,
        topic=first(item, "Subject", "subject"),
        native=message.native(),
    )


def _tell(
    message: Message,
    verb: str,
    interaction: str,
    data: Interaction,
    *,
    confidence: Confidence = Confidence.OBSERVED,
) -> None:
    message.add(
        f"tieline.interaction.{verb}.v1",
        f"interaction/{interaction}",
        interaction,
        data,
        correlation=interaction,
        confidence=confidence,
    )


def workbin_of(info: dict[str, Any]) -> Workbin | None:
    """The workbin and whose it is."""
    name = first(info, "workbinTypeId", "workbinName", "workbinId", "Workbin", "id")
    if name is None:
        return None
    for kind, key in _OWNERS:
        owner = first(info, key, f"W{key[1:]}")
        if owner is not None:
            return Workbin(id=name, owner=owner, owner_kind=kind)
    return Workbin(id=name)


def actor_of(info: dict[str, Any]) -> str | None:
    """Who did it: an agent, a customer or a part of the platform."""
    kind = text(info.get("actorType"))
    return None if kind is None else _ACTORS.get(kind.lower(), "system")


def actor_ids(data: dict[str, Any]) -> dict[str, str]:
    """The vendor's names of who did it."""
    info = mapping(data.get("actorInfo"))
    names = ("agentId", "actorPlaceId", "actorMediaServerId")
    return {name: value for name in names if (value := text(info.get(name))) is not None}
