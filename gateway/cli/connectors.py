"""`tieline connectors`: their state; pause and resume them."""

from __future__ import annotations

import argparse
import sys

from gateway.cli._api import EXIT_OK, Api, guarded, options, part
from gateway.cli._output import age, print_json, print_table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "connectors",
        help="list, pause or resume connectors",
        description="Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[options()], help="all connectors")
    listing.set_defaults(run=guarded(_list), command="connectors")
    for verb, text in (
        ("pause", "read nothing more of a connector, also after a restart"),
        ("resume", "connect the feeds of a paused connector again"),
    ):
        action = actions.add_parser(verb, parents=[options()], help=text, description=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(run=guarded(_act), command="connectors", verb=verb)


def _list(api: Api, arguments: argparse.Namespace) -> int:
    connectors = api.get("/v1/connectors")["items"]
    if arguments.json:
        print_json(connectors)
        return EXIT_OK
    print_table(
        ("connector", "platform", "state", "feeds", "paused for"),
        (
            (
                one["name"],
                one["platform"],
                one["state"],
                [f"{number} {state}" for state, number in one["feeds"].items()],
                age(one["paused_since"]),
            )
            for one in connectors
        ),
        "no connectors",
    )
    return EXIT_OK


def _act(api: Api, arguments: argparse.Namespace) -> int:
    shown = api.post(f"/v1/connectors/{part(arguments.name)}/{arguments.verb}")
    if arguments.json:
        print_json(shown)
    else:
        sys.stdout.write(f"{shown['name']}: {shown['state']}\n")
    return EXIT_OK
