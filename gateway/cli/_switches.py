"""What `tieline connectors` and `tieline sinks` have in common: all of a kind are listed, one is paused and resumed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from gateway.cli._api import EXIT_OK, Api, guarded, options, part
from gateway.cli._output import print_json, print_table


class Rows(Protocol):
    """Makes the rows of a table of what the API lists."""

    def __call__(self, items: Iterable[Any], /) -> Iterable[Sequence[Any]]:
        """One row for each, with a cell for each column."""
        ...


def add_switches(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    kind: str,
    *,
    summary: str,
    columns: Sequence[str],
    rows: Rows,
    verbs: Mapping[str, str],
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Declare the command of a kind, `connectors` or `sinks`, with `list` and an action for each verb.

    `verbs` says of each what it does. Returns the actions, so that a command may have more.
    """

    def show_all(api: Api, arguments: argparse.Namespace) -> int:
        items = api.get(f"/v1/{kind}")["items"]
        if arguments.json:
            print_json(items)
        else:
            print_table(columns, rows(items), f"no {kind}")
        return EXIT_OK

    def act(api: Api, arguments: argparse.Namespace) -> int:
        shown = api.post(f"/v1/{kind}/{part(arguments.name)}/{arguments.verb}")
        if arguments.json:
            print_json(shown)
        else:
            sys.stdout.write(f"{shown['name']}: {shown['state']}\n")
        return EXIT_OK

    parser = subparsers.add_parser(
        kind,
        help=summary,
        description="Ask a running gateway. Exit codes: 0, 1 it refused, 2 it could not be asked.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[options()], help=f"all {kind}")
    listing.set_defaults(run=guarded(show_all), command=kind)
    for verb, text in verbs.items():
        action = actions.add_parser(verb, parents=[options()], help=text, description=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(run=guarded(act), command=kind, verb=verb)
    return actions
