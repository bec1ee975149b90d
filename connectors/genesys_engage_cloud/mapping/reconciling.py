"""After a gap or a fresh start: from what was last told to what the platform says now.

What can be seen to have changed is told as events, marked by their provenance; what disappeared
meanwhile is told as ended, marked inferred, because nobody saw it end.

What was read and what is heard overlap: a message may be older than the answer and be heard after it. Of
whatever the feed speaks it tells all, in order, so the answer about it is not needed, and taking it would
tell the same transitions twice. Source: workspace-client-java, `CurrentSession`.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.message import Message
from connectors._genesys.reading import end_call, end_interaction, ids, told, unheard
from connectors._genesys.values import identifier, mapping, objects
from connectors.genesys_engage_cloud.mapping.agents import on_snapshot
from connectors.genesys_engage_cloud.mapping.calls import on_call_message
from connectors.genesys_engage_cloud.mapping.interactions import on_interaction_message
from connectors.genesys_engage_cloud.mapping.picture import MAX_ENDED, AgentPicture, Ended, put
from gateway.events import Event


def spoken_of(data: Any) -> set[str]:
    """The names of what a message is about: a call, an interaction, a phone, media."""
    fields = mapping(data)
    call, interaction, dn = (mapping(fields.get(name)) for name in ("call", "interaction", "dn"))
    named = [call.get("id"), interaction.get("id"), dn.get("number")]
    named += [fields.get("id"), fields.get("interactionId")]
    named += [each.get("name") for each in objects(mapping(fields.get("media")).get("channels"))]
    return {name for value in named if (name := identifier(value))}


def reconcile(message: Message, picture: AgentPicture, heard: frozenset[str]) -> list[Event]:
    """The events that lead to the agent's session in `message`, and the picture that goes with them.

    An agent without an active session has no calls and is logged off. A kind of resource that an active
    session does not have is left as it is, and so is what was `heard` of since.
    """
    picture.handover = None
    user = mapping(message.data.get("user"))
    active = mapping(user.get("activeSession"))
    calls = active.get("calls") if active else []
    events: list[Event] = []
    if isinstance(calls, list):
        _end_absent_calls(message, picture, ids(calls) | heard)
        for call in unheard(calls, heard):
            events += told(message, picture, on_call_message, {"call": call})
    interactions = _interactions(active) if active else []
    if interactions is not None:
        _end_absent_interactions(message, picture, ids(interactions) | heard)
        for interaction in unheard(interactions, heard):
            data = {"interaction": interaction}
            events += told(message, picture, on_interaction_message, data)
    if not active or "dn" in active:
        on_snapshot(message, picture, active, heard)
    return [*events, *message.events]


def _interactions(active: dict[str, Any]) -> list[Any] | None:
    """The interactions of an active session; none if it does not say."""
    for source in (active, mapping(active.get("media"))):
        found = source.get("interactions")
        if isinstance(found, list):
            return found
    return None


def _end_absent_calls(message: Message, picture: AgentPicture, present: set[str | None]) -> None:
    for call_id in [known for known in picture.calls if known not in present]:
        leg = picture.calls.pop(call_id)
        put(picture.ended, call_id, Ended(last=leg.last), MAX_ENDED)
        end_call(message, call_id, leg)


def _end_absent_interactions(
    message: Message, picture: AgentPicture, present: set[str | None]
) -> None:
    for name in [known for known in picture.interactions if known not in present]:
        item = picture.interactions.pop(name)
        put(picture.ended, name, Ended(last=item.last), MAX_ENDED)
        end_interaction(message, name, item)
