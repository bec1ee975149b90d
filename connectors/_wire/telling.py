"""One reading of a platform that is asked, on its way: when and how it came, and the events it leads to.

For platforms that push nothing: an event's id is made of the feed and of what names the occurrence
among all of the feed, so that two processes that read the same from the same state tell the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from connectors._wire.json_values import clean, fingerprint
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
VENDOR_MESSAGE = "tieline.vendor.message.v1"


class Telling:
    """Collects the events of one reading, in order."""

    def __init__(
        self, feed: str, source: str, *, received: datetime, provenance: Provenance
    ) -> None:
        self.feed = feed
        self.source = source
        self.received = received
        self.provenance = provenance
        self.events: list[Event] = []

    def add(
        self,
        name: str,
        subject: str,
        key: str,
        data: Data,
        *place: str | int,
        at: datetime | None = None,
        inferred: bool = False,
        anomaly: str | UnsetType = UNSET,
        correlation: str | UnsetType = UNSET,
        cause: str | UnsetType = UNSET,
    ) -> None:
        """One more event. `place` names the occurrence among all of this feed."""
        full = f"tieline.{name}.v1"
        self.events.append(
            Event(
                id=event_id(self.feed, *place, full),
                source=self.source,
                type=full,
                subject=subject,
                time=at or self.received,
                recordedtime=self.received,
                partitionkey=key,
                data=data,
                dataclassification=CATALOGUE[full].classification,
                timesource=TimeSource.PLATFORM if at else TimeSource.GATEWAY,
                provenance=self.provenance,
                confidence=Confidence.INFERRED if inferred else Confidence.OBSERVED,
                correlationid=correlation,
                causationid=cause,
                anomaly=anomaly,
            )
        )

    def not_understood(self, topic: str, why: str, payload: Any) -> None:
        """Keep what cannot be placed, whole; the same thing twice has the same id."""
        self.add(
            "vendor.message",
            f"feed/{self.feed}",
            f"feed/{self.feed}",
            VendorMessage(
                topic=topic,
                why=why[:_MAX_WHY],
                native=Native(type=topic, payload=clean(payload)),
            ),
            "odd",
            fingerprint([topic, why, payload]),
        )


class ToldOnce:
    """What cannot be read comes with every reading and is told once."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._ids: set[str] = set()

    def news(self, events: list[Event]) -> list[Event]:
        """The events without those that repeat what cannot be read, and without those beyond `most`."""
        return [event for event in events if event.type != VENDOR_MESSAGE or self._is_new(event.id)]

    def _is_new(self, name: str) -> bool:
        if name in self._ids or len(self._ids) >= self._most:
            return False
        self._ids.add(name)
        return True
