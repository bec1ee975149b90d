"""One connection of the library `signalrcore`, as far as we use it: a WebSocket with a thread that reads it.

It is handed a finished address, takes every message before it looks for handlers, and its own
reconnecting stays off. Its log is silenced, for it holds tokens. It is closed by hand, because its own
way of stopping can wait for ever on a reader that is blocked. It takes pings and pongs of the WebSocket
for messages and reads frames of any length, so what it reads passes through a `Gate`. Source: signalrcore
1.0.2, `hub/base_hub_connection.py`, `transport/sockets/base_socket_client.py`,
`transport/websockets/websocket_client.py`; RFC 6455, sections 5.4 and 5.5.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from connectors._wire.signalr.threads import in_thread
from gateway.errors import ConfigError

LIBRARY_LOGGER = "SignalRCoreClient"


_PING, _PONG = 0x9, 0xA


class Gate:
    """Stands between the library and its socket: answers pings, drops pongs, and ends what is too long.

    Attributes:
        too_large: whether that was the end.
    """

    def __init__(self, client: Any, max_bytes: int, ended: type[Exception]) -> None:
        self._read_exactly = client._recv_exactly  # noqa: SLF001 - the library has no other place to stand at
        self._read_frame = client._read_one_frame  # noqa: SLF001 - likewise
        self._write = client.send
        self._writing = threading.Lock()
        self._max_bytes = max_bytes
        self._ended = ended
        self._length = 0
        self.too_large = False
        client._recv_exactly = self._recv_exactly  # noqa: SLF001 - likewise
        client._read_one_frame = self._read_one_frame  # noqa: SLF001 - likewise
        client.send = self._send

    def _recv_exactly(self, count: int) -> bytes:
        self._length += count
        if self._length > self._max_bytes:
            self.too_large = True
            raise self._ended
        found: bytes = self._read_exactly(count)
        return found

    def _read_one_frame(self) -> tuple[bool, int, bytes]:
        """The next frame of a message; a message's frames count together."""
        while True:
            before = self._length
            last, opcode, data = self._read_frame()
            if opcode in {_PING, _PONG}:
                self._length = before
                if opcode == _PING:
                    self._send(data, _PONG)
                continue
            if last:
                self._length = 0
            return last, opcode, data

    def _send(self, message: str | bytes, opcode: int = 0x1) -> None:
        """Both the reader, for pongs, and whoever sends write to the socket."""
        with self._writing:
            self._write(message, opcode)


class LibraryHub:
    """Use it once: `start`, `send` any number of times, `close`.

    Args:
        url: the hub's address, http or https.
        query: what goes into it, the connection's token among it.
        max_bytes: longest message that is read.
        admit: gets what one frame held, in the loop; the reader waits for it.
        opened: called in the loop when the handshake is through.
        closed: called in the loop when the reader has ended.

    Raises:
        ConfigError: the library is not installed.
    """

    def __init__(
        self,
        url: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        tls: ssl.SSLContext | bool,
        max_bytes: int,
        name: str,
        admit: Callable[[LibraryHub, list[Any]], Awaitable[None]],
        opened: Callable[[], None],
        closed: Callable[[LibraryHub], None],
    ) -> None:
        try:
            from signalrcore.hub.base_hub_connection import BaseHubConnection
            from signalrcore.protocol.json_hub_protocol import JsonHubProtocol
            from signalrcore.transport.sockets.errors import SocketClosedError
        except ImportError as error:
            raise ConfigError(
                "ASP.NET Core SignalR needs the library signalrcore",
                hint="install tieline[aspnetcore]",
            ) from error
        logging.getLogger(LIBRARY_LOGGER).setLevel(logging.CRITICAL + 1)
        self._name = name
        self._sending = asyncio.Lock()
        self._gone = False
        self._gate: Gate | None = None
        parts = urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._hub: Any = BaseHubConnection(
            urlunsplit((scheme, parts.netloc, parts.path, urlencode(query), "")),
            headers=dict(headers),
            ssl_context=tls if isinstance(tls, ssl.SSLContext) else ssl.create_default_context(),
            protocol=JsonHubProtocol(),
            skip_negotiation=True,
            reconnection_handler=None,
        )
        loop = asyncio.get_running_loop()

        def deliver(messages: list[Any]) -> None:
            # Runs in the library's thread, which waits here while there is no room.
            asyncio.run_coroutine_threadsafe(_awaited(admit(self, messages)), loop).result()

        def in_loop(callback: Callable[[], object]) -> Callable[[], object]:
            def call() -> None:
                with suppress(RuntimeError):  # the loop is closed: nobody wants to know
                    loop.call_soon_threadsafe(callback)

            return call

        def guard() -> None:
            # Runs in the reader, between the handshake and the first message.
            self._gate = Gate(self._hub.transport._client, max_bytes, SocketClosedError)  # noqa: SLF001 - as in Gate
            tell_opened()

        tell_opened = in_loop(opened)
        self._hub.on_message = deliver
        self._hub.on_open(guard)
        self._hub.on_close(in_loop(lambda: closed(self)))

    @property
    def too_large(self) -> bool:
        """Whether it ended because a message was longer than is read."""
        return self._gate is not None and self._gate.too_large

    async def start(self) -> None:
        """Connect and shake hands; raises whatever the library's sockets raise, which may hold the token."""
        await in_thread(self._start, f"{self._name} start")

    async def send(self, message: Any) -> None:
        """Send one message; its sockets block, and must not be written to by two threads at once. Raises as `start`."""
        async with self._sending:
            await in_thread(lambda: self._hub.transport.send(message), f"{self._name} send")

    async def ping(self) -> None:
        """Send a ping. Raises as `start`."""
        from signalrcore.messages.ping_message import PingMessage

        await self.send(PingMessage())

    async def call(self, number: str, method: str, args: list[Any]) -> None:
        """Send a call of a method, whose answer has that number. Raises as `start`."""
        from signalrcore.messages.invocation_message import InvocationMessage

        await self.send(InvocationMessage(number, method, args))

    async def close(self, seconds: float) -> None:
        """Close the socket, and wait so long for the reader to end."""
        self._gone = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await in_thread(self._shut, f"{self._name} stop")

    def _start(self) -> None:
        """Runs in a thread, perhaps for longer than anybody waits."""
        self._hub.start()
        if self._gone:
            self._shut()

    def _shut(self) -> None:
        """Close the library's socket so that its reader, which may be blocked in it, ends."""
        client: Any = getattr(self._hub.transport, "_client", None)
        sock = getattr(client, "sock", None)
        if sock is None:
            return
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        reader = client.recv_thread
        if reader is not None:
            reader.join()
        sock.close()


async def _awaited(admitting: Awaitable[None]) -> None:
    await admitting
