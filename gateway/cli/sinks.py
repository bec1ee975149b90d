"""`tieline sinks`: how far they are; pause, resume, and offer them events once more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.cli._api import EXIT_OK, Api, guarded, options, part
from gateway.cli._output import print_json
from gateway.cli._switches import add_switches


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    actions = add_switches(
        subparsers,
        "sinks",
        summary="list, pause or resume sinks, or offer one events once more",
        columns=("sink", "state", "position", "behind", "held", "failures", "last error"),
        rows=_rows,
        verbs={
            "pause": "deliver nothing more to a sink, also after a restart",
            "resume": "go on delivering to a paused sink",
        },
    )
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


def _rows(sinks: Iterable[Any], /) -> Iterable[Sequence[Any]]:
    for one in sinks:
        error = one["last_error"] and one["last_error"]["message"]
        facts = (one[name] for name in ("state", "position", "lag", "held_events", "failures"))
        yield one["name"], *facts, error


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
