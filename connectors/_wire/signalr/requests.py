"""The requests of the protocol: paths and queries, and the text of a call.

Source: SignalR/SignalR 2.2.1, Core `PersistentConnection.cs`, `Transports/*.cs`,
`Infrastructure/ProtocolResolver.cs`; JavaScript client of 2.4, `jquery.signalR.transports.common.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from connectors._wire.signalr.values import Transport
from gateway.errors import ProtocolViolation, Reason

CLIENT_PROTOCOL = "1.5"


class Request(NamedTuple):
    """One request below the base URL. `form` is posted; without one it is a GET."""

    path: str
    query: dict[str, str]
    form: dict[str, str] | None = None


class Requests:
    """Composes the requests of one client for its hubs."""

    def __init__(self, hubs: Sequence[str]) -> None:
        data = msgspec.json.encode([{"name": hub} for hub in hubs]).decode() if hubs else ""
        self._common = {"clientProtocol": CLIENT_PROTOCOL}
        if data:
            self._common["connectionData"] = data

    def negotiate(self) -> Request:
        """Ask for a connection."""
        return Request("negotiate", dict(self._common))

    def connect(self, transport: Transport, token: str) -> Request:
        """Bring a transport up for a new connection."""
        return self._with("connect", transport, token)

    def start(self, transport: Transport, token: str) -> Request:
        """Say that the transport is up: the server then tells its application."""
        return self._with("start", transport, token)

    def reconnect(self, transport: Transport, token: str, cursor: str, groups: str) -> Request:
        """Bring a stream up again for a connection that is known, going on after `cursor`."""
        request = self._with("reconnect", transport, token)
        request.query.update(_position(cursor, groups))
        return request

    def poll(self, token: str, cursor: str, groups: str) -> Request:
        """Ask for what comes after `cursor`."""
        request = self._with("poll", Transport.LONG_POLLING, token)
        return request._replace(form=_position(cursor, groups))

    def send(self, transport: Transport, token: str, data: str) -> Request:
        """Hand in a call where the transport goes one way only."""
        return self._with("send", transport, token)._replace(form={"data": data})

    def ping(self) -> Request:
        """Ask nothing, so that a session of the web server does not run out."""
        return Request("ping", dict(self._common))

    def abort(self, transport: Transport, token: str) -> Request:
        """End the connection."""
        return self._with("abort", transport, token)._replace(form={})

    def _with(self, path: str, transport: Transport, token: str) -> Request:
        query = {"transport": transport.value, "connectionToken": token, **self._common}
        return Request(path, query)


def call(hub: str, method: str, args: Sequence[Any], number: int) -> str:
    """The text of a call.

    Raises:
        ProtocolViolation: the arguments are not JSON values.
    """
    try:
        return msgspec.json.encode({"H": hub, "M": method, "A": list(args), "I": number}).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolViolation(
            f"the arguments of {hub}.{method} are no JSON values", reason=Reason.INVALID
        ) from error


def _position(cursor: str, groups: str) -> dict[str, str]:
    position = {}
    if cursor:
        position["messageId"] = cursor
    if groups:
        position["groupsToken"] = groups
    return position
