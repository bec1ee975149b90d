"""The events that the gateway itself makes about feeds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from gateway.contracts import Gap, Guarantee, Link
from gateway.events import (
    CATALOGUE,
    Data,
    Event,
    Provenance,
    TimeSource,
    event_id,
    source_of,
)
from gateway.events.operations import FeedData

VENDOR_MESSAGE = "tieline.vendor.message.v1"
_STATEMENTS = (".snapshot.v1", ".metrics.observed.v1")
"""Types that tell how something is, not that it changed."""


def recovered(snapshot: Iterable[Event], delivered: Iterable[Event] = ()) -> int:
    """How many changes came to light after a gap: by a snapshot, and by the feed itself where that compares states.

    States and figures that are only said again are none.
    """
    compared = (event for event in delivered if event.provenance is Provenance.RECONCILED)
    return sum(not event.type.endswith(_STATEMENTS) for event in chain(snapshot, compared))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What all events about one feed have in common."""

    feed: str
    connector: str
    platform: str
    guarantee: Guarantee

    def connected(self, link: Link, now: datetime) -> Event:
        """The feed has a connection."""
        data = FeedData(
            feed=self.feed,
            guarantee=self.guarantee.value,
            session=link.session,
            resumed=link.resumed,
        )
        return self._event("connected", data, now, now.isoformat())

    def disconnected(self, reason: str, session: str | None, now: datetime) -> Event:
        """The connection is gone, by loss or by a planned stop."""
        data = FeedData(feed=self.feed, session=session, reason=reason)
        return self._event("disconnected", data, now, now.isoformat())

    def quiet(
        self, session: str | None, since: datetime, rhythm_seconds: float, now: datetime
    ) -> Event:
        """The feed is connected and has said nothing for too long; told again at every attempt to wake it."""
        data = FeedData(
            feed=self.feed,
            guarantee=self.guarantee.value,
            session=session,
            from_time=since,
            to_time=now,
            rhythm_seconds=rhythm_seconds,
        )
        return self._event("quiet", data, now, now.isoformat())

    def gap_opened(self, gap: Gap, noticed: datetime) -> Event:
        """Something may be missing; the same interruption gives the same id however often it is noticed."""
        data = FeedData(
            feed=self.feed,
            guarantee=self.guarantee.value,
            reason=gap.reason,
            from_time=gap.since,
            to_time=noticed,
        )
        return self._event("gap.opened", data, noticed, gap.key)

    def gap_closed(self, gap: Gap, noticed: datetime, *, recovered: int, now: datetime) -> Event:
        """The feed is whole again from here on; what was lost stays unknown unless the platform counts."""
        data = FeedData(
            feed=self.feed,
            guarantee=self.guarantee.value,
            reason=gap.reason,
            from_time=gap.since,
            to_time=noticed,
            recovered=recovered,
            unrecovered=gap.unrecovered,
        )
        return self._event("gap.closed", data, now, gap.key)

    def _event(self, verb: str, data: Data, now: datetime, occurrence: str) -> Event:
        entry = CATALOGUE[f"tieline.feed.{verb}.v1"]
        subject = f"feed/{self.feed}"
        return Event(
            id=event_id(self.feed, entry.name, occurrence),
            source=source_of(self.connector, self.platform),
            type=entry.name,
            subject=subject,
            time=now,
            recordedtime=now,
            timesource=TimeSource.GATEWAY,
            partitionkey=subject,
            data=data,
            dataclassification=entry.classification,
        )
