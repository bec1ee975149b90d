"""One message on its way: where it stands in the feed, and the canonical events it leads to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from connectors._wire.json_values import clean
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

_MAX_WHY = 300


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages come from. `keep_payload` puts the whole message into every event."""

    feed: str
    source: str
    keep_payload: bool = False


class Message:
    """One message and its events.

    `place` names the message within the feed: connection and key of a live one, the occasion of a reading.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        topic: str,
        data: Any,
        place: tuple[str, ...],
        received: datetime,
        provenance: Provenance = Provenance.LIVE,
        reference: str | None = None,
    ) -> None:
        self.origin = origin
        self.topic = topic
        self.data = data
        self.place = place
        self.received = received
        self.provenance = provenance
        self.reference = reference
        self.events: list[Event] = []

    def native(
        self, *, state: str | None = None, reason: str | None = None, **ids: str | None
    ) -> Native:
        """The vendor's words for an event of this message."""
        return Native(
            type=self.topic,
            state=state or "",
            reason=reason or "",
            ids={name: value for name, value in ids.items() if value is not None},
            reference=self.reference,
            payload=clean(self.data) if self.origin.keep_payload else None,
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
    ) -> None:
        """One more event, after those already added. Of one reading the subject and the type name it."""
        full = f"tieline.{type_name}.v1"
        number = str(len(self.events))
        live = self.provenance is Provenance.LIVE
        where = (
            (*self.place, number)
            if live
            else (*self.place, subject, self._repetition(full, subject))
        )
        self.events.append(
            Event(
                id=event_id(self.origin.feed, *where, full),
                source=self.origin.source,
                type=full,
                subject=subject,
                time=at or self.received,
                recordedtime=self.received,
                partitionkey=key or subject,
                data=data,
                dataclassification=CATALOGUE[full].classification,
                timesource=TimeSource.PLATFORM if at else TimeSource.GATEWAY,
                provenance=self.provenance,
                confidence=confidence,
                anomaly=anomaly,
            )
        )

    def not_understood(self, why: str) -> None:
        """Keep what cannot be placed, whole, and say why."""
        feed = self.origin.feed
        native = Native(type=self.topic, reference=self.reference, payload=clean(self.data))
        data = VendorMessage(topic=self.topic, why=why[:_MAX_WHY], native=native)
        self.add("vendor.message", f"feed/{feed}", data)

    def _repetition(self, type_name: str, subject: str) -> str:
        same = sum(e.type == type_name and e.subject == subject for e in self.events)
        return str(same)
