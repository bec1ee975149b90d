"""`tieline agents`: who is in which state now."""

from __future__ import annotations

import argparse

from gateway.cli._api import EXIT_OK, Api, guarded, options
from gateway.cli._output import age, print_lines, print_table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "agents",
        parents=[options()],
        help="agents and their states",
        description="Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked.",
    )
    parser.add_argument("--connector", action="append", metavar="NAME")
    parser.add_argument("--state", action="append", metavar="STATE", help="e.g. ready, not_ready")
    parser.set_defaults(run=guarded(_run), command="agents")


def _run(api: Api, arguments: argparse.Namespace) -> int:
    agents = api.items("/v1/agents", {"connector": arguments.connector, "state": arguments.state})
    if arguments.json:
        print_lines(agents)
        return EXIT_OK
    print_table(
        ("connector", "agent", "state", "reason", "for", "media"),
        (
            (
                agent["connector"],
                agent["agent"],
                agent["state"],
                agent["reason"],
                age(agent["since"]),
                [f"{medium['media']}: {medium['state']}" for medium in agent["media"]],
            )
            for agent in agents
        ),
        "no agents",
    )
    return EXIT_OK
