"""`tieline journal`: look into a journal, check it, and save what can be saved."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.errors import JournalError
from gateway.journal.salvage import salvage
from gateway.journal.verify import verify
from gateway.journal.view import JournalView, journal_path

EXIT_OK = 0
EXIT_UNSOUND = 1
EXIT_NOT_READ = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "journal",
        help="inspect, verify or salvage a journal",
        description="Exit codes: 0 fine, 1 something is wrong with it, 2 it cannot be read.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, text, run in (
        ("inspect", "what it holds; also while a gateway runs", _inspect),
        ("verify", "read everything and check it; also while a gateway runs", _verify),
        ("salvage", "copy what is readable into a new journal; stop the gateway first", _salvage),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("path", type=Path, metavar="FILE", help="the file or its data_dir")
        if run is _salvage:
            action.add_argument("out", type=Path, metavar="OUT", help="the new file")
        action.set_defaults(run=_guarded, action=run)


def _guarded(arguments: argparse.Namespace) -> int:
    try:
        arguments.path = journal_path(arguments.path)
        code: int = arguments.action(arguments)
    except JournalError as error:
        sys.stderr.write(f"tieline journal: {error}\n")
        return EXIT_NOT_READ
    return code


def _inspect(arguments: argparse.Namespace) -> int:
    console = Console()
    with JournalView(arguments.path) as view:
        first, last, number = view.bounds()
        console.print(f"{arguments.path}: {number} events, positions {first} to {last}")
        _print(console, ("consumer", "position", "behind"), [
            (name, str(position), str(last - position)) for name, position in view.consumers()
        ])  # fmt: skip
        _print(console, ("event type", "events"), [(name, str(n)) for name, n in view.types()])
        _print(
            console,
            ("feed", "resume state, bytes", "encrypted"),
            [(name, str(size), "yes" if sealed else "no") for name, size, sealed in view.feeds()],
        )
    return EXIT_OK


def _verify(arguments: argparse.Namespace) -> int:
    report = verify(arguments.path)
    for problem in report.problems:
        sys.stdout.write(f"{problem}\n")
    if report.sound:
        sys.stdout.write(f"{report.path}: sound, {report.events} events\n")
        return EXIT_OK
    sys.stdout.write(
        f"{report.path}: damaged, {report.events} events are readable; stop the gateway and save them with"
        f" `tieline journal salvage {report.path} NEW`\n"
    )
    return EXIT_UNSOUND


def _salvage(arguments: argparse.Namespace) -> int:
    report = salvage(arguments.path, arguments.out)
    for lost in report.lost:
        sys.stdout.write(f"positions {lost.first} to {lost.last} are lost: {lost.reason}\n")
    for problem in report.problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(
        f"{arguments.out}: {report.events} events and the resume state of {report.feeds} feeds saved\n"
    )
    return EXIT_UNSOUND if report.lost or report.problems else EXIT_OK


def _print(console: Console, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    if rows:
        console.print(table, "")
