"""A classic ASP.NET SignalR 2.2 server with hubs, as a block of simulators (aiohttp on the server's side).

Negotiate, connect, start, reconnect, poll, send, ping, abort and the proxies' script; WebSocket, server-sent events and
long polling. Sources: Microsoft.AspNet.SignalR.Core 2.2 (PersistentConnection, Hubs.HubDispatcher, Transports).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from inspect import isawaitable
from typing import Any

import msgspec
from aiohttp import web

from connectors._simulation.bayeux_session import Recorder
from connectors._simulation.signalr_protocol import (
    BAD_CONNECTION_ID,
    MISSING_TOKEN,
    OTHER_USER,
    UNKNOWN_TRANSPORT,
    SignalROptions,
    hub_names,
    negotiation,
    protocol_for,
    proxies,
)
from connectors._simulation.signalr_session import Connection, End, Stream, StreamTampering
from connectors._simulation.signalr_switchboard import Switchboard
from connectors._simulation.signalr_transports import (
    JSON_TYPE,
    long_poll,
    server_sent_events,
    web_socket,
)

__all__ = ["HubError", "HubMethod", "SignalROptions", "SignalRServer"]

HubMethod = Callable[[Connection, list[Any]], object | Awaitable[object]]
CONNECTION = "connection"
STARTS_BY_ITSELF = ("1.2", "1.3")
"""Protocols without /start."""
SHELLS = {
    "websockets": web_socket,
    "serversentevents": server_sent_events,
    "longpolling": long_poll,
}


class HubError(Exception):
    """What a hub method raises to tell its caller a message and, perhaps, data."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.data = data


