"""The mapping: vendor messages in, canonical events out; no I/O, no clock.

`Mapper` keeps one agent's picture and sends every message of the Workspace API to the file that knows
its kind. It takes any JSON value and never raises: what it cannot place becomes a `vendor.message` that
keeps the whole of it. Statistics and provisioning have mappings of their own beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec import UNSET

from connectors._genesys.message import Message, Origin
from connectors._genesys.values import mapping
from connectors.genesys_engage_cloud.mapping.agents import on_channel_message, on_dn_message
from connectors.genesys_engage_cloud.mapping.calls import on_call_message
from connectors.genesys_engage_cloud.mapping.failures import on_error_message
from connectors.genesys_engage_cloud.mapping.interactions import on_interaction_message
from connectors.genesys_engage_cloud.mapping.others import (
    on_initialization_message,
    on_monitoring_message,
    on_service_message,
    on_user_event,
)
from connectors.genesys_engage_cloud.mapping.picture import MAX_ASKED, AgentPicture, Asked
from connectors.genesys_engage_cloud.mapping.reconciling import reconcile, spoken_of
from connectors.genesys_engage_cloud.mapping.workbins import (
    on_contacts_message,
    on_snapshot_message,
    on_workbins_message,
)
from connectors.genesys_engage_cloud.operation_ids import command_of
from connectors.genesys_engage_cloud.vendor import (
    CALL_STATE,
    CHANNEL_STATE,
    CONTACTS,
    DN_STATE,
    EVENT_ERROR,
    INITIALIZATION_CHANNEL,
    INITIALIZATION_COMPLETE,
    INITIALIZATION_PROGRESS,
    INTERACTION_STATE,
    MESSAGE_LOG,
    MONITORING_STATE,
    SERVICE_STATE,
    SNAPSHOT,
    USER_EVENT,
    WORKBINS,
)
from gateway.events import Event, Provenance

__all__ = ["AgentPicture", "Asked", "Mapper", "Origin", "vocabulary"]

_Handler = Callable[[Message, AgentPicture], None]
_HANDLERS: dict[str, _Handler] = {
    CALL_STATE: on_call_message,
    DN_STATE: on_dn_message,
    CHANNEL_STATE: on_channel_message,
    INTERACTION_STATE: on_interaction_message,
    MESSAGE_LOG: on_interaction_message,
    EVENT_ERROR: on_error_message,
    USER_EVENT: on_user_event,
    MONITORING_STATE: on_monitoring_message,
    SERVICE_STATE: on_service_message,
    WORKBINS: on_workbins_message,
    CONTACTS: on_contacts_message,
    SNAPSHOT: on_snapshot_message,
    INITIALIZATION_PROGRESS: on_initialization_message,
    INITIALIZATION_COMPLETE: on_initialization_message,
}


def vocabulary() -> frozenset[str]:
    """The message types that are understood."""
    return frozenset(_HANDLERS)


class Mapper:
    """Maps the messages of one agent, in the order in which the platform sent them.

    Attributes:
        picture: what is remembered between messages; plain data that goes into the resume state.
        duplicates: messages that the platform sent twice and that led to no event the second time.
    """

    def __init__(self, origin: Origin, picture: AgentPicture | None = None) -> None:
        self.origin = origin
        self.picture = AgentPicture() if picture is None else picture
        self.duplicates = 0

    def map(
        self, topic: str, data: Any, *, session: str, ordinal: int, received: datetime
    ) -> list[Event]:
        """The events of one message, in order; none only if it is a duplicate.

        Args:
            topic: the Bayeux channel it came on.
            data: its content, decoded.
            session: the Bayeux client id.
            ordinal: its place in that session.
            received: when the gateway got it.
        """
        fields = data if isinstance(data, dict) else {}
        message = Message(
            self.origin, topic, fields, session=session, ordinal=ordinal, received=received
        )
        message.causation = command_of(fields.get("operationId")) or UNSET
        handler = self._handler(message) if isinstance(data, dict) else None
        if handler is None:
            message.not_understood(_why_unplaced(message, data), data)
            return message.events
        try:
            handler(message, self.picture)
        except Exception as error:  # noqa: BLE001 - one message must not stop the feed for ever
            message.events.clear()
            message.not_understood(f"the mapping failed: {type(error).__name__}")
        self.duplicates += message.duplicate
        self._settle(message)
        return message.events

    def asked(self, asked: Asked) -> None:
        """A command was sent: an error that names neither it nor a call may be about it."""
        waiting = self.picture.asked
        waiting.append(asked)
        del waiting[:-MAX_ASKED]

    def answered(self, command: str) -> None:
        """The command was refused at once, so no error can be about it any more."""
        picture = self.picture
        picture.asked = [asked for asked in picture.asked if asked.command != command]

    def adopt(
        self,
        resources: Any,
        *,
        reading: str,
        received: datetime,
        reconciled: bool,
        heard: Iterable[Any] = (),
    ) -> list[Event]:
        """The events that lead from the picture to what the platform says about the agent now.

        `resources` is the `data` of the answer to a request for the current session. `reading` names the
        occasion, such as a gap: adopting anew on the same occasion, from the same picture, gives the same
        ids to the same changes. `heard` are the messages that may be newer than the answer: of what they
        are about, the feed tells all.
        """
        message = Message(
            self.origin,
            "",
            mapping(resources),
            session="",
            ordinal="",
            received=received,
            provenance=Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT,
            reading=reading,
        )
        names = frozenset().union(*(spoken_of(data) for data in heard))
        return reconcile(message, self.picture, names)

    def _settle(self, message: Message) -> None:
        """Forget the commands that this message answers, and those whose time is over."""
        if not self.picture.asked:
            return
        told = {(event.type, event.subject.partition("/")[2]) for event in message.events}
        types = {type_name for type_name, _ in told}
        now = message.received.timestamp()
        self.picture.asked = [
            asked
            for asked in self.picture.asked
            if asked.until > now
            and asked.command != message.causation
            and not any(
                (proof, asked.call) in told if asked.call else proof in types
                for proof in asked.proofs
            )
        ]

    @staticmethod
    def _handler(message: Message) -> _Handler | None:
        if (handler := _HANDLERS.get(message.kind)) is not None:
            return handler
        data = message.data
        # The vendor's script takes the state alone for what it is on this channel.
        if message.topic == INITIALIZATION_CHANNEL and "state" in data:
            return on_initialization_message
        if message.kind:
            return None
        for name, found in (
            ("call", on_call_message),
            ("dn", on_dn_message),
            ("interaction", on_interaction_message),
            ("media", on_channel_message),
            ("error", on_error_message),
        ):
            if isinstance(data.get(name), dict):
                return found
        return on_service_message if "serviceState" in data else None


def _why_unplaced(message: Message, data: Any) -> str:
    if not isinstance(data, dict):
        return "the message is not an object"
    if message.kind:
        return f"unknown message type {message.kind!r}"
    if message.notification:
        return f"unknown notification type {message.notification!r} without a message type"
    return "neither a message type nor a known shape"
