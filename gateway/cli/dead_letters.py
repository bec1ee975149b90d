"""`tieline dead-letters list`: what sinks refused for good, and why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.errors import JournalError
from gateway.journal.view import JournalView, journal_path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("dead-letters", help="what sinks refused")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="waiting dead letters",
        description="Reads the journal's file beside a running gateway. Exit codes: 0, or 2 if it cannot be read.",
    )
    listing.add_argument("path", type=Path, metavar="FILE", help="the journal's file or data_dir")
    listing.add_argument("--sink", metavar="NAME", help="only of this sink")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    listing.set_defaults(run=_list)


def _list(arguments: argparse.Namespace) -> int:
    try:
        with JournalView(journal_path(arguments.path)) as view:
            letters = view.dead_letters(arguments.sink, arguments.limit)
    except JournalError as error:
        sys.stderr.write(f"tieline dead-letters: {error}\n")
        return 2
    columns = ("id", "sink", "position", "event", "type", "reason", "message", "since")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for letter in letters:
        table.add_row(
            str(letter.id),
            letter.sink,
            str(letter.position),
            letter.event_id,
            letter.event_type,
            letter.reason,
            letter.message,
            letter.buried,
        )
    console = Console()
    console.print(table if letters else "no dead letters")
    return 0
