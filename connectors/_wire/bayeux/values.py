"""The values that cross the border of the Bayeux client: what it hears, what it remembers, what it lost."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from connectors._wire.bayeux.advice import Advice
from connectors._wire.cookies import Cookie
from gateway.errors import Reason


class Event(NamedTuple):
    """One published message. `ordinal` is its number within the server's session, the same each time it is re-sent.

    Ordinals count from 1. With the acknowledge extension a server delivers on connect replies
    only; should one deliver elsewhere all the same, those events have a count of their own, with
    negative ordinals.
    """

    channel: str
    data: Any
    ordinal: int


class Mark(msgspec.Struct, frozen=True):
    """How far a session has come: all up to here is in what was handed out together with it.

    `ack` is the acknowledge extension's batch number (0 without it) and `ordinal` the last event
    it covers.
    """

    client_id: str = ""
    ack: int = 0
    ordinal: int = 0
    side_ordinal: int = 0


class BayeuxResume(msgspec.Struct, frozen=True):
    """All that another process needs to go on with the session. JSON-encodable; holds cookies, so it is a secret.

    `clean` says that polling had ended on purpose, with nothing on its way. `seen_at` is when the
    server last answered, in seconds since the epoch.
    """

    client_id: str
    cookies: tuple[Cookie, ...] = ()
    ack_enabled: bool = False
    ack: int = 0
    ordinal: int = 0
    side_ordinal: int = 0
    message_id: int = 0
    subscriptions: tuple[str, ...] = ()
    advice: Advice = Advice()
    clean: bool = False
    seen_at: float = 0.0

    def __repr__(self) -> str:
        return (
            f"BayeuxResume(ack={self.ack if self.ack_enabled else None}, ordinal={self.ordinal},"
            f" clean={self.clean}, session and cookies hidden)"
        )


class Gap(msgspec.Struct, frozen=True):
    """Events between `since` and `until` (seconds since the epoch) are lost, or may be where it is only `suspected`."""

    reason: Reason
    since: float
    until: float
    suspected: bool = False


class SubscriptionRefused(msgspec.Struct, frozen=True):
    """A channel the server would not let us subscribe to, and its error text. It is tried again in the next session."""

    channel: str
    error: str


class Arrival(msgspec.Struct, frozen=True):
    """What one reply brought. A gap lies before its events."""

    events: list[Event]
    mark: Mark
    resume: BayeuxResume
    gap: Gap | None = None
    refused: tuple[SubscriptionRefused, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """What `receive` hands out: events of one session in order, and the state to store in the same transaction.

    Events are identified by (`client_id`, ordinal). A gap lies before the events. All may be
    empty in a session's first batch, which makes the session itself known to the journal.
    """

    client_id: str
    messages: list[Event]
    resume: BayeuxResume
    mark: Mark
    gap: Gap | None = None
    refused: tuple[SubscriptionRefused, ...] = ()
