"""A place between clients and a broker where the traffic can be cut or held back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

PRODUCE = 0
"""API key of requests with records (Kafka protocol guide, "Api Keys")."""


class Tap:
    """Forwards connections from `port` to a broker, until told otherwise.

    Attributes:
        port: where clients connect.
        held: nothing passes any more, but connections stay and new ones are taken.
        answers_records: False passes requests with records and holds what comes back from then on.
        spoilt: record batches with these bytes in them are damaged on the way, so that the broker refuses them.
        produced: set when a request with records came.
    """

    def __init__(self, port: int, broker_port: int) -> None:
        self.port = port
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.held = False
        self.answers_records = True
        self.spoilt: bytes | None = None
        self.produced = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Close all connections there are, and let everything pass again on new ones."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.held = False
        self.answers_records = True

    async def _accept(
        self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The server's own callback would report a cancelled connection as an error.
        with suppress(asyncio.CancelledError, OSError, EOFError):
            broker_in, broker_out = await asyncio.open_connection("127.0.0.1", self._broker_port)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._requests(client_in, broker_out), name="tap: requests")
                    both.create_task(self._replies(broker_in, client_out), name="tap: replies")
            except* (OSError, EOFError):
                pass
            finally:
                broker_out.transport.abort()
                client_out.transport.abort()
        client_out.transport.abort()

    async def _requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while True:
            size = await source.readexactly(4)
            body = await source.readexactly(int.from_bytes(size, "big"))
            if int.from_bytes(body[:2], "big") == PRODUCE:
                self.produced.set()
            if self.held:
                continue
            if self.spoilt and self.spoilt in body:
                body = body.replace(self.spoilt, self.spoilt[::-1])
            sink.write(size + body)
            await sink.drain()

    async def _replies(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while True:
            size = await source.readexactly(4)
            body = await source.readexactly(int.from_bytes(size, "big"))
            if self.held or (self.produced.is_set() and not self.answers_records):
                continue
            sink.write(size + body)
            await sink.drain()
