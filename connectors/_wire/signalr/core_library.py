"""One connection of the library `signalrcore`, as far as we use it: its WebSocket transport, with a thread that reads.

It is handed a finished address, takes every message before a hub of the library would, and reconnects by
no means. Its log is silenced, for it holds tokens. It is closed by hand, because its own way of stopping
can wait for ever on a reader that is blocked. What its client does not do right is put right in
`core_transport`. Source: signalrcore 1.0.2, `transport/base_transport.py`, `transport/websockets/*`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from connectors._wire.signalr.threads import in_thread
from gateway.errors import ConfigError

LIBRARY_LOGGER = "SignalRCoreClient"


class LibraryHub:
    """Use it once: `start`, `send` any number of times, `close`.

    Args:
        url: the hub's address, http or https.
        query: what goes into it, the connection's token among it.
        max_bytes: longest message that is read.
        admit: gets what one frame held, in the loop; the reader waits for it.
        opened: called in the loop when the handshake is through.
        closed: called in the loop when the reader has ended.

    Attributes:
        too_large: whether it ended because a message was longer than is read.

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
            from signalrcore.protocol.json_hub_protocol import JsonHubProtocol

            from connectors._wire.signalr.core_transport import Transport
        except ImportError as error:
            raise ConfigError(
                "ASP.NET Core SignalR needs the library signalrcore",
                hint="install tieline[aspnetcore]",
            ) from error
        logging.getLogger(LIBRARY_LOGGER).setLevel(logging.CRITICAL + 1)
        self._name = name
        self._sending = asyncio.Lock()
        self._gone = False
        self.too_large = False
        loop = asyncio.get_running_loop()

        def deliver(messages: list[Any]) -> None:
            # Runs in the library's thread, which waits here while there is no room.
            asyncio.run_coroutine_threadsafe(_awaited(admit(self, messages)), loop).result()

        def in_loop(callback: Callable[[], object]) -> Callable[[], object]:
            def call() -> None:
                with suppress(RuntimeError):  # the loop is closed: nobody wants to know
                    loop.call_soon_threadsafe(callback)

            return call

        parts = urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._transport = Transport(
            max_bytes,
            self._tell_too_large,
            url=urlunsplit((scheme, parts.netloc, parts.path, urlencode(query), "")),
            headers=dict(headers),
            ssl_context=tls if isinstance(tls, ssl.SSLContext) else ssl.create_default_context(),
            protocol=JsonHubProtocol(),
            skip_negotiation=True,
            reconnection_handler=None,
            on_message=deliver,
            on_open=in_loop(opened),
            on_close=in_loop(lambda: closed(self)),
        )

    async def start(self) -> None:
        """Connect and shake hands; raises whatever the library's sockets raise, which may hold the token."""
        await in_thread(self._start, f"{self._name} start")

    async def send(self, message: Any) -> None:
        """Send one message, after those before it. Raises as `start`."""
        async with self._sending:
            await in_thread(lambda: self._transport.send(message), f"{self._name} send")

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

    def _tell_too_large(self) -> None:
        self.too_large = True

    def _start(self) -> None:
        """Runs in a thread, perhaps for longer than anybody waits."""
        self._transport.start()
        if self._gone:
            self._shut()

    def _shut(self) -> None:
        """Close the library's socket so that its reader, which may be blocked in it, ends."""
        client: Any = self._transport._client  # noqa: SLF001 - the library has no name for it
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
