"""`tieline simulate`: a simulated platform, for trying things out without one."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway.cli.run import loop_factory
from gateway.errors import ConfigError
from gateway.lifecycle import StopSignal, signals_request
from gateway.registry import Registry


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    registry = Registry()
    parser = subparsers.add_parser(
        "simulate",
        help="run a simulated platform",
        description="Run a simulated platform until a signal; the first line on stdout tells its address.",
    )
    parser.add_argument("platform", metavar="PLATFORM", choices=registry.platforms())
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="settings and faults, YAML")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the simulator; returns the exit code."""
    try:
        module = Registry().load_simulator(arguments.platform)
        scenario = _scenario(arguments.scenario)
        settings = msgspec.convert(scenario, module.SimulatorSettings)
        simulator = module.Simulator(settings)
    except (ConfigError, msgspec.ValidationError) as error:
        sys.stderr.write(f"tieline simulate: {error}\n")
        return 2
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(simulator, arguments.host, arguments.port))
    except OSError as error:
        sys.stderr.write(f"tieline simulate: {error.strerror or error}\n")
        return 1
    return 0


def _scenario(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        scenario = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(scenario, dict):
        raise ConfigError(f"{path}: expected a mapping of settings")
    return scenario


async def _serve(simulator: Any, host: str, port: int) -> None:
    stop = StopSignal()
    async with signals_request(stop):
        await simulator.start(host, port)
        sys.stdout.write(json.dumps({"url": simulator.url}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        await simulator.stop()
