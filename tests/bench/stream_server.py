"""The control API over a real journal that gets so many events a second, each with the moment of its append.

`python -m tests.bench.stream_server DIRECTORY RATE` prints {"url": …} and runs until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from gateway.clock import SystemClock
from gateway.events.calls import Call
from gateway.journal import JournalSettings, open_journal
from tests.support.events import new_event
from tests.support.fake_runtime import FakeRuntime

FILLER = "x" * 500


async def _serve(directory: Path, rate: float) -> None:
    runtime = FakeRuntime()
    journal = await open_journal(
        directory / "journal.sqlite", JournalSettings(min_free_bytes=0), SystemClock()
    )
    runtime.journal = journal  # type: ignore[assignment]  # a real one instead of the one in memory
    server = ApiServer(runtime, ApiSettings(port=0))
    sys.stdout.write(json.dumps({"url": await server.start()}) + "\n")
    sys.stdout.flush()
    begun = time.monotonic()
    number = 0
    async with asyncio.TaskGroup() as tasks:
        while True:
            number += 1
            await asyncio.sleep(begun + number / rate - time.monotonic())
            event = new_event(
                number, "call.held", Call(call=str(time.time_ns()), queue=FILLER), subject="call/c"
            )
            tasks.create_task(journal.append("bench", [event], None))


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), float(sys.argv[2])))
