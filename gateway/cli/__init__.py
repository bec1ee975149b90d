"""The command `tieline`: one module for each subcommand, imported when it is asked for.

A module has `add_parser(subparsers)`, which sets its `run(arguments) -> exit code` as the default `run`. A new
subcommand is a new module and its name in `MODULES`; underscores become hyphens.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from gateway import __version__

MODULES = (
    "run",
    "check_config",
    "demo",
    "simulate",
    "agents",
    "calls",
    "commands",
    "events",
    "connectors",
    "sinks",
    "dead_letters",
    "journal",
    "schemas",
    "token",
)

EXIT_INTERRUPTED = 130


class Subcommand(Protocol):
    """What a module of a subcommand has."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Declare the command and its arguments."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns its exit code, 2 when the arguments are wrong (argparse exits itself)."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser(words).parse_args(words)
    run = cast("Callable[[argparse.Namespace], int]", arguments.run)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tieline", description="Event-bridging integration gateway for contact centres."
    )
    parser.add_argument("--version", action="version", version=f"tieline {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in _needed(words):
        module = cast("Subcommand", importlib.import_module(f"gateway.cli.{name}"))
        module.add_parser(subparsers)
    return parser


def _needed(words: Sequence[str]) -> tuple[str, ...]:
    """Only the module of the command that is given; all of them for help and for errors."""
    asked = next((word for word in words if not word.startswith("-")), "").replace("-", "_")
    return (asked,) if asked in MODULES else MODULES
