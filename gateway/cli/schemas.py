"""`tieline schemas export`: the JSON Schemas of the events, one file for each type."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.schemas import export


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("schemas", help="the JSON Schemas of the events")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    command = actions.add_parser(
        "export",
        help="write one file for each event type",
        description=(
            "Write the schemas into a directory and remove those of types that no longer exist."
            " Exit codes: 0 done, 1 the directory cannot be written."
        ),
    )
    command.add_argument("directory", type=Path, metavar="DIR")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export; returns the exit code."""
    directory: Path = arguments.directory
    try:
        count = export(directory)
    except OSError as error:
        sys.stderr.write(f"tieline schemas export: {directory}: {error.strerror}\n")
        return 1
    sys.stdout.write(f"{count} schemas in {directory}\n")
    return 0
