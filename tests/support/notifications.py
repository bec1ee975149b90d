"""The other end of a service manager's notify socket."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self


class NotifySocket:
    """A datagram socket that remembers what a service tells it; a context manager.

    `address` is a path, or `@name` for the abstract namespace.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def told(self) -> list[str]:
        """Every message since the beginning."""
        while True:
            try:
                self._told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self._told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
