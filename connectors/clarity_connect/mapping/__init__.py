"""The mapping: what the platform pushes or answers in, canonical events out; no I/O, no clock.

`Mapper` keeps what was told and merges differences into it. It takes any JSON value and never raises:
what it cannot place becomes a `vendor.message` that keeps the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from connectors.clarity_connect.mapping import sessions
from connectors.clarity_connect.mapping.agents import on_status
from connectors.clarity_connect.mapping.alerts import on_alert
from connectors.clarity_connect.mapping.message import Message, Origin
from connectors.clarity_connect.mapping.metrics import on_metrics
from connectors.clarity_connect.mapping.sessions import on_bag
from connectors.clarity_connect.mapping.sightings import Sightings
from connectors.clarity_connect.mapping.state import MAX_OBJECTS, State, put
from connectors.clarity_connect.mapping.values import fields, identifier, objects, text
from connectors.clarity_connect.vendor import GROUPS, word
from gateway.events import Event, Provenance
from gateway.events.operations import MetricObject

__all__ = ["Mapper", "Origin", "State"]

_TYPES = frozenset({"agent", "queue"})


class Mapper:
    """Maps what one connector hears.

    Attributes:
        state: what is remembered between messages; it goes into the resume state.
        duplicates: messages that said the same as the one before them, and led to no event.
        sightings: hub methods that the settings do not name.
    """

    def __init__(
        self, origin: Origin, methods: Mapping[str, str], state: State | None = None
    ) -> None:
        self.origin = origin
        self.state = State() if state is None else state
        self.sightings = Sightings()
        self.duplicates = 0
        self._methods = {name.lower(): kind for name, kind in methods.items()}

    def map(
        self,
        hub: str,
        method: str,
        args: Sequence[Any],
        *,
        connection: str,
        key: str,
        received: datetime,
        subscriptions: Mapping[str, str] | None = None,
    ) -> list[Event]:
        """The events of one call of a client method.

        Args:
            connection: the SignalR connection's public id.
            key: names the message within the connection.
            subscriptions: ids that the platform gave to subscriptions, to the names of ours.
        """
        topic = f"{hub}.{method}" if method else ""
        message = Message(
            self.origin,
            topic=topic,
            data=list(args),
            place=(connection, key),
            received=received,
            reference=_reference(args),
        )
        kind = self._methods.get(method.lower()) or self._methods.get(topic.lower())
        if kind is None:
            message.not_understood(self._unmapped(topic))
            return message.events
        if self._repeats(topic, args):
            self.duplicates += 1
            return []
        told = [item for value in args for item in _objects_of(value)]
        owner = next((value for value in args if isinstance(value, str)), "")
        name = (subscriptions or {}).get(owner, owner)
        try:
            understood = [self._on_object(message, kind, item, name) for item in told]
        except Exception as error:  # noqa: BLE001 - one message must not stop the feed for ever
            message.events.clear()
            message.not_understood(f"the mapping failed: {type(error).__name__}")
            return message.events
        if not understood or not all(understood):
            message.not_understood("no object that is about an agent, a queue, a group or an alert")
        return message.events

    def adopt(
        self, entities: Sequence[Any], *, occasion: str, received: datetime, reconciled: bool
    ) -> list[Event]:
        """The events that lead from what was told to what the platform answers about whole entities.

        `occasion` names the reading: adopting the same again on the same occasion gives the same ids.
        """
        message = self._reading(entities, occasion, received, reconciled=reconciled)
        for told in entities:
            if isinstance(told, dict):
                self._on_entity(message, told, "", whole=True)
        return message.events

    def adopt_session(
        self, session: str, told: Any, *, occasion: str, received: datetime, reconciled: bool
    ) -> list[Event]:
        """The same for one session, asked for by its id; none means that the platform has it no more."""
        message = self._reading(told, occasion, received, reconciled=reconciled)
        found = fields(told)
        if found:
            sessions.on_session(message, self.state, session, found)
        known = self.state.sessions.get(session)
        if known is not None and (not found or known.state == "cleared"):
            sessions.end(message, self.state, session)
        return message.events

    def report(self, topic: str, why: str, *, place: tuple[str, ...], received: datetime) -> Event:
        """An event that keeps a fact about a subscription."""
        message = Message(self.origin, topic=topic, data=None, place=place, received=received)
        message.not_understood(why)
        return message.events[0]

    def _reading(
        self, data: Any, occasion: str, received: datetime, *, reconciled: bool
    ) -> Message:
        provenance = Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT
        return Message(
            self.origin,
            topic="",
            data=None if not self.origin.keep_payload else data,
            place=("reading", occasion),
            received=received,
            provenance=provenance,
        )

    def _repeats(self, topic: str, args: Sequence[Any]) -> bool:
        """Whether this is the last message about the same thing again: a difference comes once."""
        try:
            encoded = msgspec.json.encode(list(args))
        except (TypeError, ValueError, OverflowError, RecursionError):
            return False
        found = blake2b(encoded, digest_size=8).hexdigest()
        owner = next((value for value in args if isinstance(value, str)), "")
        told = next((value for value in args if isinstance(value, dict)), {})
        names = (told.get(name) for name in ("type", "groupId", "id"))
        about = "/".join(identifier(name) or "" for name in names)
        key = f"{topic} {owner} {about}"
        if self.state.prints.get(key) == found:
            return True
        put(self.state.prints, key, found, MAX_OBJECTS)
        return False

    def _unmapped(self, topic: str) -> str:
        if not topic:
            return "a message that calls no method"
        first = "first sight of " if self.sightings.note(topic) else ""
        return f"{first}{topic}, which the setting methods does not name"

    def _on_object(self, message: Message, kind: str, told: dict[str, Any], name: str) -> bool:
        if kind == "alerts":
            return on_alert(message, self.state, told)
        return self._on_entity(message, told, name, whole=False)

    def _on_entity(self, message: Message, told: dict[str, Any], name: str, *, whole: bool) -> bool:
        kind = word(text(told.get("type")) or "")
        if kind not in _TYPES:
            return False
        group = GROUPS.get(word(text(told.get("groupType")) or ""))
        members = [
            m for value in _list(told.get("entityIds")) if (m := identifier(value)) is not None
        ]
        own = identifier(told.get("id"))
        if group is not None and (number := identifier(told.get("groupId"))) is not None:
            about = MetricObject(kind=group, id=number, members=members)
            subject = f"group/{group}:{number}:{kind}s"
        elif "entityIds" in told:
            about = MetricObject(kind=kind, id=name or f"all_{kind}s", members=members)
            subject = f"group/{about.id}"
        elif own is not None:
            about = MetricObject(kind=kind, id=own)
            subject = f"{kind}/{own}"
        else:
            return False
        count = len(message.events)
        if kind == "agent" and own is not None and subject == f"agent/{own}":
            on_status(message, self.state, own, told)
        if "sessions" in told or whole:
            on_bag(message, self.state, subject, told.get("sessions"), whole=whole)
        # Every live message leads to an event: one without news restates the values.
        quiet = not whole and len(message.events) == count
        on_metrics(message, self.state, subject, about, told, restate=quiet)
        return True


def _objects_of(value: Any) -> list[dict[str, Any]]:
    return [value] if isinstance(value, dict) else objects(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _reference(args: Sequence[Any]) -> str | None:
    for value in args:
        if isinstance(value, dict):
            return text(value.get("referenceId"))
    return None
