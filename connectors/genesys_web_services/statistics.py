"""The statistics feed: figures of queues, skills and agents, asked for again and again.

There is no topic for statistics in this generation, so this feed polls. One round asks for every
configured object, one after the other, and is one delivery. A figure is told when its time is
newer than what was told last; that is the resume state, so a restart repeats nothing, and after an
interruption each statistic is asked for what it was meanwhile. What may have been more than is asked
for is a gap.
Source: Genesys Web Services API reference, "Statistics API"; its path has version 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from connectors._genesys.values import moment
from connectors._wire.json_values import UNREADABLE
from connectors._wire.polling import Poller, Rhythm, missed
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.mapping.message import Origin
from connectors.genesys_web_services.mapping.statistics import (
    Observation,
    finding,
    metrics_event,
    observations,
)
from connectors.genesys_web_services.reading import optional
from connectors.genesys_web_services.settings_site import (
    MAX_STATISTICS,
    Statistics,
    StatisticsObject,
)
from connectors.genesys_web_services.statistics_known import doubt, suggestion
from gateway.clock import Clock
from gateway.contracts import Delivery, Gap, Guarantee, Link
from gateway.events import Event, event_id

PATH = "/api/v1/stats"
MAX_TOLD = 10_000
"""Of more findings than this the further ones stand in the diagnostics only."""
DEADLINE_SLACK_SECONDS = 5.0


class StatisticsResume(msgspec.Struct, frozen=True, kw_only=True):
    """The times of the last figures that were told, in milliseconds since the epoch: by object, by statistic."""

    version: int = 1
    seen: dict[str, dict[str, int]]


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StatisticsResume)


class StatisticsFeed:
    """The figures of one site, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self,
        settings: Statistics,
        http: AgentHttp,
        *,
        name: str,
        source: str,
        clock: Clock,
        request_timeout_seconds: float,
    ) -> None:
        self.name = name
        self.guarantee = Guarantee.POLLED
        self._settings = settings
        self._http = http
        self._clock = clock
        self._origin = Origin(feed=name, source=source, agent="")
        self._poller = Poller(
            Rhythm(
                interval_seconds=settings.interval_seconds,
                deadline_seconds=len(settings.objects) * request_timeout_seconds
                + DEADLINE_SLACK_SECONDS,
            ),
            clock=clock,
            peer=http.peer,
        )
        self._seen: dict[str, dict[str, int]] = {}
        self._returning = False
        self._connected = False
        self._told: set[str] = set()
        self._findings: dict[str, str] = {}

    async def connect(self, resume: bytes | None) -> Link:
        """Sign in; the first round follows at once, and fetches what was missed if there is a state to go on from."""
        self._connected = False
        kept = _read(resume)
        await self._http.sign_in()
        self._seen = kept or {}
        self._returning = kept is not None
        self._poller.restart()
        self._connected = True
        session = event_id("session", self.name, self._clock.now().isoformat())[:16]
        return Link(session=session, resumed=kept is not None)

    async def receive(self) -> Delivery:
        """The next round that has something new. Cancelled, the round is asked for again."""
        while True:
            answers = await self._poller.poll(self._ask)
            # No await from here on: what is remembered as told is also returned.
            gap = self._gap(answers) if self._returning else None
            self._returning = False
            events = tuple(self._events(answers))
            if events or gap:
                state = StatisticsResume(seen=self._seen)
                return Delivery(events=events, resume=_encode(state), gap=gap)

    async def commit(self, delivery: Delivery) -> None:
        """The platform knows no acknowledgement."""

    async def drain(self) -> Delivery | None:
        """The platform holds nothing for us."""
        return None

    async def close(self) -> None:
        """Nothing is held open between two polls."""
        self._connected = False

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets: the rhythm, and what is wrong with objects and names."""
        return {
            "connected": self._connected,
            "objects": len(self._settings.objects),
            "polls": self._poller.polls,
            "put_off": self._poller.put_off,
            "findings": dict(self._findings),
            "doubts": doubts(self._settings),
        }

    async def _ask(self) -> list[_Answer]:
        """One round; changes nothing."""
        answers = []
        for one in self._settings.objects:
            path = f"{PATH}/{quote(one.id, safe='')}"
            if self._returning and self._settings.catch_up_values:
                for statistic, since in self._seen.get(one.id, {}).items():
                    query = f"numValues={self._settings.catch_up_values}&from={since + 1}"
                    missed, _ = await optional(
                        self._http, f"{path}/{quote(statistic, safe='')}?{query}"
                    )
                    answers.append(_Answer(one, missed))
            reply, why = await optional(self._http, path)
            answers.append(_Answer(one, reply, why, is_current=True))
        return answers

    def _gap(self, answers: list[_Answer]) -> Gap | None:
        """What happened since the last figures that were told and cannot be fetched, for all we know."""
        settings = self._settings
        told_ms = [at for times in self._seen.values() for at in times.values()]
        if not settings.catch_up_values:
            newest = moment(max(told_ms)) if told_ms else self._clock.now()
            return missed(self.name, newest, self._clock.now(), settings.interval_seconds)
        fetched = ((one.id, observations(reply)) for one, reply, _, now in answers if not now)
        # So many values as were asked for, and there may have been more before them.
        cut = [
            self._seen[id_][found[0].statistic]
            for id_, found in fetched
            if len(found) >= settings.catch_up_values
        ]
        if not cut:
            return None
        since = moment(min(cut))
        key = event_id("gap", self.name, since.isoformat())
        return Gap(key=key, reason="not_polled", since=since)

    def _events(self, answers: list[_Answer]) -> Iterator[Event]:
        self._findings.clear()
        for one, reply, why, is_current in answers:
            if why:
                yield from self._find(one, "", f"{one.kind} {one.shown}: {why}", None)
                continue
            found = observations(reply)
            for seen in found:
                yield from self._observed(one, seen)
            if is_current:
                names = {seen.statistic for seen in found}
                for name in one.statistics:
                    if name not in names:
                        near = suggestion(one.kind, name, beside=names)
                        said = f"{one.kind} {one.shown} has no statistic {name!r}"
                        yield from self._find(one, name, f"{said}; {near}" if near else said, None)

    def _observed(self, one: StatisticsObject, seen: Observation) -> Iterator[Event]:
        if one.statistics and seen.statistic not in one.statistics:
            return
        times = self._seen.setdefault(one.id, {})
        if seen.statistic not in times and len(times) >= MAX_STATISTICS:
            why = f"{one.kind} {one.shown} has more than {MAX_STATISTICS} statistics"
            yield from self._find(one, "", why, None)
            return
        if seen.at_ms is not None:
            if seen.at_ms <= times.get(seen.statistic, 0):
                return
            times[seen.statistic] = seen.at_ms
        if seen.value is None:
            why = f"{seen.statistic!r} of {one.kind} {one.shown} is no number"
            yield from self._find(one, seen.statistic, why, seen.raw)
            return
        yield metrics_event(
            self._origin,
            kind=one.kind,
            id_=one.id,
            shown=one.shown,
            seen=seen,
            received=self._clock.now(),
        )

    def _find(
        self, one: StatisticsObject, statistic: str, why: str, payload: Any
    ) -> Iterator[Event]:
        """Something is wrong: it stands in the diagnostics as long as it is, and is an event once."""
        about = f"{one.kind}/{one.id}/{statistic}".rstrip("/")
        self._findings[about] = why
        if about in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add(about)
        yield finding(
            self._origin, about=about, why=why, payload=payload, received=self._clock.now()
        )


class _Answer(NamedTuple):
    """What the server said of one object; `why` it said nothing. What is not current fills an interruption."""

    one: StatisticsObject
    reply: dict[str, Any]
    why: str = ""
    is_current: bool = False


def doubts(settings: Statistics) -> list[str]:
    """The configured names that the vendor's list does not have, with the nearest spelling."""
    found = (doubt(one.kind, name) for one in settings.objects for name in one.statistics)
    return sorted({said for said in found if said})


def _read(resume: bytes | None) -> dict[str, dict[str, int]] | None:
    """The kept times. Without them, or if they cannot be read, the newest figures are told, perhaps again."""
    if resume is None:
        return None
    try:
        return _decoder.decode(resume).seen
    except UNREADABLE:
        return None
