"""`tieline demo`: simulators, gateway, sinks and commands, live, with an account at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from rich.console import Console
from rich.live import Live

from config import load
from gateway.app import Gateway
from gateway.cli.run import loop_factory
from gateway.demo import account as accounts
from gateway.demo.board import Board, summary
from gateway.demo.platforms import Scene, SimulatorProcess, scenes
from gateway.demo.receiver import WebhookReceiver
from gateway.demo.script import CommandScript
from gateway.errors import TielineError
from gateway.events import source_of
from gateway.lifecycle import StopSignal, signals_request
from gateway.logs import configure_logging
from gateway.registry import Registry
from gateway.runtime import Runtime
from gateway.states import FeedState

_CONNECT_SECONDS = 15.0
_SETTLE_SECONDS = 60.0
_FRAMES_PER_SECOND = 4


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "demo",
        help="see it work, without a platform",
        description=(
            "Run simulated platforms, a gateway and its sinks; end after --for seconds or at Ctrl-C with an"
            " account. Exit codes: 0 nothing lost or doubled, 1 something was."
        ),
    )
    parser.add_argument("--for", dest="seconds", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the account as JSON")
    parser.add_argument(
        "--port", type=int, default=0, help="of the control API and /metrics; a free one by default"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; returns the exit code."""
    configure_logging(level="error", form="console")
    with (
        tempfile.TemporaryDirectory(prefix="tieline-demo-") as directory,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        try:
            account = runner.run(_demo(Path(directory), arguments.seconds, arguments.port))
        except TielineError as error:
            sys.stderr.write(f"tieline demo: {error}\n")
            return 1
    if arguments.report is not None:
        arguments.report.write_text(json.dumps(account.as_report(), indent=2) + "\n")
    Console().print(summary(account))
    return 1 if account.lost or account.duplicates else 0


async def _demo(directory: Path, seconds: float, port: int) -> accounts.Account:
    stop = StopSignal()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(signals_request(stop))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
        receiver = WebhookReceiver(secret)
        await receiver.start()
        stack.push_async_callback(receiver.stop)
        simulators = {}
        for scene in scenes():
            simulator = SimulatorProcess(scene, directory)
            await simulator.start()
            stack.push_async_callback(simulator.stop)
            simulators[_connector_name(scene)] = simulator
        path = directory / "tieline.yaml"
        path.write_text(yaml.safe_dump(_configuration(simulators, receiver.url, secret, port)))
        gateway = Gateway(load(path, registry=Registry()))
        gateway_stop = StopSignal()
        up = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(gateway.run(gateway_stop, up.set), name="gateway")
            ready = tasks.create_task(up.wait(), name="gateway ready")
            await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
            if gateway.runtime is None or gateway.api_url is None:
                ready.cancel()
                await running
            assert gateway.runtime is not None  # noqa: S101 - `running` would have raised
            assert gateway.api_url is not None  # noqa: S101 - as above
            script = CommandScript(
                gateway.api_url, http, gateway.runtime.journal, secrets.token_hex(4)
            )
            began = time.monotonic()
            await _show(gateway.runtime, script, simulators, stop, seconds)
            account = await _settle(
                directory, gateway.runtime, script, simulators, receiver, http, began
            )
            gateway_stop.request("demo over")
        return account


def _connector_name(scene: Scene) -> str:
    return scene.platform.replace("_", "-")


def _configuration(
    simulators: dict[str, SimulatorProcess], hook: str, secret: str, port: int
) -> dict[str, Any]:
    return {
        "gateway": {"name": "demo", "data_dir": "data", "api": {"port": port}},
        "connectors": [
            {
                "name": name,
                "platform": simulator.scene.platform,
                **simulator.scene.block(simulator.url),
            }
            for name, simulator in simulators.items()
        ],
        "sinks": [
            {"name": "file", "kind": "file", "path": "events.jsonl"},
            {
                "name": "webhook",
                "kind": "webhook",
                "url": hook,
                "secret": secret,
                "allow_private": True,
            },
            {"name": "prometheus", "kind": "prometheus"},
        ],
    }


async def _show(
    runtime: Runtime,
    script: CommandScript,
    simulators: dict[str, SimulatorProcess],
    stop: StopSignal,
    seconds: float,
) -> None:
    """Draw frames while commands run, until the time is over or somebody interrupts.

    The time begins when every feed is connected, or when that takes too long.
    """
    board = Board(runtime, script)
    over = asyncio.Event()
    console = Console()
    async with asyncio.TaskGroup() as tasks:
        for name, simulator in simulators.items():
            tasks.create_task(script.run(name, simulator.scene, over), name=f"commands {name}")
        begins = time.monotonic() + _CONNECT_SECONDS
        with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
            while time.monotonic() < begins + seconds and not stop.requested:
                if all(feed.state == FeedState.CONNECTED for feed in runtime.feeds()):
                    begins = min(begins, time.monotonic())
                if console.is_terminal:
                    live.update(board.render(datetime.now(UTC)), refresh=True)
                await asyncio.sleep(1 / _FRAMES_PER_SECOND)
        if not console.is_terminal:
            console.print(board.render(datetime.now(UTC)))
        over.set()


async def _settle(
    directory: Path,
    runtime: Runtime,
    script: CommandScript,
    simulators: dict[str, SimulatorProcess],
    receiver: WebhookReceiver,
    http: aiohttp.ClientSession,
    began: float,
) -> accounts.Account:
    """Stop the lives, let everything arrive, compare."""
    for simulator in simulators.values():
        await simulator.quieten(http)
    gives_up = time.monotonic() + _SETTLE_SECONDS
    while True:
        published = {
            (name, simulator.scene.platform): await simulator.published(http)
            for name, simulator in simulators.items()
        }
        journal = await accounts.read_journal(runtime.journal)
        last = runtime.journal.statistics().last_position
        arrived = all(sink.position >= last for sink in runtime.dispatchers)
        if arrived and all(
            told <= journal.references.get(source_of(*whose), set())
            for whose, told in published.items()
        ):
            break
        if time.monotonic() > gives_up:
            break
        await asyncio.sleep(0.1)
    by_source = {
        source: references & receiver.references
        for source, references in journal.references.items()
    }
    metrics = next(sink for sink in runtime.dispatchers if sink.name == "prometheus")
    sinks = {
        "file": accounts.read_file(directory / "data" / "events.jsonl"),
        "webhook": accounts.Ledger(
            references=by_source,
            doubled=sum(number - 1 for number in receiver.ids.values()) + receiver.forged,
            events=Counter(),
        ),
        "prometheus": await accounts.read_journal(runtime.journal, up_to=metrics.position),
    }
    return accounts.settle(time.monotonic() - began, published, journal, sinks, script.verdicts)
