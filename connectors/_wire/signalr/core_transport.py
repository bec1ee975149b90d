"""The WebSocket transport of the library `signalrcore`, with a better client below it.

The library takes pings and pongs of the WebSocket for messages, reads frames of any length, and lets its
reader die with a traceback when the socket is closed in the middle of the handshake. To import this file the
library must be installed. Source: signalrcore 1.0.2, `transport/websockets/*`,
`transport/sockets/base_socket_client.py`; RFC 6455, sections 5.4 and 5.5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from signalrcore.transport.sockets.errors import SocketClosedError
from signalrcore.transport.websockets.websocket_client import WebSocketClient
from signalrcore.transport.websockets.websocket_transport import WebsocketTransport

_PING, _PONG = 0x9, 0xA


class Client(WebSocketClient):  # type: ignore[misc]  # the library ships no types
    """Answers pings, drops pongs, ends at what is too long, and ends quietly."""

    def __init__(self, max_bytes: int, tell_too_large: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._max_bytes = max_bytes
        self._tell_too_large = tell_too_large
        self._writing = threading.Lock()
        self._length = 0

    def run(self) -> None:
        """Read until the end, also when that comes in the middle of the handshake."""
        try:
            super().run()
        except Exception:  # noqa: BLE001 - whatever its sockets raise when they are closed under it
            self.running = False
            self.on_close()

    def send(self, message: str | bytes, opcode: int = 0x1) -> None:
        """Write a frame: the reader, for pongs, and who sends messages do so."""
        with self._writing:
            super().send(message, opcode)

    def _recv_exactly(self, n: int) -> bytes:
        self._length += n
        if self._length > self._max_bytes:
            self._tell_too_large()
            raise SocketClosedError
        found: bytes = super()._recv_exactly(n)
        return found

    def _read_one_frame(self) -> tuple[bool, int, bytes]:
        """The next frame of a message; all frames of one count together."""
        while True:
            before = self._length
            last, opcode, data = super()._read_one_frame()
            if opcode in {_PING, _PONG}:
                self._length = before
                if opcode == _PING:
                    self.send(data, _PONG)
                continue
            if last:
                self._length = 0
            return last, opcode, data


class Transport(WebsocketTransport):  # type: ignore[misc]  # the library ships no types
    """Makes such clients; `tell_too_large` is called before one ends because of `max_bytes`."""

    def __init__(self, max_bytes: int, tell_too_large: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._max_bytes = max_bytes
        self._tell_too_large = tell_too_large

    def create_client(self) -> Client:
        """As the library does, with our class."""
        return Client(
            self._max_bytes,
            self._tell_too_large,
            url=self.url,
            connection_id=self.connection_id,
            headers=self.headers,
            ssl_context=self.ssl_context,
            on_message=self.on_message,
            on_error=self.on_socket_error,
            on_close=self.on_socket_close,
            on_open=self.on_socket_open,
        )
