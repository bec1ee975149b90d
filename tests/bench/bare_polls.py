"""Held requests of aiohttp and nothing else: `python -m tests.bench.bare_polls URL NUMBER [PEM]`."""

from __future__ import annotations

import asyncio
import ssl
import sys

import aiohttp
import uvloop

STARTS_PER_SECOND = 500


async def _poll(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        async with http.post(url, data=b"[]") as reply:
            await reply.read()


async def _main(url: str, number: int, pem: str | None) -> None:
    trust = ssl.create_default_context(cafile=pem)
    connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(number):
            tasks.create_task(_poll(http, f"{url}/bench/hold"))
            await asyncio.sleep(1 / STARTS_PER_SECOND)
        sys.stdout.write("{}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if sys.argv[3:] else None))
