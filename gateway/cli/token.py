"""`tieline token`: make a bearer token for the control API."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime

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
    for option, what in (("connector", "connectors"), ("agent", "agents, by their ids")):
        parser.add_argument(
            f"--{option}",
            dest=f"{option}s",
            action="append",
            metavar=option.upper(),
            help=f"one of the only {what} that it may see and command, may be repeated (default: all)",
        )
    parser.add_argument(
        "--expires",
        type=_moment,
        metavar="TIME",
        help="when it ceases to be valid, with the time zone: 2027-01-31T00:00:00Z (default: never)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the token; returns the exit code."""
    token = new_token()
    parts = [
        f"name: {arguments.name}",
        f'hash: "{hash_of(token)}"',
        f"scopes: {_listed(arguments.scopes or [READ])}",
        *(
            f"{limit}: {_listed(allowed)}"
            for limit in ("connectors", "agents")
            if (allowed := getattr(arguments, limit))
        ),
    ]
    if arguments.expires is not None:
        parts.append(f'expires: "{arguments.expires.isoformat()}"')
    sys.stdout.write(f"{token}\n")
    sys.stderr.write(f"- {{{', '.join(parts)}}}\n")
    return 0


def _listed(words: Sequence[str]) -> str:
    return json.dumps(words, ensure_ascii=False)


def _moment(text: str) -> datetime:
    """A time with its zone. Raises ArgumentTypeError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time with its zone, such as 2027-01-31T00:00:00Z"
        )
    return moment
