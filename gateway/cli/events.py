"""`tieline events tail`: events as they come, one JSON object a line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.cli import _stream
from gateway.cli._api import EXIT_NOT_ASKED, EXIT_OK, Api, guarded, options
from gateway.cli._output import print_lines
from gateway.errors import JournalError

_PAGE = 500
_POLL_SECONDS = 0.2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("events", help="read events")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    tail = actions.add_parser(
        "tail",
        parents=[options()],
        help="print events as CloudEvents JSON lines",
        description=(
            "Ask a running gateway, or with FILE read the journal's file, beside a running gateway or without one."
            " Exit codes: 0, 1 the gateway refused, 2 it could not be asked, or the file cannot be read."
        ),
    )
    tail.add_argument(
        "path", type=Path, nargs="?", metavar="FILE", help="the journal's file or its data_dir"
    )
    tail.add_argument("--last", type=int, default=10, metavar="N", help="begin with the newest N")
    tail.add_argument("--follow", "-f", action="store_true", help="go on as events come")
    tail.add_argument(
        "--type", dest="types", action="append", metavar="GLOB", help="only these types"
    )
    tail.add_argument(
        "--subject",
        dest="subjects",
        action="append",
        metavar="GLOB",
        help="only these subjects, e.g. agent/*; not with FILE",
    )
    tail.set_defaults(run=_tail, command="events")


def _tail(arguments: argparse.Namespace) -> int:
    if arguments.path is not None:
        return _tail_file(arguments)
    return guarded(_tail_asked)(arguments)


def _tail_asked(api: Api, arguments: argparse.Namespace) -> int:
    print_lines(_asked(api, arguments))
    return EXIT_OK


def _asked(api: Api, arguments: argparse.Namespace) -> Iterator[Any]:
    begin = _stream.last_position(api) - arguments.last
    query = {
        "type": arguments.types,
        "subject": arguments.subjects,
        "after": str(begin) if begin > 0 else "start",
    }
    return _stream.follow(api, query) if arguments.follow else _stream.read(api, query)


def _tail_file(arguments: argparse.Namespace) -> int:
    from gateway.filters import EventFilter
    from gateway.journal.view import JournalView, journal_path

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
                    return EXIT_OK
    except JournalError as error:
        sys.stderr.write(f"tieline events: {error}\n")
        return EXIT_NOT_ASKED
