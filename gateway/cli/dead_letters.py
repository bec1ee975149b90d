"""`tieline dead-letters`: what sinks refused for good, and why; send it again, or give it up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.cli._api import EXIT_NOT_ASKED, EXIT_OK, Api, guarded, options
from gateway.cli._output import print_facts, print_json, print_lines, print_table
from gateway.errors import JournalError

_AT_ONCE = 1000


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "dead-letters",
        help="what sinks refused: list, show, replay, discard",
        description=(
            "Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked, or the journal's file cannot"
            " be read."
        ),
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        parents=[options()],
        help="waiting dead letters",
        description="With FILE, read the journal's file, beside a running gateway or without one.",
    )
    listing.add_argument(
        "path", type=Path, nargs="?", metavar="FILE", help="the journal's file or data_dir"
    )
    listing.add_argument("--sink", metavar="NAME", help="only of this sink")
    listing.add_argument("--limit", type=int, default=100, metavar="N", help="with FILE")
    listing.set_defaults(run=_list, command="dead-letters")
    show = actions.add_parser("show", parents=[options()], help="one letter with its event")
    show.add_argument("id", type=int, metavar="ID")
    show.set_defaults(run=guarded(_show), command="dead-letters")
    replay = actions.add_parser("replay", parents=[options()], help="offer letters again")
    discard = actions.add_parser("discard", parents=[options()], help="give letters up")
    discard.add_argument("--note", required=True, metavar="TEXT", help="why; kept with the letters")
    for action, act in ((replay, _replay), (discard, _discard)):
        action.add_argument("ids", type=int, nargs="*", metavar="ID")
        action.add_argument("--all", action="store_true", help="all that wait, instead of ids")
        action.add_argument("--sink", metavar="NAME", help="with --all: only of this sink")
        action.set_defaults(run=guarded(act), command="dead-letters")


def _list(arguments: argparse.Namespace) -> int:
    if arguments.path is not None:
        return _list_file(arguments)
    return guarded(_list_asked)(arguments)


def _list_asked(api: Api, arguments: argparse.Namespace) -> int:
    letters = api.items("/v1/dead-letters", {"sink": arguments.sink})
    return _print(letters, as_json=arguments.json)


def _list_file(arguments: argparse.Namespace) -> int:
    from gateway.journal.view import JournalView, journal_path

    try:
        with JournalView(journal_path(arguments.path)) as view:
            letters = view.dead_letters(arguments.sink, arguments.limit)
    except JournalError as error:
        sys.stderr.write(f"tieline dead-letters: {error}\n")
        return EXIT_NOT_ASKED
    return _print((letter._asdict() for letter in letters), as_json=arguments.json)


def _print(letters: Iterator[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        print_lines(letters)
        return EXIT_OK
    print_table(
        ("id", "sink", "position", "event", "type", "reason", "message", "since"),
        (
            [
                letter[name]
                for name in (
                    "id",
                    "sink",
                    "position",
                    "event_id",
                    "event_type",
                    "reason",
                    "message",
                    "buried",
                )
            ]
            for letter in letters
        ),
        "no dead letters",
    )
    return EXIT_OK


def _show(api: Api, arguments: argparse.Namespace) -> int:
    letter = api.get(f"/v1/dead-letters/{arguments.id}")
    if arguments.json:
        print_json(letter)
        return EXIT_OK
    event = letter.pop("event")
    print_facts(letter)
    print_json(event)
    return EXIT_OK


def _replay(api: Api, arguments: argparse.Namespace) -> int:
    return _settle(api, arguments, "replay", {})


def _discard(api: Api, arguments: argparse.Namespace) -> int:
    return _settle(api, arguments, "discard", {"note": arguments.note})


def _settle(api: Api, arguments: argparse.Namespace, verb: str, extra: dict[str, Any]) -> int:
    if bool(arguments.ids) is arguments.all:
        sys.stderr.write("tieline dead-letters: give either ids or --all\n")
        return EXIT_NOT_ASKED
    ids = arguments.ids
    if arguments.all:
        waiting = api.items("/v1/dead-letters", {"sink": arguments.sink})
        ids = [letter["id"] for letter in waiting]
    settled = 0
    for begin in range(0, len(ids), _AT_ONCE):
        body = {"ids": ids[begin : begin + _AT_ONCE], **extra}
        settled += api.post(f"/v1/dead-letters/{verb}", body)["settled"]
    if arguments.json:
        print_json({"settled": settled})
    else:
        done = "offered again" if verb == "replay" else "given up"
        sys.stdout.write(f"{settled} of {len(ids)} {done}\n")
    return EXIT_OK
