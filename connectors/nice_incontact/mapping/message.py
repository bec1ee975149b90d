"""One event of the platform on its way: where it stands in the feed, and the canonical events it leads to."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from connectors._wire.json_values import clean, fields, flag, identifier, moment, text
from gateway.events import (
    CATALOGUE,
    Confidence,
    Data,
    Event,
    Provenance,
    TimeSource,
    event_id,
)
from gateway.events.common import Native
from gateway.events.operations import VendorMessage

_MAX_WHY = 200
_IDS = {
    "contactid": "ContactID",
    "masterid": "MasterID",
    "parentcontactid": "ParentContactId",
    "sessionid": "SessionId",
    "agentlegid": "AgentLegId",
    "roomid": "RoomId",
    "workitemid": "WorkItemId",
    "dfocontactid": "DFOContactId",
    "interactionid": "InteractionId",
    "externalid": "ExternalId",
    "omnigroupid": "OmniGroupId",
    "callbackid": "CallbackId",
}
NO_CONTACT = frozenset({"-1", "0"})


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where the events of one feed come from. `keep_payload` puts the whole event into each of ours."""

    feed: str
    source: str
    agent: str
    keep_payload: bool = False


class Message:
    """One event of the platform, read once, and the events collected from it.

    Attributes:
        place: names it within the feed: the cursor that was polled and its index, or the occasion of a reading.
        told: its fields, by their names in lower case.
        kind: its type, as the platform writes it.
    """

    def __init__(
        self,
        origin: Origin,
        payload: Any,
        *,
        place: tuple[str | int, ...],
        received: datetime,
        provenance: Provenance = Provenance.LIVE,
    ) -> None:
        self.origin = origin
        self.payload = payload
        self.told = fields(payload)
        self.place = place
        self.received = received
        self.provenance = provenance
        self.kind = text(self.told.get("type")) or ""
        self.events: list[Event] = []
        self.duplicate = False

    def text(self, name: str) -> str | None:
        """A text field, none if it is absent or blank."""
        return text(self.told.get(name))

    def flag(self, name: str) -> bool | None:
        """A boolean field, sent as text."""
        return flag(self.told.get(name))

    def moment(self, *names: str) -> datetime | None:
        """The first of several fields that holds a time."""
        return next((at for name in names if (at := moment(self.told.get(name)))), None)

    @property
    def contact(self) -> str | None:
        """The contact it is about, if it names one."""
        found = identifier(self.told.get("contactid"))
        return None if found in NO_CONTACT else found

    @property
    def print(self) -> int:
        """A number that is equal for equal content, also in another process."""
        encoded = msgspec.json.encode(clean(self.payload))
        return int.from_bytes(blake2b(encoded, digest_size=7).digest(), "big")

    def native(self, *, state: str | None = None, reason: str | None = None) -> Native:
        """The vendor's words for an event of this message."""
        ids = {
            name: value
            for low, name in _IDS.items()
            if (value := identifier(self.told.get(low))) is not None and value not in NO_CONTACT
        }
        return Native(
            type=self.kind,
            state=state or "",
            reason=reason or "",
            ids=ids,
            reference=self.text("referenceid"),
            payload=clean(self.payload) if self.origin.keep_payload else None,
        )

    def add(
        self,
        type_name: str,
        subject: str,
        data: Data,
        *,
        key: str = "",
        at: datetime | None = None,
        confidence: Confidence = Confidence.OBSERVED,
        anomaly: str | UnsetType = UNSET,
        cause: str | UnsetType = UNSET,
    ) -> None:
        """One more event. Of a reading, subject, type and repetition name it; of an event, its place in the feed.

        `key` is the contact that the event belongs to; without one it belongs to the agent. `cause` is the command
        that it is the effect of.
        """
        full = f"tieline.{type_name}.v1"
        where: tuple[str | int, ...] = (*self.place, len(self.events))
        if self.provenance is not Provenance.LIVE:
            same = sum(e.type == full and e.subject == subject for e in self.events)
            where = (*self.place, subject, same)
        self.events.append(
            Event(
                id=event_id(self.origin.feed, *where, full),
                source=self.origin.source,
                type=full,
                subject=subject,
                time=at or self.received,
                recordedtime=self.received,
                partitionkey=key or self.origin.agent,
                data=data,
                dataclassification=CATALOGUE[full].classification,
                timesource=TimeSource.PLATFORM if at else TimeSource.GATEWAY,
                provenance=self.provenance,
                confidence=confidence,
                correlationid=key or UNSET,
                causationid=cause,
                anomaly=anomaly,
            )
        )

    def add_agent(
        self,
        type_name: str,
        data: Data,
        *,
        at: datetime | None = None,
        confidence: Confidence = Confidence.OBSERVED,
    ) -> None:
        """An event about the agent."""
        self.add(type_name, f"agent/{self.origin.agent}", data, at=at, confidence=confidence)

    def not_understood(self, why: str) -> None:
        """Keep what cannot be placed, whole, and say why."""
        native = Native(
            type=self.kind, reference=self.text("referenceid"), payload=clean(self.payload)
        )
        data = VendorMessage(
            agent=self.origin.agent, topic=self.kind or None, why=why[:_MAX_WHY], native=native
        )
        self.add("vendor.message", f"feed/{self.origin.feed}", data)
