"""A TCP proxy that can be told to fail the way networks do."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Self

CHUNK_BYTES = 64 * 1024


class FaultProxy:
    """Stands between the gateway and one server on this machine.

    Attributes:
        cut: connections are reset, new ones too.
        delay_seconds: each piece comes so much later.
    """

    def __init__(self) -> None:
        self.target_port = 0
        self.cut = False
        self.delay_seconds = 0.0
        self._server: asyncio.Server | None = None
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._dead: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        tasks = list(self._pairs)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def reset(self) -> None:
        """Abort every connection there is."""
        for writers in list(self._pairs.values()):
            for writer in writers:
                # Without lingering the close is a reset, as from a firewall.
                if not writer.is_closing():
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                writer.transport.abort()

    def go_half_open(self) -> int:
        """Let the connections there are carry nothing any more, without closing them; returns how many."""
        self._dead |= {writer for writers in self._pairs.values() for writer in writers}
        return len(self._pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs[task] = [writer]
        try:
            if not self.cut:
                await self._join(task, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # an end of either side, or of the proxy
        finally:
            for one in self._pairs.pop(task):
                self._dead.discard(one)
                one.transport.abort()
                with suppress(OSError):
                    await one.wait_closed()

    async def _join(
        self,
        task: asyncio.Task[None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._pairs[task].append(far_writer)
        there = asyncio.create_task(self._pump(reader, far_writer), name="proxy there")
        back = asyncio.create_task(self._pump(far_reader, writer), name="proxy back")
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in (there, back):
                pump.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if writer not in self._dead:
                    writer.write(data)
                    await writer.drain()
        if writer in self._dead:
            # The other side must not learn of an end either.
            await asyncio.Event().wait()
