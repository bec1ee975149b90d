"""After a gap or a fresh start: from what was last told to what the platform says now.

What can be seen to have changed is told as events, marked by their provenance; what disappeared
meanwhile is told as ended, marked inferred, because nobody saw it end. Ids are made of what is told and
of how many snapshots came before, so that one that is read again after a crash is not told twice.
Source: workspace-client-java, `CurrentSession`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from connectors._genesys.message import Message
from connectors._genesys.values import fingerprint, first, identifier, mapping, objects
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


def reconcile(message: Message, picture: AgentPicture) -> list[Event]:
    """The events that lead to the agent's session in `message`, and the picture that goes with them.

    An agent without an active session has no calls and is logged off. A kind of resource that an active
    session does not have is left as it is.
    """
    picture.handover = None
    user = mapping(message.data.get("user"))
    active = mapping(user.get("activeSession"))
    calls = active.get("calls") if active else []
    events: list[Event] = []
    if isinstance(calls, list):
        _end_absent_calls(message, picture, _ids(calls))
        number = first(mapping(active.get("dn")), "number")
        for call in objects(calls):
            data = {"call": {"phoneNumber": number, **call}}
            events += _told(message, picture, on_call_message, data, call)
    interactions = _interactions(active) if active else []
    if interactions is not None:
        _end_absent_interactions(message, picture, _ids(interactions))
        for interaction in objects(interactions):
            data = {"interaction": interaction}
            events += _told(message, picture, on_interaction_message, data, interaction)
    if not active or "dn" in active:
        on_snapshot(message, picture, active)
    return [*events, *message.events]


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
    resource: dict[str, Any],
) -> list[Event]:
    """The events of one resource, as if a message had told it; that it was not expected is no anomaly here."""
    told = Message(
        message.origin,
        message.topic,
        data,
        session=message.session,
        ordinal=f"{message.ordinal}/{identifier(resource.get('id'))}/{fingerprint(resource)}",
        received=message.received,
        provenance=message.provenance,
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
