"""After a gap or a fresh start: from what was last told to what the platform says now.

What can be seen to have changed is told as events, marked by their provenance; what disappeared
meanwhile is told as ended, marked inferred, because nobody saw it end. An answer that the platform
calls partial lacks things that exist, so nothing is concluded from what it does not have. Sources:
Genesys Web Services API reference, "Request Parameters" (Subresources), "Return Values" (Partial
Success of bulk GETs).

What was read and what is heard overlap: a message may be older than the answer and be heard after
it. Of whatever the feed speaks in the new session it tells all, in order, so the answer about it is
not needed, and taking it would tell the same transitions twice.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.reading import end_call, end_interaction, ids, told, unheard
from connectors.genesys_web_services.mapping.agents import on_snapshot
from connectors.genesys_web_services.mapping.calls import on_call_message
from connectors.genesys_web_services.mapping.interactions import on_interaction_message
from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import MAX_ENDED, AgentPicture, Ended, put
from connectors.genesys_web_services.mapping.services import on_services_read
from connectors.genesys_web_services.mapping.values import identifier, mapping, objects
from connectors.genesys_web_services.mapping.workbins import on_contents_read
from connectors.genesys_web_services.vendor import StatusCode
from gateway.events import Event

_LISTS = {"interactions": "interaction", "chats": "chat", "workitems": "workitem"}
"""The platform's lists of interactions, and under which name a message has one of each."""


def spoken_of(data: Any) -> set[str]:
    """The names of what a message is about: calls, interactions, devices, channels, services."""
    fields = mapping(data)
    bodies = [mapping(fields.get(name)) for name in ("call", *_LISTS.values(), "workItem")]
    bodies += [fields, *objects(fields.get("devices")), *objects(fields.get("service"))]
    named = [body.get(key) for body in bodies for key in ("id", "interactionId", "name")]
    named += [channel.get("channel") for channel in objects(fields.get("channels"))]
    return {name for value in named if (name := identifier(value))}


def reconcile(message: Message, picture: AgentPicture, heard: frozenset[str]) -> list[Event]:
    """The events that lead to the agent's resources in `message`, and the picture that goes with them.

    A kind of resource that the answer does not have is left as it is, and so is what was `heard` of since.
    """
    resources = message.data
    whole = resources.get("statusCode") != StatusCode.PARTIAL
    events: list[Event] = []
    if isinstance(calls := resources.get("calls"), list):
        if whole:
            _end_absent_calls(message, picture, ids(calls) | heard)
        devices = objects(resources.get("devices"))
        number = devices[0].get("phoneNumber") if devices else None
        for call in unheard(calls, heard):
            data = {"call": call, "phoneNumber": number}
            events += told(message, picture, on_call_message, data)
    listed = {name: found for name in _LISTS if isinstance(found := resources.get(name), list)}
    if whole:
        present = {name: ids(listed[name]) | heard for name in listed}
        _end_absent_interactions(message, picture, present)
    for name, interactions in listed.items():
        for interaction in unheard(interactions, heard):
            data = {_LISTS[name]: interaction}
            events += told(message, picture, on_interaction_message, data)
    if isinstance(resources.get("devices"), list) or isinstance(resources.get("channels"), list):
        on_snapshot(message, picture, whole=whole, heard=heard)
    on_services_read(message, picture, heard=heard)
    on_contents_read(message, picture, whole=whole, heard=heard)
    return [*events, *message.events]


def _end_absent_calls(message: Message, picture: AgentPicture, present: set[str | None]) -> None:
    for call_id in [known for known in picture.calls if known not in present]:
        leg = picture.calls.pop(call_id)
        put(picture.ended, call_id, Ended(leg.last, leg.told_at), MAX_ENDED)
        end_call(message, call_id, leg)


def _end_absent_interactions(
    message: Message, picture: AgentPicture, present: dict[str, set[str | None]]
) -> None:
    """End what is in none of the lists, if the list in which it would stand was read."""
    everywhere = set().union(*present.values())
    for name in [
        known
        for known, item in picture.interactions.items()
        if item.kept_in in present and known not in everywhere
    ]:
        item = picture.interactions.pop(name)
        put(picture.ended, name, Ended(item.last), MAX_ENDED)
        end_interaction(message, name, item)
