"""Counts what goes wrong with the transports of one connection, to tell when trying on is of no use."""

from __future__ import annotations

from connectors._wire.signalr.channels import ChannelClosed
from connectors._wire.signalr.values import Loss
from gateway.errors import ConnectionFailed, Reason

CONFLICT_AFTER = 3
UNREADABLE_AFTER = 3
CLOSED_SOON_SECONDS = 5.0
_DAMAGED = frozenset({Reason.PROTOCOL, Reason.TOO_LARGE})


class Troubles:
    """The failures in a row since frames last came."""

    def __init__(self) -> None:
        self._opened_at = 0.0
        self._failures = 0
        self._closed_soon = 0
        self._unreadable = 0

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

    def advanced(self) -> None:
        """A frame moved the cursor."""
        self._failures = self._unreadable = 0

    def failed(self, error: ConnectionFailed, now: float) -> Loss | None:
        """The transport broke; gives a reason to give the connection up, if this has happened too often.

        Who is closed in order again and again as soon as it is back shares its token with another
        client, or the server has ended the connection. What comes damaged again and again will not
        come whole.
        """
        self._failures += 1
        soon = now - self._opened_at < CLOSED_SOON_SECONDS
        closed = isinstance(error, ChannelClosed)
        self._closed_soon = self._closed_soon + 1 if closed and soon else 0
        if error.reason in _DAMAGED:
            self._unreadable += 1
        if self._closed_soon >= CONFLICT_AFTER:
            return Loss.SESSION_LOST
        return Loss.UNREADABLE if self._unreadable >= UNREADABLE_AFTER else None
