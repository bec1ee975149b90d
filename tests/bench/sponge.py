"""Webhook receivers that answer 200 and count, as lean as an HTTP server in Python can be.

`python -m tests.bench.sponge 10` listens on so many ports, prints their URLs as one JSON line, and for each line on its
standard input prints how many requests and events came so far.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class _Counts:
    requests = 0


class _Receiver(asyncio.Protocol):
    """One connection: requests with a length, one after the other."""

    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derives from neither

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (head_end := self._held.find(HEAD_END)) >= 0:
            head = self._held[:head_end].lower()
            begin = head.find(LENGTH) + len(LENGTH)
            end = head_end + len(HEAD_END) + int(head[begin:].split(b"\r\n", 1)[0])
            if len(self._held) < end:
                return
            self._held = self._held[end:]
            self._counts.requests += 1
            self._transport.write(ANSWER)


async def _main(ports: int) -> None:
    counts = _Counts()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: _Receiver(counts), "127.0.0.1", 0, backlog=1024)
        for _ in range(ports)
    ]
    urls = [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook" for server in servers]
    _print({"urls": urls})
    while await asyncio.to_thread(sys.stdin.readline):
        _print({"requests": counts.requests})


def _print(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
