"""`tieline connectors`: their state; pause and resume them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.cli._output import age
from gateway.cli._switches import add_switches


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    add_switches(
        subparsers,
        "connectors",
        summary="list, pause or resume connectors",
        columns=("connector", "platform", "state", "feeds", "paused for"),
        rows=_rows,
        verbs={
            "pause": "read nothing more of a connector, also after a restart",
            "resume": "connect the feeds of a paused connector again",
        },
    )


def _rows(connectors: Iterable[Any], /) -> Iterable[Sequence[Any]]:
    for one in connectors:
        feeds = [f"{number} {state}" for state, number in one["feeds"].items()]
        yield one["name"], one["platform"], one["state"], feeds, age(one["paused_since"])
