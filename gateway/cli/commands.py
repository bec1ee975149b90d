"""`tieline commands`: send a command to a platform and see what comes of it."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from typing import Any
from uuid import uuid4

from gateway.cli._api import (
    EXIT_OK,
    EXIT_REFUSED,
    Api,
    NotAsked,
    guarded,
    options,
    part,
)
from gateway.cli._output import age, print_facts, print_json, print_lines, print_table
from gateway.cli._stream import follow

EXIT_UNKNOWN = 3
_TARGETS = ("agent", "call", "interaction", "device")
_WAIT_SECONDS = 20.0
_PAUSE_SECONDS = 0.2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "commands",
        help="send commands to platforms and follow them",
        description=(
            "Ask a running gateway. Exit codes: 0 done, or printed; 1 refused, by the gateway or by the platform;"
            " 2 the gateway could not be asked; 3 the command may have been carried out, nobody knows."
        ),
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_send(actions)
    show = actions.add_parser("show", parents=[options()], help="one command")
    show.add_argument("id", metavar="ID")
    show.set_defaults(run=guarded(_show), command="commands")
    listing = actions.add_parser("list", parents=[options()], help="commands, the newest first")
    listing.add_argument("--last", type=int, default=20, metavar="N", help="so many (default: 20)")
    listing.set_defaults(run=guarded(_list), command="commands")
    watch = actions.add_parser(
        "watch", parents=[options()], help="wait for one command's verdict, or see all as they come"
    )
    watch.add_argument("id", nargs="?", metavar="ID", help="none: all commands, until interrupted")
    watch.set_defaults(run=guarded(_watch), command="commands")


def _add_send(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    send = actions.add_parser(
        "send",
        parents=[options()],
        help="send a command and wait for its verdict",
        description="What a platform takes is in `/v1/connectors` and on its README.",
    )
    send.add_argument("verb", metavar="VERB", help="e.g. agent.set_state")
    send.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="JSON, or else text")
    send.add_argument("--connector", required=True, metavar="NAME")
    for name in _TARGETS:
        send.add_argument(f"--{name}", metavar="ID")
    send.add_argument(
        "--wait",
        type=float,
        default=_WAIT_SECONDS,
        metavar="SECONDS",
        help=f"for the verdict (default: {_WAIT_SECONDS:g})",
    )
    send.add_argument("--deadline", type=float, metavar="SECONDS", help="of the command itself")
    send.add_argument(
        "--key", metavar="KEY", help="idempotency key: the same one never sends a second time"
    )
    send.set_defaults(run=guarded(_send), command="commands")


def _send(api: Api, arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {
        "verb": arguments.verb,
        "connector": arguments.connector,
        "target": {name: value for name in _TARGETS if (value := getattr(arguments, name))},
        "arguments": dict(map(_argument, arguments.arguments)),
    }
    if arguments.deadline is not None:
        body["deadline_seconds"] = arguments.deadline
    key = arguments.key or str(uuid4())
    try:
        begun = time.monotonic()
        wait = min(arguments.wait, _WAIT_SECONDS)
        record = api.post("/v1/commands", body, {"wait": wait}, {"Idempotency-Key": key})
    except NotAsked as error:
        raise NotAsked(
            f"{error}\nsend it again with --key {key}: it is then the same command"
        ) from None
    record = _followed(api, record, begun + arguments.wait)
    return _told(record, as_json=arguments.json)


def _followed(api: Api, record: dict[str, Any], until: float) -> dict[str, Any]:
    """The command when its verdict stands, or as it is at a moment of the monotonic clock."""
    while not record["final"] and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _PAUSE_SECONDS))  # a gateway that is stopping answers at once
        wait = min(left, _WAIT_SECONDS)
        record = api.get(f"/v1/commands/{part(record['id'])}", {"wait": wait})
    return record


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise NotAsked(f"{text!r}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _show(api: Api, arguments: argparse.Namespace) -> int:
    record = api.get(f"/v1/commands/{part(arguments.id)}")
    _print(record, as_json=arguments.json)
    return EXIT_OK


def _list(api: Api, arguments: argparse.Namespace) -> int:
    records = api.get("/v1/commands", {"limit": arguments.last})["items"]
    if arguments.json:
        print_json(records)
        return EXIT_OK
    print_table(
        ("command", "verb", "connector", "target", "status", "reason", "by", "age"),
        (
            (
                record["id"],
                record["verb"],
                record["connector"],
                list(record["target"].values()),
                record["status"],
                record.get("reason"),
                record["requester"],
                age(record["created"]),
            )
            for record in records
        ),
        "no commands",
    )
    return EXIT_OK


def _watch(api: Api, arguments: argparse.Namespace) -> int:
    if arguments.id is not None:
        record = api.get(f"/v1/commands/{part(arguments.id)}")
        record = _followed(api, record, math.inf)
        return _told(record, as_json=arguments.json)
    events = follow(api, {"type": ["tieline.command.*"]})
    if arguments.json:
        print_lines(events)
        return EXIT_OK
    for event in events:
        data = event["data"]
        status = event["type"].split(".")[2]
        words = (event["time"], data["command"], data["verb"], status, data.get("reason") or "")
        sys.stdout.write("  ".join(words).rstrip() + "\n")
        sys.stdout.flush()
    return EXIT_OK


def _told(record: dict[str, Any], *, as_json: bool) -> int:
    _print(record, as_json=as_json)
    status = record["status"]
    if status in {"done", "accepted"}:
        return EXIT_OK
    return EXIT_UNKNOWN if status == "unknown" else EXIT_REFUSED


def _print(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    status = record["status"] if record["final"] else f"{record['status']}, no verdict yet"
    names = ("id", "verb", "connector", "target", "arguments", "requester", "created", "deadline")
    facts = {name: record.get(name) for name in names}
    facts["status"] = status
    facts |= {name: record.get(name) for name in ("reason", "message", "evidence", "parts")}
    print_facts(facts)
