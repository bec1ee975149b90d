"""Changes as the feed reads them, without a network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors._template.mapping import Changes, Mapper, Place, State
from gateway.events import Event, Provenance

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MAPPER = Mapper("pbx/log", "/tieline/pbx/example_pbx")


def beginning() -> State:
    """Nothing is told yet."""
    return State(place=Place(log="log-0", number=0), at=NOW)


def told(changes: list[Any], state: State) -> list[Event]:
    """The events of an answer to a poll."""
    answer = Changes(log="log-0", first=1, next=99, changes=changes)
    return MAPPER.take(state, answer, NOW, Provenance.LIVE)
