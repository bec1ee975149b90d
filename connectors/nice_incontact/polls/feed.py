"""A feed that polls one of the platform's lists.

The resume state is what the list was told as last, with its cursor; so a restart repeats nothing. A
list whose changes can be missed, because nobody asked for longer than three intervals, reports a gap,
and what differs then is told as reconciled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors._wire.json_values import UNREADABLE
from connectors._wire.polling import Poller, Rhythm, missed
from connectors._wire.telling import Telling, ToldOnce
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.pages import Page
from connectors.nice_incontact.polls.listing import Listing
from gateway.clock import Clock
from gateway.contracts import Delivery, Gap, Guarantee, Link
from gateway.errors import NotConnected, Reason
from gateway.events import Event, Provenance, event_id, source_of

PLATFORM_NAME = "nice_incontact"
KEEP_SECONDS = 60.0
"""How often it is written down that the platform was asked, if nothing changes."""
DEADLINE_SECONDS = 120.0
"""A list may have many pages."""


class PollResume(msgspec.Struct, frozen=True, kw_only=True):
    """The list's own memory, and when it was asked for last."""

    version: int = 1
    polled_at: datetime
    kept: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(PollResume)


class PollFeed:
    """One list, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self, listing: Listing, api: Api, *, interval_seconds: float, connector: str, clock: Clock
    ) -> None:
        self.name = f"{connector}/poll:{listing.name}"
        self.guarantee = Guarantee.POLLED
        self._listing = listing
        self._api = api
        self._interval = interval_seconds
        self._clock = clock
        self._source = source_of(connector, PLATFORM_NAME)
        self._once = ToldOnce()
        self._poller = Poller(
            Rhythm(interval_seconds=interval_seconds, deadline_seconds=DEADLINE_SECONDS),
            clock=clock,
            peer=api.peer,
        )
        self._first: Page | None = None
        self._reconciled: list[Event] = []
        self._polled_at: datetime | None = None
        self._kept_at: datetime | None = None
        self._rows = 0
        self.connected = False

    async def connect(self, resume: bytes | None) -> Link:
        """Ask once, from where the last process was; the answer is the first delivery."""
        await self.close()
        resumed = self._restore(resume)
        self._first = await self._ask()
        self._poller.restart()
        self.connected = True
        session = event_id("session", self.name, self._clock.now().isoformat())[:16]
        return Link(session=session, resumed=resumed)

    async def receive(self) -> Delivery:
        """The next answer that has something new. Cancelled, it is asked for again."""
        while True:
            if not self.connected:
                raise NotConnected(
                    f"the feed {self.name!r} is not connected", reason=Reason.STOPPED
                )
            page, self._first = self._first, None
            if page is None:
                page = await self._poller.poll(self._ask)
            # No await from here on: what is remembered as told is also returned.
            if (delivery := self._take(page)) is not None:
                return delivery

    async def commit(self, delivery: Delivery) -> None:
        """The platform knows no acknowledgement."""

    async def drain(self) -> Delivery | None:
        """The platform holds nothing for us."""
        return None

    async def close(self) -> None:
        """Nothing is held open between two polls."""
        self.connected = False
        self._first = None

    def take_reconciled(self) -> Sequence[Event]:
        """What changed while nobody asked, found by the poll that ended the gap."""
        events, self._reconciled = self._reconciled, []
        return events

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        return {
            "connected": self.connected,
            "polls": self._poller.polls,
            "put_off": self._poller.put_off,
            "polled_at": self._polled_at.isoformat() if self._polled_at else None,
            "rows": self._rows,
        }

    async def _ask(self) -> Page:
        return await self._listing.ask(self._api, self._clock.now())

    def _restore(self, resume: bytes | None) -> bool:
        before, self._polled_at, self._kept_at = self._polled_at, None, None
        if resume is not None:
            try:
                kept = _decoder.decode(resume)
                self._listing.restore(msgspec.json.decode(kept.kept))
            except UNREADABLE:
                # What an unknown version kept is no use; everything is told as on a fresh start.
                self._listing.restore(None)
            else:
                # Polls that showed nothing new are not written down one by one.
                self._polled_at = max(kept.polled_at, before or kept.polled_at)
                return True
        else:
            self._listing.restore(None)
        return False

    def _take(self, page: Page) -> Delivery | None:
        now, before = self._clock.now(), self._polled_at
        gap: Gap | None = None
        if before is not None and self._listing.misses:
            gap = missed(self.name, before, now, self._interval)
        provenance = Provenance.POLLED
        if before is None:
            provenance = Provenance.SNAPSHOT
        elif gap is not None:
            provenance = Provenance.RECONCILED
        telling = Telling(self.name, self._source, received=now, provenance=provenance)
        if not page.whole:
            why = "an answer without the list, or with other things than rows in it"
            telling.not_understood(self._listing.name, why, page.facts)
        self._listing.tell(page, telling, fresh=before is None)
        self._polled_at, self._rows = now, len(page.rows)
        events = self._once.news(telling.events)
        if gap is not None:
            # They are asked for by `snapshot`, between the beginning and the end of the gap.
            self._reconciled, events = events, []
        is_due = self._kept_at is None or now - self._kept_at >= timedelta(seconds=KEEP_SECONDS)
        if not (events or gap or is_due):
            return None
        self._kept_at = now
        kept = msgspec.Raw(_encode(self._listing.keep()))
        return Delivery(
            events=tuple(events), resume=_encode(PollResume(polled_at=now, kept=kept)), gap=gap
        )
