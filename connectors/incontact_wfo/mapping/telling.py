"""One reading on its way: when and how it came, and the events it leads to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from connectors._wire.json_values import clean, fingerprint
from connectors.incontact_wfo.mapping.reading import Agent, Call
from connectors.incontact_wfo.vendor import AGENT_PATH
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
_NATIVE_IDS = (
    "callinstance",
    "callid",
    "deviceid",
    "devicealias",
    "station",
    "sgroup",
    "sessionid",
)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where readings come from. `keep_payload` puts the agent's whole body into every event."""

    feed: str
    source: str
    keep_payload: bool = False


class Telling:
    """Collects the events of one reading.

    `cause` is the command after which it was made, if it was: it caused what recordings do, and nothing else.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        received: datetime,
        provenance: Provenance,
        cause: str | None = None,
    ) -> None:
        self.origin = origin
        self.received = received
        self.provenance = provenance
        self.cause: str | UnsetType = UNSET if cause is None else cause
        self.events: list[Event] = []

    def native(
        self,
        agent: Agent | None,
        call: Call | None,
        *,
        state: str = "",
        reference: str | None = None,
    ) -> Native:
        """The recorder's words about an agent's call."""
        ids = {"AgentId": agent.id} if agent else {}
        if call is not None:
            ids |= {name: call.metadata[name] for name in _NATIVE_IDS if name in call.metadata}
        keep = self.origin.keep_payload and agent is not None
        return Native(
            type=AGENT_PATH,
            state=state,
            ids=ids,
            reference=reference,
            payload=clean(agent.payload) if keep and agent else None,
        )

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
    ) -> None:
        """One more event. `place` names the occurrence among all of this feed."""
        full = f"tieline.{name}.v1"
        self.events.append(
            Event(
                id=event_id(self.origin.feed, *place, full),
                source=self.origin.source,
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
                causationid=self.cause if name.startswith("recording.") else UNSET,
                anomaly=anomaly,
            )
        )

    def not_understood(self, why: str, payload: Any) -> None:
        """Keep what cannot be placed, whole; the same thing twice has the same id."""
        feed = self.origin.feed
        self.add(
            "vendor.message",
            f"feed/{feed}",
            f"feed/{feed}",
            VendorMessage(
                topic=AGENT_PATH,
                why=why[:_MAX_WHY],
                native=Native(type=AGENT_PATH, payload=clean(payload)),
            ),
            "odd",
            fingerprint([why, payload]),
        )
