"""Counts what goes wrong with the transports of one connection, to tell when trying on is of no use."""

from __future__ import annotations

from typing import NamedTuple

from connectors._wire.signalr.channels import ChannelClosed
from connectors._wire.signalr.values import Loss
from gateway.errors import ConnectionFailed, NotConnected, Reason

CONFLICT_AFTER = 3
UNREADABLE_AFTER = 3
SILENT_AFTER = 3
CLOSED_SOON_SECONDS = 5.0
_DAMAGED = frozenset({Reason.PROTOCOL, Reason.TOO_LARGE})


class Verdict(NamedTuple):
    """Trying on is of no use: what to tell, and whether the connection itself is lost."""

    error: NotConnected
    loss: Loss | None = None


class Troubles:
    """The failures in a row since frames last came."""

    def __init__(self) -> None:
        self._opened_at = 0.0
        self._failures = 0
        self._closed_soon = 0
        self._unreadable = 0
        self._silent = 0

    @property
    def repeated(self) -> bool:
        """Whether the next attempt should wait a little."""
        return self._failures > 1 or self._closed_soon > 0 or self._unreadable > 0

    def opened(self, now: float) -> None:
        """A transport is up."""
        self._opened_at = now

    def heard(self) -> None:
        """The server gave a sign of life."""
        self._failures = 0

    def framed(self, *, moved: bool) -> None:
        """A frame came whole; `moved` if it has a cursor."""
        self._failures = self._silent = 0
        if moved:
            self._unreadable = 0

    def failed(self, error: ConnectionFailed, peer: str, now: float) -> Verdict | None:
        """The transport broke; gives a verdict if this has happened too often.

        Who is closed in order again and again as soon as it is back shares its token with another
        client, or the server has ended the connection. What comes damaged again and again will not
        come whole. A server that takes us back each time and stays silent keeps the connection.
        """
        self._failures += 1
        soon = now - self._opened_at < CLOSED_SOON_SECONDS
        closed = isinstance(error, ChannelClosed)
        self._closed_soon = self._closed_soon + 1 if closed and soon else 0
        self._unreadable += error.reason in _DAMAGED
        self._silent = self._silent + 1 if error.reason is Reason.TIMEOUT else 0
        told = NotConnected(error.message, reason=error.reason, hint=error.hint)
        if self._closed_soon >= CONFLICT_AFTER:
            conflict = NotConnected(
                f"{peer} closes the connection each time it is resumed",
                reason=Reason.CONFLICT,
                hint="another process may be using this connection, or the server ended it",
            )
            return Verdict(conflict, Loss.SESSION_LOST)
        if self._unreadable >= UNREADABLE_AFTER:
            return Verdict(told, Loss.UNREADABLE)
        return Verdict(told) if self._silent >= SILENT_AFTER else None
