"""Readers of the event stream: some that keep up and measure, some that read nothing.

`python -m tests.bench.stream_readers PORT READERS STALLED SECONDS` prints the delays from append to reader in
milliseconds, when it has begun with one line {"connected": …} and when it is over with another.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from typing import cast

import uvloop

_CALL = re.compile(rb'"call":"(\d{16,20})"')
_REQUEST = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
_WARM_UP_SECONDS = 2.0


class _Reader(asyncio.Protocol):
    """Notes the delay of the first event of each piece that it reads: the one that was gathered longest."""

    def __init__(self, delays: list[float]) -> None:
        self._delays = delays
        self.since = float("inf")
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast("asyncio.Transport", transport).write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        """Its first event has waited until now."""
        now = time.time_ns()
        begun = _CALL.search(data)
        if begun is not None and now / 1e9 >= self.since:
            self._delays.append((now - int(begun[1])) / 1e6)

    def connection_lost(self, _error: Exception | None) -> None:
        """It should not be."""
        self.lost = True


async def _stalled(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    await loop.sock_sendall(connection, _REQUEST)
    return connection


async def _read(port: int, readers: int, stalled: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    delays: list[float] = []
    keeping_up = []
    for _ in range(readers):
        _, reader = await loop.create_connection(lambda: _Reader(delays), "127.0.0.1", port)
        keeping_up.append(reader)
    standing = [await _stalled(port) for _ in range(stalled)]
    sys.stdout.write(json.dumps({"connected": readers + stalled}) + "\n")
    sys.stdout.flush()
    since = time.time() + _WARM_UP_SECONDS
    for reader in keeping_up:
        reader.since = since
    await asyncio.sleep(_WARM_UP_SECONDS + seconds)
    found = sorted(delays)
    for connection in standing:
        connection.close()
    told = {
        "pieces": len(found),
        "p50": found[len(found) // 2],
        "p99": found[len(found) * 99 // 100],
        "lost": sum(reader.lost for reader in keeping_up),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_read(*map(int, sys.argv[1:4]), float(sys.argv[4])))
