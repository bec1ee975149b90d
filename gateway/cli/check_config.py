"""`tieline check-config`: is this configuration right, and, if asked, does the world answer to it?"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from config import Config, InvalidConfiguration, load
from gateway.probing import Probed, probe_all
from gateway.registry import Registry

EXIT_OK = 0
EXIT_WRONG = 1
EXIT_NOT_CHECKED = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "check-config",
        help="check a configuration file",
        description=(
            "Report every error of a configuration at once. Exit codes: 0 it is right, 1 it has errors or a probe"
            " failed, 2 the file cannot be read."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also connect to each platform and receiver once, look, and disconnect",
    )
    parser.add_argument(
        "--probe-timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="time that one probe may take (default: %(default)g)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check; returns the exit code."""
    path: Path = arguments.file
    if not path.is_file():
        sys.stderr.write(f"{path}: no such file\n")
        return EXIT_NOT_CHECKED
    try:
        config = load(path, registry=Registry())
    except InvalidConfiguration as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_WRONG
    for warning in config.warnings:
        sys.stderr.write(f"{warning}\n")
    sys.stdout.write(f"{summary(config)}\n")
    if not arguments.probe:
        return EXIT_OK
    results = asyncio.run(probe_all(config, Registry(), timeout_seconds=arguments.probe_timeout))
    sys.stdout.writelines(f"{_line(result)}\n" for result in results)
    return EXIT_OK if all(result.ok for result in results) else EXIT_WRONG


def summary(config: Config) -> str:
    """One line for each part, without secrets."""
    api = config.gateway.api
    lines = [
        f"{config.path}: OK",
        f"  gateway {config.gateway.name}: data in {config.gateway.data_dir}, API on {api.host} port {api.port}",
    ]
    lines += [f"  connector {item.name}: {item.platform}" for item in config.connectors]
    for sink in config.sinks:
        sources = f" from {', '.join(sink.connectors)}" if sink.connectors else ""
        masked = f", masked: {', '.join(sink.mask)}" if sink.mask else ""
        lines.append(
            f"  sink {sink.name}: {sink.kind} gets {', '.join(sink.events)}{sources}{masked}"
        )
    return "\n".join(lines)


def _line(result: Probed) -> str:
    return f"  {result.name}: {'OK' if result.ok else 'FAILED'}: {result.message}"
