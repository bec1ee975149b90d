"""`tieline events tail`: the journal's events as they come, one JSON object a line."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from gateway.errors import JournalError
from gateway.filters import EventFilter
from gateway.journal.view import JournalView, journal_path

_PAGE = 500
_POLL_SECONDS = 0.2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("events", help="read the journal's events")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    tail = actions.add_parser(
        "tail",
        help="print events as CloudEvents JSON lines",
        description="Reads the journal's file beside a running gateway. Exit codes: 0, or 2 if it cannot be read.",
    )
    tail.add_argument("path", type=Path, metavar="FILE", help="the journal's file or its data_dir")
    tail.add_argument("--last", type=int, default=10, metavar="N", help="begin with the newest N")
    tail.add_argument("--follow", "-f", action="store_true", help="go on as events come")
    tail.add_argument(
        "--type", dest="types", action="append", metavar="GLOB", help="only these types"
    )
    tail.set_defaults(run=_tail)


def _tail(arguments: argparse.Namespace) -> int:
    wanted = EventFilter(arguments.types or ["*"])
    try:
        with JournalView(journal_path(arguments.path)) as view:
            position = max(0, view.bounds()[1] - arguments.last)
            while True:
                events = view.events(position, _PAGE)
                for event in events:
                    if wanted(event):
                        sys.stdout.write(event.structured().decode() + "\n")
                sys.stdout.flush()
                if events:
                    position = events[-1].position
                elif arguments.follow:
                    time.sleep(_POLL_SECONDS)
                else:
                    return 0
    except JournalError as error:
        sys.stderr.write(f"tieline events: {error}\n")
        return 2
