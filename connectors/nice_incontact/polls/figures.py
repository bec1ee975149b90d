"""Figures of skills and agents: what is a number in a row becomes a value, durations in seconds.

Sources: NICE inContact RealTime API, "Skill activity"; Reporting API, "SLA summary" and "Agent
performance", whose dates must stand on quarters of an hour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors._wire.json_values import fingerprint, flag, identifier, moment, number, text
from connectors._wire.telling import Telling
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.pages import Page
from connectors.nice_incontact.polls.listing import ask_all, ask_since, following, native
from connectors.nice_incontact.settings_polls import QUARTER_SECONDS
from connectors.nice_incontact.vendor import FIGURES
from gateway.events.operations import MetricObject, Metrics

WINDOW = "window"
_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
_NOT_VALUES = frozenset({"servertime", "lastpolltime", "earliestqueuetime", "fromaddress"})
_MAX_DURATION = 40


def duration_seconds(value: Any) -> float | None:
    """The length of an ISO 8601 duration without years and months; none for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_DURATION:
        return None
    found = _DURATION.fullmatch(value.strip().upper())
    if found is None or not any(found[part] for part in _SECONDS):
        return None
    whole = sum(float(found[part] or 0) * seconds for part, seconds in _SECONDS.items())
    return -whole if found["sign"] else whole


def values_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a row by the platform's names, in one spelling; ids, names, flags and dates are none."""
    found: dict[str, float] = {}
    for low, value in row.items():
        if low.endswith("id") or low in _NOT_VALUES or _is_flag(value):
            continue
        figure = number(value)
        if figure is None:
            figure = duration_seconds(value)
        if figure is not None:
            found[FIGURES.get(low, low)] = figure
    return found


def _is_flag(value: Any) -> bool:
    """Whether it is a truth value, also as a word; 1 and 0 are figures here."""
    if isinstance(value, str):
        return not value.strip().isdigit() and flag(value) is not None
    return isinstance(value, bool)


class Memory(msgspec.Struct, kw_only=True):
    """Between polls and over restarts: the cursor, and fingerprints of the values told last."""

    cursor: str | None = None
    told: dict[str, int] = msgspec.field(default_factory=dict)


class Figures:
    """A list of figures of skills or agents. `prefix` keeps figures apart that have one name in two lists."""

    misses = False

    def __init__(
        self,
        name: str,
        path: str,
        rows: str,
        *,
        kind: str,
        member: str,
        prefix: str = "",
        window_seconds: int | None = None,
    ) -> None:
        self.name = name
        self._path = path
        self._names = rows
        self._kind = kind
        self._member = member
        self._prefix = prefix
        self._window = None if window_seconds is None else timedelta(seconds=window_seconds)
        self._memory = Memory()

    def restore(self, kept: Any) -> None:
        """Go on from `kept`."""
        self._memory = Memory() if kept is None else msgspec.convert(kept, Memory)

    def keep(self) -> Memory:
        """The cursor, and what was told."""
        return self._memory

    async def ask(self, api: Api, now: datetime) -> Page:
        """The rows that changed; of a report, those of the window that ends at the last full quarter."""
        if self._window is None:
            return await ask_since(api, self._path, self._names, cursor=self._memory.cursor)
        seconds = int(now.timestamp()) // QUARTER_SECONDS * QUARTER_SECONDS
        end = datetime.fromtimestamp(seconds, UTC)
        start, until = _stamp(end - self._window), _stamp(end)
        query = {"startDate": start, "endDate": until}
        page = await ask_all(api, self._path, self._names, query=query)
        return msgspec.structs.replace(page, facts={**page.facts, WINDOW: (start, until)})

    def tell(self, page: Page, telling: Telling, *, fresh: bool) -> None:  # noqa: ARG002 - values need no beginning
        """The values of every row that differ from those told last."""
        memory = self._memory
        memory.cursor = following(page, memory.cursor)
        start, until = page.facts.get(WINDOW, (None, None))
        for row in page.rows:
            name = identifier(row.get(self._member))
            values = {f"{self._prefix}{key}": value for key, value in values_of(row).items()}
            if name is None or not values:
                telling.not_understood(self._path, "figures of nobody, or none", row)
                continue
            content = fingerprint([start, until, values])
            if memory.told.get(name) == content:
                continue
            memory.told[name] = content
            at = moment(row.get("servertime")) or moment(until) or telling.received
            telling.add(
                f"{self._kind}.metrics.observed",
                f"{self._kind}/{name}",
                name,
                Metrics(
                    object=MetricObject(kind=self._kind, id=name),
                    values=values,
                    observed_at=at,
                    window=None if start is None else f"{start}/{until}",
                    native=native(self._path, row, id=name, name=text(row.get("skillname"))),
                ),
                name,
                at.isoformat(),
                content,
                at=at if at <= telling.received else None,
            )


def _stamp(moment_: datetime) -> str:
    return moment_.strftime("%Y-%m-%dT%H:%M:%S.000Z")
