"""The directory: what the platforms say about their structure, remembered for a while, asked for once at a time.

However many clients look, a platform sees one request for each list in `keep_seconds`. A list that cannot be read is
remembered too, for a shorter while, so that a platform in trouble is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.clock import Clock
from gateway.contracts import (
    Connector,
    DirectoryEntry,
    DirectoryKind,
    DirectoryListing,
    DirectoryReader,
)
from gateway.errors import NotReady, Reason, TielineError


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPolicy:
    """Times and bounds of the directory.

    Attributes:
        keep_seconds: how long a list is remembered.
        keep_failure_seconds: how long it is remembered that a list could not be read.
        ask_seconds: limit of one question to a platform.
        entries: the most entries of one list; the rest is left out, and counted.
    """

    keep_seconds: float = 30.0
    keep_failure_seconds: float = 5.0
    ask_seconds: float = 10.0
    entries: int = 50_000


class Listed(NamedTuple):
    """One list of one connector: by id, or why there is none."""

    connector: str
    kind: DirectoryKind
    listing: DirectoryListing | None
    by_id: Mapping[str, DirectoryEntry]
    failure: TielineError | None


@dataclass(slots=True)
class _Place:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    listed: Listed | None = None
    until: float = 0.0


class Directory:
    """The lists of all connectors that have any."""

    def __init__(
        self,
        connectors: Iterable[Connector] = (),
        *,
        clock: Clock,
        policy: DirectoryPolicy | None = None,
    ) -> None:
        self._readers: dict[str, DirectoryReader] = {}
        self._places: dict[tuple[str, DirectoryKind], _Place] = {}
        self._clock = clock
        self._policy = policy or DirectoryPolicy()
        for connector in connectors:
            self.add(connector)

    def add(self, connector: Connector) -> None:
        """Know one more connector; one without lists adds nothing."""
        if isinstance(connector, DirectoryReader):
            self._readers[connector.name] = connector
            for kind in sorted(connector.directory_kinds):
                self._places[connector.name, kind] = _Place()

    def remove(self, connector: str) -> None:
        """Forget a connector and what its lists were."""
        self._readers.pop(connector, None)
        for place in [place for place in self._places if place[0] == connector]:
            del self._places[place]

    def lists(self) -> Iterable[tuple[str, DirectoryKind]]:
        """Which lists there are: connector and kind."""
        return list(self._places)

    async def read(self, connector: str, kind: DirectoryKind) -> Listed:
        """One of `lists`, as old as the policy allows. Raises nothing: a failure is part of the answer."""
        place = self._places.get((connector, kind))
        if place is None:
            return Listed(connector, kind, None, {}, NotReady(f"connector {connector} was removed"))
        async with place.lock:
            if place.listed is None or self._clock.monotonic() >= place.until:
                place.listed = await self._ask(connector, kind)
                failed = place.listed.failure is not None
                keep = self._policy.keep_failure_seconds if failed else self._policy.keep_seconds
                place.until = self._clock.monotonic() + keep
            return place.listed

    async def _ask(self, connector: str, kind: DirectoryKind) -> Listed:
        reader = self._readers[connector]
        try:
            async with asyncio.timeout(self._policy.ask_seconds):
                listing = await reader.read_directory(kind)
        except TimeoutError:
            failure: TielineError = NotReady(
                f"no answer within {self._policy.ask_seconds:g} s", reason=Reason.TIMEOUT
            )
        except TielineError as error:
            failure = error
        else:
            by_id = {entry.id: entry for entry in listing.entries[: self._policy.entries]}
            return Listed(connector, kind, listing, by_id, None)
        return Listed(connector, kind, None, {}, failure)
