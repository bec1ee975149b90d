"""Requests of aiohttp and nothing else: `python -m tests.bench.bare_posts NUMBER CONCURRENCY URL...`.

Posts so many bodies of 1 KiB to each URL, so many at a time to each, and prints the seconds that it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence

import aiohttp
import uvloop

BODY = b"x" * 1024


async def _post(http: aiohttp.ClientSession, url: str, left: Iterator[int]) -> None:
    for _ in left:
        async with http.post(url, data=BODY) as reply:
            await reply.read()


async def _main(number: int, concurrency: int, urls: Sequence[str]) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        started = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for url in urls:
                left = iter(range(number))
                for _ in range(concurrency):
                    tasks.create_task(_post(http, url, left))
        seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
