"""`tieline calls`: the calls that are alive now."""

from __future__ import annotations

import argparse

from gateway.cli._api import EXIT_OK, Api, guarded, options
from gateway.cli._output import age, print_lines, print_table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "calls",
        parents=[options()],
        help="calls that are alive",
        description="Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked.",
    )
    parser.add_argument("--connector", action="append", metavar="NAME")
    parser.add_argument("--state", action="append", metavar="STATE", help="e.g. queued, connected")
    parser.add_argument(
        "--agent", action="append", metavar="ID", help="that this agent takes part in"
    )
    parser.set_defaults(run=guarded(_run), command="calls")


def _run(api: Api, arguments: argparse.Namespace) -> int:
    calls = api.items(
        "/v1/calls",
        {
            "connector": arguments.connector,
            "state": arguments.state,
            "agent": arguments.agent,
        },
    )
    if arguments.json:
        print_lines(calls)
        return EXIT_OK
    print_table(
        ("connector", "call", "state", "for", "direction", "agents", "queue"),
        (
            (
                call["connector"],
                call["call"],
                call["state"],
                age(call["since"]),
                call["direction"],
                call["agents"],
                call["queue"],
            )
            for call in calls
        ),
        "no calls",
    )
    return EXIT_OK
