"""Many agents for minutes: every platform's simulator, one gateway, an account at the end.

python -m tests.bench.soak --agents 1000 --rate 100 --seconds 300

Each platform with a feed for each agent gets that many agents and messages a second. Printed: the gateway's memory and
processor time, how long the feeds took to connect, what was published and delivered, and what was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from gateway.demo import account as accounts
from gateway.demo.platforms import Scene, SimulatorProcess, scenes
from tests.support import site
from tests.support.processes import eventually

CONNECT_SECONDS = 180.0
SETTLE_SECONDS = 60.0
MEBIBYTE = 1 << 20


def has_accounts(scene: Scene) -> bool:
    """Whether the platform has a feed for each agent."""
    return "accounts" in scene.connector


def crowd(scene: Scene, agents: int, rate: float) -> Scene:
    """The demo's scene with so many agents."""
    first = scene.connector["accounts"][0]

    def account(number: int) -> dict[str, Any]:
        return first | {"username": re.sub(r"\d{4}$", f"{number:04d}", first["username"])}

    return Scene(
        platform=scene.platform,
        simulator=scene.simulator | {"agents": agents, "events_per_second": rate},
        connector=scene.connector | {"accounts": [account(n) for n in range(1, agents + 1)]},
    )


def filled(value: Any, url: str) -> Any:
    """The connector's block with the simulator's address in it."""
    return json.loads(json.dumps(value).replace("{url}", url))


async def soak(directory: Path, agents: int, rate: float, seconds: float) -> dict[str, Any]:
    """Run it; returns the figures."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        simulators: dict[str, SimulatorProcess] = {}
        for scene in filter(has_accounts, scenes()):
            simulator = SimulatorProcess(crowd(scene, agents, rate), directory)
            await simulator.start()
            stack.push_async_callback(simulator.stop)
            simulators[scene.platform.replace("_", "-")] = simulator
        configuration = {
            "connectors": [
                {
                    "name": name,
                    "platform": sim.scene.platform,
                    **filled(sim.scene.connector, sim.url),
                }
                for name, sim in simulators.items()
            ],
            "sinks": [site.file_sink(), {"name": "metrics", "kind": "prometheus"}],
        }
        gateway = await stack.enter_async_context(site.gateway(directory, http, configuration))
        began = time.monotonic()
        gateway.start()

        async def connected() -> bool:
            views = (await gateway.get("/v1/connectors"))["items"]
            return all(view["state"] == "connected" for view in views)

        await gateway.wait_ready(timeout_seconds=CONNECT_SECONDS)
        await eventually(connected, "all feeds connected", timeout_seconds=CONNECT_SECONDS)
        start_seconds = time.monotonic() - began
        process = psutil.Process(gateway.pid)
        used, at = sum(process.cpu_times()[:2]), time.monotonic()
        peak = 0
        while time.monotonic() < at + seconds:
            await asyncio.sleep(1.0)
            peak = max(peak, process.memory_info().rss)
        cores = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - at)
        for simulator in simulators.values():
            await simulator.quieten(http)
        published, written = await _arrived(directory, simulators, http)
        feeds = (await gateway.get("/v1/feeds"))["items"]
        told = accounts.settle(seconds, published, written, {"file": written}, {})
        told.duplicates = written.doubled
        return {
            "feeds": len(feeds),
            "states": Counter(feed["state"] for feed in feeds),
            "gaps": sum(feed["gaps"] for feed in feeds),
            "start_seconds": round(start_seconds, 1),
            "peak_memory_mib": round(peak / MEBIBYTE, 1),
            "cores": round(cores, 2),
            **told.as_report(),
        }


async def _arrived(
    directory: Path, simulators: dict[str, SimulatorProcess], http: aiohttp.ClientSession
) -> tuple[dict[tuple[str, str], set[str]], accounts.Ledger]:
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        published = {
            (name, simulator.scene.platform): await simulator.published(http)
            for name, simulator in simulators.items()
        }
        written = accounts.read_file(directory / "data" / "events.jsonl")
        missing = accounts.settle(0.0, published, written, {}, {}).lost
        if not missing or time.monotonic() > deadline:
            return published, written
        await asyncio.sleep(1.0)


def main() -> int:
    """The command line; exit code 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000, help="on each platform")
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second, on each")
    parser.add_argument("--seconds", type=float, default=300.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tieline-soak-") as directory:
        figures = asyncio.run(
            soak(Path(directory), arguments.agents, arguments.rate, arguments.seconds)
        )
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["lost"] or figures["duplicates"] else 0


if __name__ == "__main__":
    sys.exit(main())
