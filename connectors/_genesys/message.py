"""One vendor message on its way: what it is, and the canonical events it leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from connectors._genesys.values import (
    clean,
    fingerprint,
    first,
    mapping,
    milliseconds,
    moment,
    text,
)
from gateway.events import (
    CATALOGUE,
    Confidence,
    Data,
    Event,
    Provenance,
    TimeSource,
    event_id,
)
from gateway.events.calls import Call
from gateway.events.common import Native
from gateway.events.interactions import Interaction
from gateway.events.operations import VendorMessage

_CLASSIFICATIONS = {name: entry.classification for name, entry in CATALOGUE.items()}
_MAX_WHY = 200
MAX_RECENT = 16


class Memory(Protocol):
    """What duplicates are found by: fingerprints of the last messages that carried a reference or a time."""

    recent: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the messages of one feed come from: constant over the life of the feed.

    `label_of` gives the name that people see for an agent state that a message names only by id or reason.
    """

    feed: str
    source: str
    agent: str
    keep_payload: bool = False
    label_of: Callable[[dict[str, Any]], str | None] | None = None


class Message:
    """One message, read once, and the events collected from it; `causation` is the command that it answers, if known.

    Ids are made of the feed, the platform session, the message's place in it, and the place and
    type of the event within the message: reading the same message again gives the same ids. What is
    asked for instead of heard has no such place: its ids are made of `reading`, which names the
    occasion, and of what the event says, so that asking twice on one occasion tells nothing twice.
    """

    __slots__ = (
        "causation", "data", "duplicate", "events", "kind", "notification", "ordinal", "origin", "print",
        "provenance", "reading", "received", "reference", "session", "told_at", "topic",
    )  # fmt: skip

    def __init__(
        self,
        origin: Origin,
        topic: str,
        data: dict[str, Any],
        *,
        session: str,
        ordinal: int | str,
        received: datetime,
        provenance: Provenance = Provenance.LIVE,
        reading: str = "",
    ) -> None:
        self.origin = origin
        self.reading = reading
        self.topic = topic
        self.data = data
        self.session = session
        self.ordinal = ordinal
        self.received = received
        self.provenance = provenance
        self.kind = first(data, "messageType", "messageTypeName") or ""
        self.notification = text(data.get("notificationType")) or ""
        self.reference = text(data.get("referenceId"))
        metrics = data.get("metrics")
        processing = mapping(metrics.get("eventProcessing")) if isinstance(metrics, dict) else None
        self.told_at = (
            milliseconds(processing.get("serverGenerationTimestamp")) if processing else None
        )
        self.causation: str | UnsetType = UNSET
        self.events: list[Event] = []
        self.duplicate = False
        self.print = 0

    def repeats(self, memory: Memory, last: int, *, may_repeat: bool = False) -> bool:
        """Whether the platform sent this before. If so, it is a duplicate and leads to no event.

        A message that carries a reference or a time repeats another one only if all of it is equal,
        and then wherever the other one stands among the recent ones. A message without either
        repeats only the one right before it, `last`, about the same thing; `may_repeat` says that
        such equality means nothing (a tone sent twice).
        """
        self.print = fingerprint(self.data)
        if self.print == 0:
            return False
        if self.reference is None and self.told_at is None:
            self.duplicate = self.print == last and not may_repeat
            return self.duplicate
        recent = memory.recent
        if self.print in recent:
            self.duplicate = True
            return True
        recent.append(self.print)
        if len(recent) > MAX_RECENT:
            del recent[0]
        return False

    def native(
        self,
        *,
        state: str | None = None,
        reason: str | None = None,
        ids: dict[str, str] | None = None,
    ) -> Native:
        """The vendor's words for an event of this message."""
        return Native(
            type=self.kind,
            notification=self.notification,
            state=state or "",
            reason=reason or "",
            ids=ids or {},
            reference=self.reference,
            payload=clean(self.data) if self.origin.keep_payload else None,
        )

    def add(
        self,
        type_name: str,
        subject: str,
        key: str,
        data: Data,
        *,
        correlation: str | UnsetType = UNSET,
        confidence: Confidence = Confidence.OBSERVED,
        anomaly: str | UnsetType = UNSET,
        told_at: int | None = None,
    ) -> None:
        """One more event of this message, after those already added."""
        origin = self.origin
        when = self.told_at if told_at is None else told_at
        if self.reading:
            name = event_id(origin.feed, self.reading, subject, _said(data), type_name)
        else:
            place = len(self.events)
            name = event_id(origin.feed, self.session, self.ordinal, place, type_name)
        self.events.append(
            Event(
                id=name,
                source=origin.source,
                type=type_name,
                subject=subject,
                time=self.received if when is None else moment(when),
                recordedtime=self.received,
                partitionkey=key,
                data=data,
                dataclassification=_CLASSIFICATIONS[type_name],
                timesource=TimeSource.GATEWAY if when is None else TimeSource.PLATFORM,
                provenance=self.provenance,
                confidence=confidence,
                correlationid=correlation,
                causationid=self.causation,
                anomaly=anomaly,
            )
        )

    def add_agent(
        self, type_name: str, data: Data, *, confidence: Confidence = Confidence.OBSERVED
    ) -> None:
        """An event about the agent."""
        agent = self.origin.agent
        self.add(type_name, f"agent/{agent}", agent, data, confidence=confidence)

    def not_understood(self, why: str, payload: Any = UNSET) -> None:
        """Keep what the mapping cannot place, whole, and say why."""
        agent = self.origin.agent
        self.add(
            "tieline.vendor.message.v1",
            f"feed/{self.origin.feed}",
            agent,
            VendorMessage(
                agent=agent,
                topic=self.topic,
                why=why[:_MAX_WHY],
                native=Native(
                    type=self.kind,
                    notification=self.notification,
                    reference=self.reference,
                    payload=clean(self.data if payload is UNSET else payload),
                ),
            ),
        )


def _said(data: Data) -> str | int:
    """What tells an event of something that was read from others of its type and subject.

    Of a call or an interaction it is the transition: how many took part, or what else stood beside it, may have
    changed before it is read again.
    """
    if isinstance(data, Call):
        return f"{data.previous_state} {data.state} {data.party and data.party.number}"
    if isinstance(data, Interaction):
        return ""
    if isinstance(data, VendorMessage):
        return fingerprint(
            data
        )  # what was not understood is told apart by itself, which is in `native`
    return fingerprint(msgspec.structs.replace(data, native=None))
