"""Workbins and the supervisor's snapshots of media: lists of interactions that are with no agent, or with another one.

Their bodies are known from the vendor's simulator only, so whatever names no interaction and no workbin
is kept whole. Source: agent-api-simulator, `workbins` and `media-management`.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.message import Message
from connectors._genesys.values import first, identifier, mapping, objects
from connectors.genesys_engage_cloud.mapping.interactions import InteractionReader, workbin_of
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from gateway.events.interactions import Interaction, Workbin
from gateway.events.operations import DirectoryChanged

_LISTS = ("interactions", "contents", "content")
_MAX_LISTED = 500


def on_workbins_message(message: Message, picture: AgentPicture) -> None:
    """Map a `WorkbinsMessage`: which workbins there are, what is in them, what came and went."""
    data = message.data
    if message.repeats(picture, picture.last.get("workbins", 0)):
        return
    picture.last["workbins"] = message.print
    # The vendor's own simulator writes the notification as the name.
    message.notification = message.notification or first(data, "name") or ""
    info = mapping(data.get("workbin")) or data
    name = identifier(first(info, "workbinId", "id", "name")) if info is not data else None
    name = name or identifier(first(data, "workbinId"))
    workbin = workbin_of(name, info) if name is not None else None
    listed = _interactions(data) or _interactions(info)
    if listed:
        _tell(message, picture, listed, workbin)
        return
    workbins = _workbins(data.get("workbins"))
    names = [found for entry in workbins if (found := identifier(first(entry, "id", "workbinId")))]
    for entry in workbins:
        bin_name = identifier(first(entry, "id", "workbinId"))
        inner = _interactions(entry)
        if bin_name is not None and inner:
            _tell(message, picture, inner, workbin_of(bin_name, entry))
    if not message.events and names:
        agent = message.origin.agent
        message.add(
            "tieline.directory.changed.v1",
            "directory/workbins",
            agent,
            DirectoryChanged(
                directory="workbins",
                changed=names[:_MAX_LISTED],
                native=message.native(),
            ),
        )
    elif not message.events:
        operation = first(data, "operation") or "what"
        message.not_understood(f"a workbin message without content, about {operation}")


def on_contacts_message(message: Message, picture: AgentPicture) -> None:
    """Map a `UcsMessage`: the contact server changed what it keeps of an interaction. Other answers are kept whole."""
    data = message.data
    # The vendor's own simulator, the only known source, writes the notification as the name.
    message.notification = message.notification or first(data, "name") or ""
    name = identifier(first(data, "interactionId")) or _name(mapping(data.get("interaction")))
    if name is None:
        message.not_understood("an answer of the contact server that names no interaction")
        return
    item = picture.interactions.get(name)
    message.add(
        "tieline.interaction.changed.v1",
        f"interaction/{name}",
        name,
        Interaction(
            interaction=name,
            media="unknown" if item is None else item.media,
            agent=message.origin.agent,
            native=message.native(),
        ),
        correlation=name,
    )


def on_snapshot_message(message: Message, picture: AgentPicture) -> None:
    """Map a `SnapshotMessage` of media management: interactions as a supervisor sees them."""
    if message.repeats(picture, picture.last.get("snapshot", 0)):
        return
    picture.last["snapshot"] = message.print
    listed = _interactions(message.data) or _interactions(mapping(message.data.get("snapshot")))
    if not listed:
        # What answers a supervisor's operation need not say what the operation was about.
        listed = [
            {"id": asked.interaction}
            for asked in picture.asked
            if asked.command == message.causation and asked.interaction is not None
        ]
    for body in listed[:_MAX_LISTED]:
        # They are with others, so this agent's picture has nothing to do with them.
        InteractionReader(message, AgentPicture(), body, _name(body) or "").restate()
    if not listed:
        message.not_understood("a snapshot message without interactions")


def _workbins(value: Any) -> list[dict[str, Any]]:
    """A list of workbins, or an object that has them by their ids."""
    if isinstance(value, dict):
        return [{"id": name, **each} for name, each in value.items() if isinstance(each, dict)]
    return objects(value)


def _interactions(source: dict[str, Any]) -> list[dict[str, Any]]:
    """The interactions in a message; some messages have their ids only."""
    for name in _LISTS:
        listed = source.get(name)
        ids = (
            [{"id": each} for each in listed or () if isinstance(each, str)]
            if isinstance(listed, list)
            else []
        )
        if found := [each for each in [*objects(listed), *ids] if _name(each)]:
            return found
    single = mapping(source.get("interaction"))
    return [single] if _name(single) else []


def _name(body: dict[str, Any]) -> str | None:
    return identifier(first(body, "id", "interactionId"))


def _tell(
    message: Message,
    picture: AgentPicture,
    listed: list[dict[str, Any]],
    workbin: Workbin | None,
) -> None:
    for body in listed[:_MAX_LISTED]:
        name = _name(body)
        if name is None:
            continue
        if workbin is not None and "state" not in body:
            body = {**body, "state": "InWorkbin"}  # noqa: PLW2901 - what is in a workbin is parked
        InteractionReader(message, picture, body, name, workbin=workbin).map()
