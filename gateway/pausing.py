"""Connectors that an operator has paused: they read nothing and take no commands until they are resumed.

A pause outlives the process. Whoever pauses a connector, because its platform is being worked on, must not find it
reading again because the gateway was restarted meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from gateway.clock import Clock
from gateway.contracts import Journal
from gateway.telemetry import Telemetry

NAMESPACE = "paused"


class PauseSwitch:
    """One connector's: whether it is paused, and waiting until it is not.

    Attributes:
        since: from when on it is paused; None when it is not.
    """

    def __init__(self) -> None:
        self.since: datetime | None = None
        self._resumed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def paused(self) -> bool:
        """Whether the connector is paused."""
        return self.since is not None

    def listen(self, paused: Callable[[], None]) -> None:
        """Call `paused` whenever the connector is paused, until `forget`."""
        self._listeners.append(paused)

    def forget(self, paused: Callable[[], None]) -> None:
        """Call it no longer."""
        self._listeners.remove(paused)

    async def wait_resumed(self) -> None:
        """Return when it is not paused. Cancel-safe."""
        while self.paused:
            self._resumed.clear()
            await self._resumed.wait()

    def set(self, since: datetime | None) -> None:
        """Pause it from a moment on, or resume it."""
        self.since = since
        if since is None:
            self._resumed.set()
        else:
            for paused in self._listeners:
                paused()


class ConnectorPauses:
    """The switches of all connectors, kept in the journal."""

    def __init__(
        self, connectors: Iterable[str], *, journal: Journal, telemetry: Telemetry, clock: Clock
    ) -> None:
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._switches = {name: PauseSwitch() for name in connectors}

    async def restore(self) -> None:
        """Take up what was paused when the last process ended; connectors that are no more are forgotten."""
        for name, since in await self._journal.items(NAMESPACE):
            if name in self._switches:
                self._set(name, datetime.fromisoformat(since.decode()))
            else:
                await self._journal.put(NAMESPACE, name, None)

    def switch(self, connector: str) -> PauseSwitch:
        """The switch of a connector. Raises KeyError when there is none."""
        return self._switches[connector]

    def add(self, connector: str) -> None:
        """Know one more connector, not paused; one that is known stays as it is."""
        self._switches.setdefault(connector, PauseSwitch())

    async def remove(self, connector: str) -> None:
        """Forget a connector, and that it was paused. Raises KeyError, JournalError."""
        if self._switches.pop(connector).paused:
            await self._journal.put(NAMESPACE, connector, None)
            self._telemetry.connector_paused(connector, paused=False)

    async def pause(self, connector: str) -> None:
        """Read nothing more of a connector until `resume`, also after a restart; its feeds drain and let go.

        Returns when it is on record, perhaps before every feed has let go. Raises KeyError, JournalError.
        """
        if not self._switches[connector].paused:
            now = self._clock.now()
            await self._journal.put(NAMESPACE, connector, now.isoformat().encode())
            self._set(connector, now)

    async def resume(self, connector: str) -> None:
        """Connect the feeds of a connector again. Raises KeyError, JournalError."""
        if self._switches[connector].paused:
            await self._journal.put(NAMESPACE, connector, None)
            self._set(connector, None)

    def _set(self, connector: str, since: datetime | None) -> None:
        self._switches[connector].set(since)
        self._telemetry.connector_paused(connector, paused=since is not None)
