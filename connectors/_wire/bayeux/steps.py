"""What a Bayeux session asks its shell to do, and how the shell says that it did not work."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gateway.errors import ConnectionFailed


class Kind(StrEnum):
    """What a request is for; its value is the last part of the channel, which some balancers want in the URL."""

    HANDSHAKE = "handshake"
    SUBSCRIBE = "subscribe"
    CONNECT = "connect"
    DISCONNECT = "disconnect"

    @property
    def channel(self) -> str:
        """The channel of the message, and of the reply to it."""
        return _CHANNELS[self]


_CHANNELS = {kind: f"/meta/{kind}" for kind in Kind}


class Send(NamedTuple):
    """Post `payload`; without an answer after `deadline_seconds` it has failed."""

    kind: Kind
    payload: bytes
    deadline_seconds: float
    message_id: str
    base: int
    client_id: str
    held: bool = False


class Wait(NamedTuple):
    """Do nothing until then."""

    until: float


class Stop(NamedTuple):
    """The session is over for good."""

    error: ConnectionFailed


Step = Send | Wait | Stop


class Failure(NamedTuple):
    """A request without a Bayeux answer. `maybe_taken`: the server may have written events to it.

    `stale`: the connection was one that the server had just closed. `poisonous`: the body itself
    was at fault, so that a repetition would be no better.
    """

    error: ConnectionFailed
    maybe_taken: bool = True
    stale: bool = False
    poisonous: bool = False
    status: int = 0
