"""Workbins: where interactions wait for an agent, a group or a place.

What lies in a workbin is with nobody, so a message about it puts nothing into the agent's hands:
that is told on the interactions topic. Only the last thing that happened to each interaction is
remembered, so that the same pull, which the platform tells on both topics, is told once.
Source: Genesys Web Services API reference, "Workbins" (CometD Notifications); newer servers have
other message types for the same.
"""

from __future__ import annotations

from typing import Any

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import MAX_WORKBIN_ITEMS, AgentPicture, put
from connectors.genesys_web_services.mapping.values import first, mapping, text
from connectors.genesys_web_services.vendor import folded
from gateway.events.interactions import Workbin

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
    return picture.workbins.pop(interaction, None) == PULLED


def remember(picture: AgentPicture, interaction: str, verb: str) -> None:
    """Keep the last thing that happened; a change of properties says nothing about the place."""
    if verb != CHANGED:
        put(picture.workbins, interaction, verb, MAX_WORKBIN_ITEMS)


def workbin_of(info: dict[str, Any]) -> Workbin | None:
    """The workbin and whose it is."""
    name = first(info, "workbinTypeId", "workbinName", "workbinId", "id")
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
