"""Canonical events: the envelope, the data of each family, and the catalogue of types."""

from gateway.events.catalogue import CATALOGUE, EventType
from gateway.events.envelope import (
    Classification,
    Confidence,
    DamagedEvent,
    Data,
    Envelope,
    Event,
    Provenance,
    Sensitivity,
    StoredEvent,
    TimeSource,
    connector_of,
    encode,
    event_id,
    source_of,
)

__all__ = [
    "CATALOGUE",
    "Classification",
    "Confidence",
    "DamagedEvent",
    "Data",
    "Envelope",
    "Event",
    "EventType",
    "Provenance",
    "Sensitivity",
    "StoredEvent",
    "TimeSource",
    "connector_of",
    "encode",
    "event_id",
    "source_of",
]
