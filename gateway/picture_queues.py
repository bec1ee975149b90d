"""The queues of the live picture, and whatever else has measured values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

import msgspec

from gateway.events import StoredEvent, connector_of
from gateway.picture_data import MetricsData, QueueEntry, QueueStateData, decoder_of, place_of
from gateway.picture_tables import Table

QUEUE = "queue"

_metrics = decoder_of(MetricsData)
_queue_state = decoder_of(QueueStateData)


class MeasuredQueues:
    """Folded from metrics.observed of queues and groups, and from queue.state.changed.

    The queue touched least recently gives way; of one queue the values beyond `values_per_queue` are left out. The
    handlers raise msgspec.MsgspecError at what is no such event.

    Attributes:
        table: entries by `gateway.picture_data.place_of`.
        values_left_out: how many values there was no room for.
    """

    def __init__(self, limit: int, values_per_queue: int) -> None:
        self.table: Table[QueueEntry] = Table(limit)
        self.values_left_out = 0
        self._values_per_queue = values_per_queue

    @property
    def handlers(self) -> Mapping[str, Callable[[StoredEvent], None]]:
        """What to do at which type of event."""
        return {
            "tieline.queue.metrics.observed.v1": self._measure,
            "tieline.group.metrics.observed.v1": self._measure,
            "tieline.queue.state.changed.v1": self._change,
        }

    def all(self) -> list[QueueEntry]:
        """All that were heard of, of whatever kind."""
        return list(self.table.values())

    def load(self, entries: list[QueueEntry]) -> None:
        """Add what a snapshot held."""
        for entry in entries:
            self.table.put(place_of(entry), entry)

    def queues(self) -> list[QueueEntry]:
        """Those that are queues."""
        return [entry for entry in self.table.values() if entry.kind == QUEUE]

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """(connector, queue, name of the value) to the last value; `open` is 1 or 0."""
        values: dict[tuple[str, str, str], float] = {}
        for entry in self.queues():
            key = (entry.connector, entry.queue)
            for name, value in entry.values.items():
                values[*key, name] = value
            if entry.open is not None:
                values[*key, "open"] = float(entry.open)
            if entry.estimated_wait_seconds is not None:
                values[*key, "estimated_wait_seconds"] = entry.estimated_wait_seconds
        return values

    def group_values(self) -> Mapping[tuple[str, str, str, str], float]:
        """(connector, kind, group, name of the value) to the last value, of everything measured but queues."""
        return {
            (entry.connector, entry.kind, entry.queue, name): value
            for entry in self.table.values()
            if entry.kind != QUEUE
            for name, value in entry.values.items()
        }

    def _entry(self, event: StoredEvent, queue: str, kind: str = QUEUE) -> QueueEntry:
        entry = QueueEntry(connector=connector_of(event.source), queue=queue, kind=kind)
        return self.table.get(place_of(entry)) or entry

    def _measure(self, event: StoredEvent) -> None:
        data = _metrics(event.body).data
        if data.object.kind == "agent":
            return
        entry = self._entry(event, data.object.id, data.object.kind)
        suffix = "" if data.window is None else f"@{data.window}"
        values = {**entry.values, **{f"{n}{suffix}": v for n, v in data.values.items()}}
        limit = self._values_per_queue
        if len(values) > limit:
            self.values_left_out += len(values) - limit
            values = dict(islice(values.items(), limit))
        entry = msgspec.structs.replace(entry, values=values, observed_at=data.observed_at)
        self.table.put(place_of(entry), entry)

    def _change(self, event: StoredEvent) -> None:
        data = _queue_state(event.body).data
        entry = self._entry(event, data.queue)
        entry = msgspec.structs.replace(
            entry,
            open=entry.open if data.open is None else data.open,
            estimated_wait_seconds=data.estimated_wait_seconds,
        )
        self.table.put(place_of(entry), entry)
