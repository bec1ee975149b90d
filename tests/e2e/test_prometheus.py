"""A real Prometheus scrapes the running demo and a gateway with faults; every query of the dashboards returns data."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.judges import DEPLOY
from tests.support.processes import LoggedProcess, eventually, free_port
from tests.support.prometheus import Prometheus, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.peers, pytest.mark.timeout(180)]

BOARDS = DEPLOY / "grafana"


def queries(board: str) -> dict[str, str]:
    """Expressions of a board by panel and letter, for all gateways and connectors."""
    panels = json.loads((BOARDS / f"{board}.json").read_text(encoding="utf-8"))["panels"]
    return {
        f"{panel['title']} {target['refId']}": re.sub(
            r"\$(instance|connector)", ".*", target["expr"]
        )
        for panel in panels
        for target in panel.get("targets", [])
    }


async def without_data(server: Prometheus, board: str) -> set[str]:
    """The panels of a board that show nothing."""
    return {name for name, query in queries(board).items() if not await server.query(query)}


async def all_shown(server: Prometheus, board: str) -> None:
    """Wait until every panel shows something; names those that do not."""
    empty: set[str] = set()

    async def shown() -> bool:
        empty.clear()
        empty.update(await without_data(server, board))
        return not empty

    try:
        await eventually(shown, "every panel shows data", timeout_seconds=60.0, poll_seconds=1.0)
    except AssertionError as error:
        error.add_note(f"without data: {sorted(empty)}")
        raise


async def test_the_demo_fills_the_board_of_the_floor(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Agents, calls, queues and groups are there by name, from a demo that somebody watches."""
    port = free_port()
    command = [sys.executable, "-m", "gateway", "demo", "--for", "120", "--port", str(port)]
    demo = LoggedProcess(command, log=tmp_path / "demo.log")
    demo.start()
    try:
        async with prometheus(tmp_path, http, [f"127.0.0.1:{port}"]) as server:
            await all_shown(server, "floor")
            assert {rule["health"] for rule in await server.rules()} == {"ok"}
    finally:
        os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(60) == 0, demo.tail()


@asynccontextmanager
async def troubled_gateway(
    tmp_path: Path, http: aiohttp.ClientSession
) -> AsyncIterator[tuple[site.Platform, site.GatewayProcess]]:
    """A gateway with a platform that works slowly, one that is not there, and a receiver that is not there."""
    nobody = f"http://127.0.0.1:{free_port()}"
    missing = {**site.connector(nobody, 1), "name": "missing"}
    hook: dict[str, Any] = {
        "name": "hook",
        "kind": "webhook",
        "url": nobody,
        "allow_private": True,
        "unsigned": True,
    }
    async with (
        site.platform(
            tmp_path, http, agents=2, command_delay_ms=2000, events_per_second=0.5
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "gateway": {"command_deadline_seconds": 1.0, "liveness": {"check_seconds": 0.5}},
                # Silence of over a second ends a connection, so connections are lost again and again.
                "connectors": [
                    site.connector(platform.url, 2, rhythm_seconds={"*": 1.0}),
                    missing,
                ],
                "sinks": [site.file_sink(), hook],
            },
        ) as gateway,
    ):
        gateway.start()
        yield platform, gateway


async def test_faults_fill_the_board_of_operations_and_raise_alerts(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Lost connections, failed attempts, a dead receiver and commands without proof all show."""
    async with (
        troubled_gateway(tmp_path, http) as (platform, gateway),
        prometheus(tmp_path, http, [gateway.url.removeprefix("http://")]) as server,
    ):

        async def connected() -> bool:
            try:
                feeds = await gateway.feeds()
            except aiohttp.ClientError:
                return False
            return sum(feed["state"] == "connected" for feed in feeds) == 2

        async def trouble() -> None:
            while True:
                await eventually(connected, "the feeds are back", timeout_seconds=60)
                # The platform tells what came of them after their deadline.
                for verb in ("agent.login", "agent.logout"):
                    for account in site.accounts(2):
                        await gateway.command(verb, {"agent": account["username"]})
                await platform.post("faults", [{"kind": "session_unknown"}, {"kind": "garbage"}])

        await eventually(connected, "the feeds of the platform that is there")
        async with asyncio.TaskGroup() as tasks:
            troubling = tasks.create_task(trouble(), name="trouble")
            await all_shown(server, "operations")
            troubling.cancel()

        async def raised() -> bool:
            states = {rule["name"]: rule.get("state") for rule in await server.rules()}
            assert states["TielineJournalFull"] == "inactive"
            alerts = ("TielineConnectorDown", "TielineSinkDown")
            return all(states[alert] in {"pending", "firing"} for alert in alerts)

        await eventually(raised, "alerts", timeout_seconds=60.0, poll_seconds=1.0)
