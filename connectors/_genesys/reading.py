"""What was read of an agent, against what is known: the steps that both platforms' reconciliations are made of. Pure.

What can be seen to have changed is told as if a message had told it. What disappeared meanwhile is told as ended,
marked inferred, because nobody saw it end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET

from connectors._genesys.message import Message
from connectors._genesys.values import identifier, objects
from gateway.events import Confidence, Event
from gateway.events.calls import Call
from gateway.events.common import Native
from gateway.events.interactions import Interaction
from gateway.states import ConnectionState

_UNCHANGED = frozenset({"tieline.call.changed.v1", "tieline.interaction.changed.v1"})
_ABSENT = "absent"
_P = TypeVar("_P")


class KnownCall(Protocol):
    """What a picture has of a call."""

    state: ConnectionState
    direction: str | None


class KnownInteraction(Protocol):
    """What a picture has of an interaction."""

    media: str
    direction: str | None


def told(
    message: Message, picture: _P, handler: Callable[[Message, _P], None], data: dict[str, Any]
) -> list[Event]:
    """The events of one resource, as if a message had told it; that it was not expected is no anomaly here."""
    one = Message(
        message.origin,
        message.topic,
        data,
        session=message.session,
        ordinal=message.ordinal,
        received=message.received,
        provenance=message.provenance,
        reading=message.reading,
    )
    handler(one, picture)
    return [
        msgspec.structs.replace(event, anomaly=UNSET)
        for event in one.events
        if event.type not in _UNCHANGED
    ]


def ids(resources: list[Any]) -> set[str | None]:
    """The ids of resources."""
    return {identifier(resource.get("id")) for resource in objects(resources)}


def unheard(resources: list[Any], heard: frozenset[str]) -> list[dict[str, Any]]:
    """The resources that no message speaks of."""
    return [one for one in objects(resources) if identifier(one.get("id")) not in heard]


def end_call(message: Message, call_id: str, known: KnownCall) -> None:
    """A call that is not there any more."""
    add_end(message, call_id, known, _ABSENT, message.native(), confidence=Confidence.INFERRED)


def add_end(
    message: Message,
    call_id: str,
    known: KnownCall,
    cause: str,
    native: Native,
    *,
    successor: str | None = None,
    confidence: Confidence = Confidence.OBSERVED,
) -> None:
    """Tell that a call is over for the agent, and under which id it goes on, if it does."""
    message.add(
        "tieline.call.ended.v1",
        f"call/{call_id}",
        call_id,
        Call(
            call=call_id,
            agent=message.origin.agent,
            state=ConnectionState.CLEARED,
            previous_state=known.state,
            direction=known.direction,
            cause=cause,
            related_call=successor,
            native=native,
        ),
        correlation=call_id,
        confidence=confidence,
    )


def end_interaction(message: Message, name: str, known: KnownInteraction) -> None:
    """An interaction that is not there any more."""
    message.add(
        "tieline.interaction.completed.v1",
        f"interaction/{name}",
        name,
        Interaction(
            interaction=name,
            media=known.media,
            agent=message.origin.agent,
            reason=_ABSENT,
            direction=known.direction,
            native=message.native(),
        ),
        correlation=name,
        confidence=Confidence.INFERRED,
    )
