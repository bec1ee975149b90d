"""What a sink is offered at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.events import DamagedEvent, StoredEvent


def split(records: Sequence[StoredEvent], batch_bytes: int) -> list[list[StoredEvent]]:
    """Cut into batches of at most so many bytes, at least one event each; a damaged event is a batch of its own."""
    batches: list[list[StoredEvent]] = []
    size = 0
    alone = True
    for record in records:
        damaged = isinstance(record, DamagedEvent)
        if alone or damaged or size + len(record.body) > batch_bytes:
            batches.append([])
            size = 0
        alone = damaged
        batches[-1].append(record)
        size += len(record.body)
    return batches


def repeated(event: StoredEvent) -> StoredEvent:
    """The event as one that a sink delivers whatever its receiver holds: see `gateway.contracts.Sink`."""
    return StoredEvent(-event.position, event.sequence, event.type, event.source, event.body)
