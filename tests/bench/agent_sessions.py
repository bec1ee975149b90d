"""`python -m tests.bench.agent_sessions`: what agent sessions of NICE inContact cost when nothing happens.

One held request for each agent, which the platform ends after the poll's timeout. Prints resident memory, processor
time, and the requests a second that the platform counted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import uvloop

from tests.bench.rig import Busy
from tests.support import site

MIB = 2**20
START_SECONDS = 120.0


def configuration(url: str, agents: int, poll_seconds: int) -> dict[str, Any]:
    """One user that joins the sessions of all agents."""
    return {
        "gateway": {"starts_per_second": 500.0, "log": {"level": "warning"}},
        "connectors": [
            {
                "name": "nice",
                "platform": "nice_incontact",
                "sign_in": {
                    "method": "password",
                    "url": f"{url}/InContactAuthorizationServer/Token",
                    "application": "Tieline@Example",
                    "business_unit": "4711",
                    "username": "gateway@example.com",
                    "password": "secret",
                },
                "agents": [{"agent_id": str(1001 + number)} for number in range(agents)],
                "sessions": {"poll_timeout_seconds": poll_seconds},
            }
        ],
        "sinks": [site.file_sink()],
    }


async def measure(directory: Path, agents: int, poll_seconds: int, watch_seconds: float) -> None:
    """Start both, wait until every session is joined, watch."""
    async with (
        aiohttp.ClientSession() as http,
        site.platform(
            directory, http, kind="nice_incontact", agents=agents, events_per_second=0
        ) as platform,
        site.gateway(directory, http, configuration(platform.url, agents, poll_seconds)) as gateway,
    ):
        began = time.monotonic()
        gateway.start()
        await gateway.wait_connected(timeout_seconds=START_SECONDS)
        while (await platform.stats())["held"] < agents:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.2)
        joined = time.monotonic() - began
        await asyncio.sleep(5.0)
        process = psutil.Process(gateway.pid)
        before = sum((await platform.stats())["requests"].values())
        busy = Busy({"gateway": process, "platform": psutil.Process(platform.process.process.pid)})
        await asyncio.sleep(watch_seconds)
        shares = busy.shares()
        after = sum((await platform.stats())["requests"].values())
        resident = process.memory_info().rss
    sys.stdout.write(
        f"{agents:,} joined sessions, polls of {poll_seconds} s, watched for {watch_seconds:g} s\n"
        f"  all joined and polling after {joined:.1f} s\n"
        f"  {(after - before) / watch_seconds:.1f} requests a second\n"
        f"  gateway: {resident / MIB:.0f} MiB, {100 * shares['gateway']:.1f} % of a core\n"
        f"  platform: {100 * shares['platform']:.1f} % of a core; others {shares['others']:.2f} cores\n"
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="tests.bench.agent_sessions", description=__doc__)
    parser.add_argument("--agents", type=int, default=2_000)
    parser.add_argument("--poll", type=int, default=30, metavar="SECONDS")
    parser.add_argument("--watch", type=float, default=60.0, metavar="SECONDS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        uvloop.run(measure(Path(directory), arguments.agents, arguments.poll, arguments.watch))


if __name__ == "__main__":
    main()
