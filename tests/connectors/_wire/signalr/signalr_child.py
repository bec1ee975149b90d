"""A process that follows a SignalR hub the way the gateway does, made to be killed at any moment.

Its journal is a file of JSON lines, one a transaction: the messages of a batch with the resume state.

    python signalr_child.py URL HUB TRANSPORT JOURNAL
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Batch, SignalRResume, Transport


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

    def resume(self) -> SignalRResume | None:
        """The state after the last transaction."""
        entries = self.entries()
        return msgspec.convert(entries[-1]["resume"], SignalRResume) if entries else None

    def append(self, batch: Batch) -> None:
        """One transaction, durable when it returns."""
        entry = {
            "connection_id": batch.connection_id,
            "messages": [[message.key, message.args] for message in batch.messages],
            "gap": msgspec.to_builtins(batch.gap),
            "resume": msgspec.to_builtins(batch.resume),
        }
        with self.path.open("ab") as file:
            file.write(b"\n" + json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


async def follow(url: str, hub: str, transport: Transport, journal: FileJournal) -> None:
    """Receive and store until killed."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        client = SignalRClient(http, url, [hub], transports=[transport])
        await client.open(journal.resume())
        print('{"event": "open"}', flush=True)  # noqa: T201 - the parent waits for it
        while True:
            batch = await client.receive()
            journal.append(batch)
            client.stored(batch)


if __name__ == "__main__":
    asyncio.run(
        follow(sys.argv[1], sys.argv[2], Transport(sys.argv[3]), FileJournal(Path(sys.argv[4])))
    )
