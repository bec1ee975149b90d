"""What the platform last offered to be done with each call, interaction and device, and the URI it gave it.

Kept in memory only: it helps to choose among the names of an operation, and nothing depends on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from connectors.genesys_web_services.mapping.values import identifier, objects, text

MAX_OFFERS = 128
_PLACES = ("call", "interaction", "chat", "device", "calls", "interactions", "devices")
"""Where one thing or several stand in a message."""


class Offer(NamedTuple):
    """Capabilities and URI of one thing."""

    capabilities: frozenset[str] = frozenset()
    uri: str | None = None


class Offers:
    """The last offers, by id; the oldest makes room when there are more than `MAX_OFFERS`."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[list[Any], Any]] = {}

    def take(self, fields: dict[str, Any]) -> None:
        """Remember what a message or an answer offers. Read only when it is asked for, which is rare."""
        if "capabilities" in fields:
            self._take(fields)
        for name in _PLACES:
            if name in fields:
                for one in objects(fields[name]):
                    self._take(one)

    def of(self, name: str) -> Offer:
        """What is offered for an id; nothing if it is not known."""
        listed, uri = self._by_id.get(name, ((), None))
        return Offer(frozenset(word for word in listed if isinstance(word, str)), text(uri))

    def _take(self, thing: dict[str, Any]) -> None:
        listed, name = thing.get("capabilities"), identifier(thing.get("id"))
        if name is None or not isinstance(listed, list):
            return
        self._by_id.pop(name, None)
        if not listed:
            return
        if len(self._by_id) >= MAX_OFFERS:
            del self._by_id[next(iter(self._by_id))]
        self._by_id[name] = (listed, thing.get("uri"))
