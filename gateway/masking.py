"""Masking for sinks that must not see everything. Pure.

A sink names the classifications it may not have. Of an event so classified (or of a stricter class), the sensitive
fields
are replaced; ids, states, times and counts stay, so that the event keeps its meaning. The vendor's own payload
cannot be
judged field by field and is replaced whole wherever anything is masked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from gateway.events import Classification, StoredEvent

MASK = "[masked]"

_PERSONAL = frozenset({"number", "name", "topic", "forward_to", "requester", "origin"})
_CONTENT = frozenset(
    {"values", "digits", "text", "steps", "payload", "native_reply", "message", "tags"}
)
_FIELDS = {
    Classification.PERSONAL.value: _PERSONAL | {"payload"},
    Classification.CONTENT.value: _CONTENT,
}
_MESSAGE_IS_AN_ID = frozenset({"tieline.interaction.message.added.v1"})


class Masker:
    """Masks the events of one sink. Without levels it hands events through untouched."""

    def __init__(self, levels: Collection[str]) -> None:
        self._fields = frozenset[str]().union(*(_FIELDS[level] for level in levels))

    def __call__(self, event: StoredEvent) -> StoredEvent:
        """The event as the sink may see it."""
        if not self._fields:
            return event
        fields = self._fields - {"message"} if event.type in _MESSAGE_IS_AN_ID else self._fields
        body = msgspec.json.decode(event.body)
        body["data"] = _masked(body["data"], fields)
        return StoredEvent(
            position=event.position,
            sequence=event.sequence,
            type=event.type,
            source=event.source,
            body=msgspec.json.encode(body),
        )


def _masked(value: Any, fields: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _blank(inner) if key in fields else _masked(inner, fields)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, fields) for inner in value]
    return value


def _blank(value: Any) -> Any:
    """The mask in the shape of the value, so that a masked event still fits its schema."""
    if isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    if isinstance(value, list):
        return []
    return None if value is None else MASK
