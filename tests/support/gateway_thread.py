"""A whole gateway beside a lively simulated platform, in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from config import load
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from gateway.app import Gateway
from gateway.lifecycle import StopSignal
from gateway.registry import Registry
from tests.support import site
from tests.support.waiting import until

AGENTS = 3
UP_SECONDS = 60.0
DOWN_SECONDS = 30.0


@contextmanager
def gateway_thread(
    directory: Path, *, api: Mapping[str, Any] | None = None, events_per_second: int = 20
) -> Iterator[str]:
    """The URL of the API, once the gateway's feeds have given something to look at."""
    began: threading.Event = threading.Event()
    found: dict[str, Any] = {}

    async def run() -> None:
        settings = SimulatorSettings(agents=AGENTS, events_per_second=events_per_second)
        async with Simulator(settings) as platform:
            path = directory / "tieline.yaml"
            configuration = {
                "gateway": {
                    "data_dir": "data",
                    "api": {"port": 0, **(api or {})},
                    "journal": {"min_free_bytes": 0},
                    "attachments": {"min_free_bytes": 0},
                },
                "connectors": [site.connector(platform.url, AGENTS)],
                "sinks": [site.file_sink()],
            }
            path.write_text(yaml.safe_dump(configuration))
            stop = found["stop"] = StopSignal()
            gateway = Gateway(load(path, {}, registry=Registry()))
            running = asyncio.create_task(gateway.run(stop), name="gateway")
            await until(lambda: running.done() or _has_events(gateway), seconds=UP_SECONDS)
            found["loop"], found["url"] = asyncio.get_running_loop(), gateway.api_url
            began.set()
            await running

    def in_thread() -> None:
        try:
            asyncio.run(run())
        finally:
            began.set()

    thread = threading.Thread(target=in_thread, name="gateway", daemon=True)
    thread.start()
    assert began.wait(UP_SECONDS), "the gateway did not come up"
    assert "url" in found, "the gateway ended before it was up"
    try:
        yield found["url"]
    finally:
        found["loop"].call_soon_threadsafe(found["stop"].request, "test")
        thread.join(DOWN_SECONDS)
        assert not thread.is_alive()


def _has_events(gateway: Gateway) -> bool:
    runtime = gateway.runtime
    return runtime is not None and runtime.journal.statistics().last_position > AGENTS * 20
