"""Which events a sink wants.

Glob patterns on the type and names of connectors, each decided once for each type and source.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from gateway.events import StoredEvent, connector_of


class EventFilter:
    """True for events whose type matches one of the patterns and whose connector is one of the named."""

    def __init__(self, events: Sequence[str] = ("*",), connectors: Sequence[str] = ()) -> None:
        self._patterns = tuple(events)
        self._connectors = frozenset(connectors)
        # Types and sources are few and repeat for ever, so each is judged once; both sets are bounded by the
        # catalogue and the configuration.
        self._types: dict[str, bool] = {}
        self._sources: dict[str, bool] = {}

    def __call__(self, event: StoredEvent) -> bool:
        """Whether the sink wants the event."""
        wanted = self._types.get(event.type)
        if wanted is None:
            wanted = any(fnmatchcase(event.type, pattern) for pattern in self._patterns)
            self._types[event.type] = wanted
        return wanted and (not self._connectors or self._from_wanted_connector(event.source))

    def _from_wanted_connector(self, source: str) -> bool:
        wanted = self._sources.get(source)
        if wanted is None:
            wanted = connector_of(source) in self._connectors
            self._sources[source] = wanted
        return wanted
