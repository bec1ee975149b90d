"""Polled feeds of a site with whole processes: figures reach the file and the metrics, once, also over a kill."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PERIOD_MS = 1500
METRICS = "tieline.queue.metrics.observed.v1"
STATISTICS = {
    "interval_seconds": 1,
    "objects": [{"kind": "queue", "id": "9001", "name": "Support", "statistics": ["ServiceLevel"]}],
}


async def test_figures_of_a_queue_are_told_once_and_shown_over_a_kill(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Every value that the platform had is in the file once, those of the time without a gateway too."""
    async with (
        site.platform(
            tmp_path, http, agents=1, events_per_second=0, ack=True, statistics_period_ms=PERIOD_MS
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "connectors": [
                    site.connector(platform.url, 1, statistics=STATISTICS, directory={})
                ],
                "sinks": [site.file_sink(), {"name": "figures", "kind": "prometheus"}],
            },
        ) as gateway,
    ):

        def told() -> list[oracle.SeenEvent]:
            return [event for event in gateway.lines.read() if event.type == METRICS]

        gateway.start()
        await gateway.wait_connected()
        await eventually(lambda: len(told()) >= 2, "figures in the file")
        assert {feed["name"] for feed in await gateway.feeds()} == {
            "gws/agent0001",
            "gws/site:statistics",
            "gws/site:directory",
        }
        shown = await gateway.metric(
            "tieline_queue_value", connector="gws", queue="Support", value="ServiceLevel"
        )
        assert 0 <= shown <= 100
        before = len(told())
        gateway.kill()
        gateway.start()
        await gateway.wait_connected()
        await eventually(lambda: len(told()) >= before + 3, "figures after the kill")
        assert await gateway.terminate() == 0, gateway.log
        events = told()

    assert oracle.doubled(events) == []
    times = observed(gateway.directory / "data" / "events.jsonl")
    assert len(times) == len(events)
    assert times == [times[0] + PERIOD_MS / 1000 * step for step in range(len(times))]


def observed(path: Path) -> list[float]:
    """When the figures in the file are of."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        datetime.fromisoformat(line["data"]["observed_at"]).timestamp()
        for line in lines
        if line["type"] == METRICS
    ]
