"""After a gap or a fresh start: from what was last told to what the platform says now.

What can be seen to have changed is told as events, marked by their provenance; what disappeared
meanwhile is told as ended, marked inferred, because nobody saw it end.

What was read and what is heard overlap: a message may be older than the answer and be heard after it. Of
whatever the feed speaks it tells all, in order, so the answer about it is not needed, and taking it would
tell the same transitions twice. Source: workspace-client-java, `CurrentSession`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from connectors._genesys.message import Message
from connectors._genesys.values import identifier, mapping, objects
from connectors.genesys_engage_cloud.mapping.agents import on_snapshot
from connectors.genesys_engage_cloud.mapping.calls import on_call_message
from connectors.genesys_engage_cloud.mapping.interactions import on_interaction_message
from connectors.genesys_engage_cloud.mapping.picture import MAX_ENDED, AgentPicture, Ended, put
from gateway.events import Confidence, Event
from gateway.events.calls import Call
from gateway.events.interactions import Interaction
from gateway.states import ConnectionState

_UNCHANGED = frozenset({"tieline.call.changed.v1", "tieline.interaction.changed.v1"})
_ABSENT = "absent"


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
        _end_absent_calls(message, picture, _ids(calls) | heard)
        for call in _unheard(calls, heard):
            events += _told(message, picture, on_call_message, {"call": call})
    interactions = _interactions(active) if active else []
    if interactions is not None:
        _end_absent_interactions(message, picture, _ids(interactions) | heard)
        for interaction in _unheard(interactions, heard):
            data = {"interaction": interaction}
            events += _told(message, picture, on_interaction_message, data)
    if not active or "dn" in active:
        on_snapshot(message, picture, active, heard)
    return [*events, *message.events]


def _unheard(resources: list[Any], heard: frozenset[str]) -> list[dict[str, Any]]:
    return [one for one in objects(resources) if identifier(one.get("id")) not in heard]


def _interactions(active: dict[str, Any]) -> list[Any] | None:
    """The interactions of an active session; none if it does not say."""
    for source in (active, mapping(active.get("media"))):
        found = source.get("interactions")
        if isinstance(found, list):
            return found
    return None


def _told(
    message: Message,
    picture: AgentPicture,
    handler: Callable[[Message, AgentPicture], None],
    data: dict[str, Any],
) -> list[Event]:
    """The events of one resource, as if a message had told it; that it was not expected is no anomaly here."""
    told = Message(
        message.origin,
        message.topic,
        data,
        session=message.session,
        ordinal=message.ordinal,
        received=message.received,
        provenance=message.provenance,
        reading=message.reading,
    )
    handler(told, picture)
    return [
        msgspec.structs.replace(event, anomaly=UNSET)
        for event in told.events
        if event.type not in _UNCHANGED
    ]


def _ids(resources: list[Any]) -> set[str | None]:
    return {identifier(resource.get("id")) for resource in objects(resources)}


def _end_absent_calls(message: Message, picture: AgentPicture, present: set[str | None]) -> None:
    for call_id in [known for known in picture.calls if known not in present]:
        leg = picture.calls.pop(call_id)
        put(picture.ended, call_id, Ended(last=leg.last), MAX_ENDED)
        message.add(
            "tieline.call.ended.v1",
            f"call/{call_id}",
            call_id,
            Call(
                call=call_id,
                agent=message.origin.agent,
                state=ConnectionState.CLEARED,
                previous_state=leg.state,
                direction=leg.direction,
                cause=_ABSENT,
                native=message.native(),
            ),
            correlation=call_id,
            confidence=Confidence.INFERRED,
        )


def _end_absent_interactions(
    message: Message, picture: AgentPicture, present: set[str | None]
) -> None:
    for name in [known for known in picture.interactions if known not in present]:
        item = picture.interactions.pop(name)
        put(picture.ended, name, Ended(last=item.last), MAX_ENDED)
        message.add(
            "tieline.interaction.completed.v1",
            f"interaction/{name}",
            name,
            Interaction(
                interaction=name,
                media=item.media,
                agent=message.origin.agent,
                reason=_ABSENT,
                direction=item.direction,
                native=message.native(),
            ),
            correlation=name,
            confidence=Confidence.INFERRED,
        )