class _Refused(Exception):
    """An HTTP answer instead of what was asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class SignalRServer(Switchboard):
    """The requests. The caller mounts `handle` and calls `sweep` now and then.

    `hubs` maps the name of a hub to its server methods, by name.
    """

    def __init__(
        self,
        options: SignalROptions,
        hubs: Mapping[str, Mapping[str, HubMethod]],
        recorder: Recorder,
        tampering: StreamTampering,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(options, recorder, tampering, monotonic=monotonic)
        self.disabled: Callable[[], Collection[str]] = tuple
        """Transports that may not be used now although the options have them."""
        self._hubs = {name.lower(): name for name in hubs}
        self._methods = {
            (hub.lower(), name.lower()): method
            for hub, methods in hubs.items()
            for name, method in methods.items()
        }
        self._script = proxies({hub: list(methods) for hub, methods in hubs.items()})

    async def handle(self, request: web.Request, user: str) -> web.StreamResponse:
        """Answer a request; the last part of its path says which. `user` is who signed in, or empty."""
        action = request.path.rpartition("/")[2].lower()
        try:
            return await self._dispatch(request, action, user)
        except _Refused as refusal:
            return web.Response(status=refusal.status, text=str(refusal))

    async def _dispatch(self, request: web.Request, action: str, user: str) -> web.StreamResponse:
        if action in {"hubs", "js"}:
            return web.Response(text=self._script, content_type="application/x-javascript")
        if action == "ping":
            return _json(b'{ "Response": "pong" }')
        query: dict[str, str] = dict(request.query)
        if request.method == "POST":
            form = await request.post()
            query |= {key: value for key, value in form.items() if isinstance(value, str)}
        hubs = self._hub_names(query)
        if action == "negotiate":
            return self._negotiate(request, query, user)
        transport = self._transport(query)
        connection_id = self._connection_id(query, user)
        if action == "abort":
            self.abort(connection_id)
            return web.Response()
        connection = self.connection(connection_id, user, hubs)
        if action == "start":
            self._start(connection)
            return _json(b'{ "Response": "started" }')
        if action == "send":
            return _json(await self._call(connection, query.get("data", "")))
        stream = self._open(connection, action, transport, query)
        try:
            return await SHELLS[transport](request, self, stream)
        finally:
            self.put_down(stream)

    def _open(
        self, connection: Connection, action: str, transport: str, query: Mapping[str, str]
    ) -> Stream:
        if action == "connect":
            stream = self.connect(connection, transport)
            if protocol_for(query.get("clientProtocol")) in STARTS_BY_ITSELF:
                self._start(connection)
            return stream
        if action not in {"reconnect", "poll"}:
            raise _Refused(400, f"Protocol error: Unknown operation {action}.")
        cursor, groups = query.get("messageId", ""), query.get("groupsToken")
        stream = self.resume(connection, transport, cursor, groups)
        if action == "reconnect" and self.on_reconnected:
            self.on_reconnected(connection)
        return stream

    def _negotiate(
        self, request: web.Request, query: Mapping[str, str], user: str
    ) -> web.StreamResponse:
        self.handshakes += 1
        connection_id = str(uuid.uuid4())
        return _json(
            negotiation(
                self.options,
                web_sockets="webSockets" in self.enabled_transports,
                url=request.path.rpartition("/")[0],
                token=self.sealer.seal(CONNECTION, f"{connection_id}:{user}"),
                connection_id=connection_id,
                protocol=protocol_for(query.get("clientProtocol")),
            )
        )

    def _hub_names(self, query: Mapping[str, str]) -> tuple[str, ...]:
        """The hubs asked for; one that does not exist is an error of the server's."""
        try:
            names = hub_names(query.get("connectionData"))
            return tuple(self._hubs[name.lower()] for name in names or ())
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            raise _Refused(500, f"The hub cannot be resolved: {error}.") from error

    def _transport(self, query: Mapping[str, str]) -> str:
        enabled = {name.lower() for name in self.enabled_transports}
        wanted = query.get("transport", "").lower()
        if wanted not in enabled:
            raise _Refused(400, UNKNOWN_TRANSPORT)
        return wanted

    @property
    def enabled_transports(self) -> tuple[str, ...]:
        """Those that a client may use now."""
        disabled = self.disabled()
        return tuple(one for one in self.options.transports if one not in disabled)

    def _connection_id(self, query: Mapping[str, str], user: str) -> str:
        token = query.get("connectionToken")
        if not token:
            raise _Refused(400, MISSING_TOKEN)
        content = self.sealer.open(CONNECTION, token)
        if content is None:
            raise _Refused(400, BAD_CONNECTION_ID)
        connection_id, _, owner = content.partition(":")
        if owner != user:
            raise _Refused(403, OTHER_USER)
        return connection_id

    def _start(self, connection: Connection) -> None:
        if not connection.started:
            connection.started = True
            if self.on_connected:
                self.on_connected(connection)

    async def invoke(self, stream: Stream, data: str) -> bytes:
        """Carry out a client's call and return the result; what is no call ends the stream."""
        try:
            return await self._call(stream.connection, data)
        except _Refused:
            stream.finish(End.REPLACED)
            return b"{}"

    async def _call(self, connection: Connection, data: str) -> bytes:
        try:
            call = msgspec.json.decode(data, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise _Refused(500, "The data is no hub invocation.") from error
        hub, name, identity = str(call.get("H")), str(call.get("M")), str(call.get("I"))
        result: dict[str, Any] = {"I": identity}
        method = self._methods.get((hub.lower(), name.lower()))
        if method is None:
            result["E"] = f"'{name}' method could not be resolved."
            return msgspec.json.encode(result)
        try:
            value = method(connection, list(call.get("A") or ()))
            value = await value if isawaitable(value) else value
        except HubError as error:
            result |= {"E": str(error), "H": True, "D": error.data}
        except (ValueError, LookupError, TypeError):
            result["E"] = f"There was an error invoking Hub method '{hub.lower()}.{name}'."
        else:
            if value is not None:
                result = {"R": value, **result}
        return msgspec.json.encode(result)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": JSON_TYPE})
