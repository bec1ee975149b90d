"""The values that cross the border of the SignalR client: what it hears, what it remembers, what it lost."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from connectors._wire.cookies import Cookie


class Transport(StrEnum):
    """How frames travel; the values are the protocol's names."""

    WEB_SOCKETS = "webSockets"
    SERVER_SENT_EVENTS = "serverSentEvents"
    LONG_POLLING = "longPolling"


class Loss(StrEnum):
    """Why messages are lost, or may be; the server itself reports none of it.

    Attributes:
        EXPIRED: the connection was left alone for longer than the server keeps it.
        SERVER_RESTARTED: another server process answers, whose buffers are new.
        BUFFER_FULL: the server's buffer had run over before the messages were fetched.
        SESSION_LOST: the server, or whoever holds the connection now, does not let us go on.
        CHANGED: the settings are for another server, other hubs or another user than the connection.
        UNREADABLE: the same frame came damaged each time it was fetched.
    """

    EXPIRED = "expired"
    SERVER_RESTARTED = "server_restarted"
    BUFFER_FULL = "buffer_full"
    SESSION_LOST = "session_lost"
    CHANGED = "changed"
    UNREADABLE = "unreadable"


class Invocation(msgspec.Struct, frozen=True):
    """The server called a method of this client.

    Hub and method are spelled as the server spells them; compare them without regard to case. A
    message that is no invocation has neither and is the only one of `args`. `cursor` is the
    position of the frame that brought it and `index` its place in there. Frames are cut anew
    whenever they are delivered again, so it is `key` that names the message within its connection.
    """

    hub: str
    method: str
    args: list[Any]
    cursor: str
    index: int
    key: str


class Negotiated(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said about a new connection. `token` is a secret, `connection_id` is not.

    `keep_alive_seconds` is how long silence is normal (none: the server sends no keep-alive),
    `disconnect_seconds` how long the server keeps a connection that nobody holds, `poll_seconds`
    how long it holds a poll and `connect_seconds` how long a transport may take to come up.
    """

    connection_id: str
    token: str
    keep_alive_seconds: float | None = 20.0
    disconnect_seconds: float = 30.0
    poll_seconds: float = 110.0
    connect_seconds: float = 5.0
    try_web_sockets: bool = True

    def __repr__(self) -> str:
        return f"Negotiated(connection_id={self.connection_id!r}, token hidden)"


class SignalRResume(msgspec.Struct, frozen=True, kw_only=True):
    """All that another process needs to go on with the connection. JSON-encodable; a secret.

    `ordinal` counts the messages that no cursor names, `epoch` how often a topic began anew.
    `seen_at` is when the server was last heard, in seconds since the epoch. `lost` says that the
    connection cannot go on although its time is not up: who opens with it gets a new one, and a gap.
    """

    base_url: str
    hubs: tuple[str, ...]
    identity: str
    negotiated: Negotiated
    transport: Transport
    cursor: str = ""
    groups_token: str = ""
    ordinal: int = 0
    epoch: int = 0
    cookies: tuple[Cookie, ...] = ()
    seen_at: float = 0.0
    lost: Loss | None = None

    @property
    def connection_id(self) -> str:
        """The server's public name for the connection."""
        return self.negotiated.connection_id

    def __repr__(self) -> str:
        return (
            f"SignalRResume(connection_id={self.connection_id!r}, transport={self.transport.value},"
            f" cursor={self.cursor!r}, token and cookies hidden)"
        )


class Gap(msgspec.Struct, frozen=True):
    """Messages between `since` and `until` (seconds since the epoch) are lost, or may be.

    `missing` is how many the cursor says are missing, none if that cannot be known.
    """

    reason: Loss
    since: float
    until: float
    missing: int | None = None


class Arrival(msgspec.Struct, frozen=True):
    """What one frame brought. A gap lies before its messages."""

    messages: list[Invocation]
    resume: SignalRResume
    gap: Gap | None = None


class Batch(msgspec.Struct, frozen=True):
    """What `receive` hands out: messages of one connection in order, and the state to store in the same transaction.

    A gap lies before the messages. `messages` is empty in a connection's first batch, which makes
    the connection known to the journal, and when only the time on the state is renewed.
    """

    connection_id: str
    messages: list[Invocation]
    resume: SignalRResume
    gap: Gap | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is read and kept, and how long is waited.

    `retry_seconds` is the pause between attempts to bring a transport up again, `checkpoint_seconds`
    how old the time in a stored resume state may grow on a quiet connection, `ping_seconds` how
    often the server is asked whether the credentials still hold.
    """

    max_frame_bytes: int = 4 * 1024 * 1024
    max_buffered_messages: int = 10_000
    max_buffered_bytes: int = 16 * 1024 * 1024
    max_batch_messages: int = 1_000
    max_calls: int = 64
    request_seconds: float = 10.0
    retry_seconds: float = 2.0
    checkpoint_seconds: float = 10.0
    ping_seconds: float = 300.0
    call_seconds: float = 30.0
