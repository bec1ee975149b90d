"""What the platform's application pushes through: its SignalR server, or one that somebody else wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from connectors._simulation.signalr_session import Connection


class Pusher(Protocol):
    """Connections, groups of them, and calls of their methods; `number` is the message's in the ledger."""

    @property
    def sessions(self) -> Sequence[Connection]:
        """Every connection that has not ended."""

    def find(self, connection_id: str) -> Connection | None:
        """The connection of that id, if it has not ended."""

    def send(
        self, connection_id: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call a client's method on one connection."""

    def send_group(
        self, group: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call it on every connection in a group of the hub."""

    def join(self, connection: Connection, hub: str, group: str) -> None:
        """Put a connection into a group."""

    def leave(self, connection: Connection, hub: str, group: str) -> None:
        """Take it out again."""
