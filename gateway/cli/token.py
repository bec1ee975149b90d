"""`tieline token`: make a bearer token for the control API."""

from __future__ import annotations

import argparse
import sys

from gateway.api.scopes import READ, SCOPES
from gateway.api.tokens import hash_of, new_token


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "token",
        help="make a token for the control API",
        description=(
            "Print a new token on stdout, once, and on stderr the entry for gateway.api.tokens, which holds only its"
            " hash. Exit code: 0."
        ),
    )
    parser.add_argument("name", metavar="NAME", help="who will use it")
    parser.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        choices=SCOPES,
        metavar="SCOPE",
        help=f"what it may do, may be repeated: {', '.join(SCOPES)} (default: {READ})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the token; returns the exit code."""
    token = new_token()
    scopes = ", ".join(f'"{scope}"' for scope in arguments.scopes or [READ])
    sys.stdout.write(f"{token}\n")
    sys.stderr.write(
        f'- {{name: {arguments.name}, hash: "{hash_of(token)}", scopes: [{scopes}]}}\n'
    )
    return 0
