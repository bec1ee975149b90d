"""The mapping: vendor messages in, canonical events out; no I/O, no clock.

`Mapper` keeps one agent's picture and sends every message to the file that knows its kind. It takes
any JSON value and never raises: what it cannot place becomes a `vendor.message` that keeps the
whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec import UNSET

from connectors.genesys_web_services.mapping.agents import (
    on_channel_message,
    on_device_message,
)
from connectors.genesys_web_services.mapping.calls import on_call_message
from connectors.genesys_web_services.mapping.interactions import on_interaction_message
from connectors.genesys_web_services.mapping.message import Message, Origin
from connectors.genesys_web_services.mapping.offers import Offers
from connectors.genesys_web_services.mapping.picture import AgentPicture
from connectors.genesys_web_services.mapping.reconciling import reconcile, spoken_of
from connectors.genesys_web_services.mapping.services import on_service_message
from connectors.genesys_web_services.mapping.users import on_password_notification
from connectors.genesys_web_services.mapping.values import mapping
from connectors.genesys_web_services.mapping.workbins import on_workbin_subscription_message
from connectors.genesys_web_services.vendor import (
    CALL_MESSAGES,
    CHANNEL_MESSAGES,
    DEVICE_MESSAGES,
    INTERACTION_MESSAGES,
    PASSWORD_CHANGED,
    PASSWORD_FAILED,
    SERVICE_MESSAGES,
    SERVICES_TOPIC,
    WORKBIN_MESSAGES,
    WORKBIN_SUBSCRIPTION_MESSAGES,
)
from gateway.events import Event, Provenance

__all__ = ["AgentPicture", "Mapper", "Origin"]

_Handler = Callable[[Message, AgentPicture], None]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(CALL_MESSAGES, on_call_message),
    **dict.fromkeys(DEVICE_MESSAGES, on_device_message),
    **dict.fromkeys(CHANNEL_MESSAGES, on_channel_message),
    **dict.fromkeys(INTERACTION_MESSAGES | WORKBIN_MESSAGES, on_interaction_message),
    **dict.fromkeys(SERVICE_MESSAGES, on_service_message),
    **dict.fromkeys(WORKBIN_SUBSCRIPTION_MESSAGES, on_workbin_subscription_message),
}
_PASSWORD = frozenset({PASSWORD_CHANGED, PASSWORD_FAILED})
MAX_REFERENCES = 64


class Mapper:
    """Maps the messages of one agent, in the order in which the platform sent them.

    Attributes:
        picture: what is remembered between messages; plain data that goes into the resume state.
        offers: what the platform last offered to be done; in memory only.
        duplicates: messages that the platform sent twice and that led to no event the second time.
    """

    def __init__(self, origin: Origin, picture: AgentPicture | None = None) -> None:
        self.origin = origin
        self.picture = AgentPicture() if picture is None else picture
        self.offers = Offers()
        self.duplicates = 0
        self._references: dict[str, None] = {}

    def expect_transfer(self, call: str, number: str, *, sent: datetime) -> None:
        """A command passes the call on to `number` in a single step.

        The platform tells that as a release like any other, so an end of the call soon after is a transfer.
        """
        if (leg := self.picture.calls.get(call)) is not None:
            leg.transfer_to = number
            leg.transfer_at = int(sent.timestamp() * 1000)

    def expect_no_transfer(self, call: str) -> None:
        """The platform refused to pass the call on."""
        if (leg := self.picture.calls.get(call)) is not None:
            leg.transfer_to = None

    def expect_reference(self, reference: str) -> None:
        """A command's id that messages may echo: events that do are its effects."""
        if len(self._references) >= MAX_REFERENCES:
            del self._references[next(iter(self._references))]
        self._references[reference] = None

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
        if message.reference in self._references:
            message.causation = message.reference or UNSET
        handler = self._handler(message) if isinstance(data, dict) else None
        if handler is None:
            message.not_understood(_why_unplaced(message, data), data)
            return message.events
        try:
            handler(message, self.picture)
        except Exception as error:  # noqa: BLE001 - one message must not stop the feed for ever
            message.events.clear()
            message.not_understood(f"the mapping failed: {type(error).__name__}")
        self.offers.take(fields)
        self.duplicates += message.duplicate
        return message.events

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

        `resources` is the answer to a request for the agent with its subresources, which may stand in
        `user`. `reading` names the occasion, such as a gap: adopting anew on the same occasion, from the same
        picture, gives the same ids to the same changes. `heard` are the messages that may be newer than the
        answer: of what they are about, the feed tells all.
        """
        fields = mapping(resources)
        self.offers.take(fields)
        self.offers.take(mapping(fields.get("user")))
        message = Message(
            self.origin,
            "",
            fields | mapping(fields.get("user")),
            session="",
            ordinal=reading,
            received=received,
            provenance=Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT,
            reading=reading,
        )
        names = frozenset().union(*(spoken_of(data) for data in heard))
        try:
            return reconcile(message, self.picture, names)
        except Exception as error:  # noqa: BLE001 - an answer that cannot be mapped must not stop the feed for ever
            message.events.clear()
            message.not_understood(f"the answer could not be mapped: {type(error).__name__}")
            return message.events

    def report(self, topic: str, why: str, *, session: str, received: datetime) -> Event:
        """An event that keeps a fact about the subscription to a topic."""
        message = Message(
            self.origin, topic, {}, session=session, ordinal=f"topic {topic}", received=received
        )
        message.not_understood(why)
        return message.events[0]

    @staticmethod
    def _handler(message: Message) -> _Handler | None:
        if (handler := _HANDLERS.get(message.kind)) is not None:
            return handler
        data = message.data
        if message.notification in _PASSWORD:
            return on_password_notification
        if message.kind:
            return None
        # Without a message type the shape decides, as in the reference's samples of channel
        # notifications.
        if isinstance(data.get("channels"), list):
            return on_channel_message
        if isinstance(data.get("devices"), list):
            return on_device_message
        if isinstance(data.get("call"), dict) or ("errorMessage" in data and "callUuid" in data):
            return on_call_message
        if any(isinstance(data.get(name), dict) for name in ("interaction", "chat", "workitem")):
            return on_interaction_message
        if isinstance(data.get("service"), dict) and message.topic == SERVICES_TOPIC:
            return on_service_message
        return None


def _why_unplaced(message: Message, data: Any) -> str:
    if not isinstance(data, dict):
        return "the message is not an object"
    if message.kind:
        return f"unknown message type {message.kind!r}"
    if message.notification:
        return f"unknown notification type {message.notification!r} without a message type"
    return "neither a message type nor a known shape"
