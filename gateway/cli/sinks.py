"""`tieline sinks`: how far they are; pause, resume, and offer them events once more."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gateway.cli._api import EXIT_OK, Api, guarded, options, part
from gateway.cli._output import print_json, print_table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "sinks",
        help="list, pause or resume sinks, or offer one events once more",
        description="Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[options()], help="all sinks")
    listing.set_defaults(run=guarded(_list), command="sinks")
    for verb, text in (
        ("pause", "deliver nothing more to a sink, also after a restart"),
        ("resume", "go on delivering to a paused sink"),
    ):
        action = actions.add_parser(verb, parents=[options()], help=text, description=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(run=guarded(_act), command="sinks", verb=verb)
    text = "offer one sink events once more, from a position or a time"
    replay = actions.add_parser("replay", parents=[options()], help=text, description=text)
    replay.add_argument("name", metavar="NAME")
    replay.add_argument(
        "--since",
        required=True,
        metavar="PLACE",
        help="a position of the journal, or a time such as 2026-03-01T08:00:00Z",
    )
    replay.set_defaults(run=guarded(_replay), command="sinks")


def _list(api: Api, arguments: argparse.Namespace) -> int:
    sinks = api.get("/v1/sinks")["items"]
    if arguments.json:
        print_json(sinks)
        return EXIT_OK
    print_table(
        ("sink", "state", "position", "behind", "held", "failures", "last error"),
        (
            (
                one["name"],
                one["state"],
                one["position"],
                one["lag"],
                one["held_events"],
                one["failures"],
                one["last_error"] and one["last_error"]["message"],
            )
            for one in sinks
        ),
        "no sinks",
    )
    return EXIT_OK


def _act(api: Api, arguments: argparse.Namespace) -> int:
    shown = api.post(f"/v1/sinks/{part(arguments.name)}/{arguments.verb}")
    if arguments.json:
        print_json(shown)
    else:
        sys.stdout.write(f"{shown['name']}: {shown['state']}\n")
    return EXIT_OK


def _replay(api: Api, arguments: argparse.Namespace) -> int:
    place: Any = arguments.since
    body = {"since": int(place) if place.isascii() and place.isdecimal() else place}
    shown = api.post(f"/v1/sinks/{part(arguments.name)}/replay", body)
    if arguments.json:
        print_json(shown)
    elif shown["position"] is None:
        sys.stdout.write(f"{shown['sink']}: begins there as soon as its delivery ends\n")
    else:
        end = "" if shown["repeating_to"] is None else f", repeats up to {shown['repeating_to']}"
        sys.stdout.write(f"{shown['sink']}: begins behind position {shown['position']}{end}\n")
    return EXIT_OK
