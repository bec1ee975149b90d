"""A process that follows a Bayeux feed the way the gateway does, made to be killed at any moment.

Its journal is a file of JSON lines, one a transaction: the events of a batch with the resume state.
On SIGTERM it drains.

    python bayeux_child.py URL CHANNEL JOURNAL
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from connectors._wire.bayeux.http import LongPollingClient
from connectors._wire.bayeux.values import Batch, BayeuxResume


class FileJournal:
    """Whole lines only count: a torn last line is a transaction that did not happen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[dict[str, Any]]:
        """All transactions."""
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines if line]

    def resume(self) -> BayeuxResume | None:
        """The state after the last transaction."""
        entries = self.entries()
        return msgspec.convert(entries[-1]["resume"], BayeuxResume) if entries else None

    def append(self, batch: Batch) -> None:
        """One transaction, durable when it returns."""
        entry = {
            "client_id": batch.client_id,
            "events": [[event.ordinal, event.data] for event in batch.messages],
            "gap": msgspec.to_builtins(batch.gap),
            "resume": msgspec.to_builtins(batch.resume),
        }
        with self.path.open("ab") as file:
            file.write(b"\n" + json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


async def follow(url: str, channel: str, journal: FileJournal) -> None:
    """Receive and store until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        client = LongPollingClient(http, url, subscriptions=[channel])
        await client.open(journal.resume())
        print("open", flush=True)  # noqa: T201 - the parent waits for it
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            receiving = asyncio.create_task(client.receive())
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                await asyncio.wait({receiving})
            if not receiving.cancelled():
                batch = receiving.result()
                journal.append(batch)
                client.stored(batch)
        for batch in await client.drain():
            journal.append(batch)
            client.stored(batch)
        await client.close()


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], sys.argv[2], FileJournal(Path(sys.argv[3]))))
