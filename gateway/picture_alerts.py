"""The alerts of the live picture: those that were raised and not cleared. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from gateway.events import StoredEvent, connector_of
from gateway.picture_data import decoder_of
from gateway.picture_tables import Table


class AlertEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that stands. `about` is what it concerns, such as `queue/5`."""

    connector: str
    alert: str
    rule: str | None = None
    severity: str | None = None
    about: str | None = None
    since: str = ""


class _AlertData(msgspec.Struct):
    """What is needed of the data of alert.*."""

    alert: str
    rule: str | None = None
    severity: str | None = None
    about: str | None = None


_alert = decoder_of(_AlertData)


class StandingAlerts:
    """Folded from alert.*; the alert touched least recently gives way. Raises msgspec.MsgspecError at what is none."""

    def __init__(self, limit: int) -> None:
        self.table: Table[AlertEntry] = Table(limit)

    @property
    def handlers(self) -> Mapping[str, Callable[[StoredEvent], None]]:
        """What to do at which type of event."""
        return {
            "tieline.alert.raised.v1": self._raise,
            "tieline.alert.cleared.v1": self._clear,
        }

    def all(self) -> list[AlertEntry]:
        """Those that stand."""
        return list(self.table.values())

    def load(self, entries: list[AlertEntry]) -> None:
        """Add what a snapshot held."""
        for entry in entries:
            self.table.put((entry.connector, entry.alert), entry)

    def by_rule(self) -> Mapping[tuple[str, str], int]:
        """(connector, rule) to number; an alert without a rule counts under its own name."""
        return Counter((a.connector, a.rule or a.alert) for a in self.table.values())

    def _raise(self, event: StoredEvent) -> None:
        seen = _alert(event.body)
        data = seen.data
        key = (connector_of(event.source), data.alert)
        known = self.table.get(key)
        entry = AlertEntry(
            connector=key[0],
            alert=data.alert,
            rule=data.rule,
            severity=data.severity,
            about=data.about,
            since=known.since if known is not None else seen.time,
        )
        self.table.put(key, entry)

    def _clear(self, event: StoredEvent) -> None:
        self.table.pop((connector_of(event.source), _alert(event.body).data.alert))
