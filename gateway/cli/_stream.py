"""Following the event stream of the control API: an event at a time, over lost connections."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.cli._api import Api, NotAsked, Query

_PATH = "/v1/events"


@dataclass(slots=True)
class _Place:
    """What a reader of the stream remembers."""

    id: str = ""
    retry_seconds: float = 3.0


@dataclass(slots=True)
class _Block:
    event: str = ""
    data: list[str] = field(default_factory=list)


def follow(api: Api, query: Query) -> Iterator[Any]:
    """Events as they come, for ever; a lost connection is made again where it ended, once it was made.

    What the stream says about itself goes to standard error. Raises Refused, and NotAsked when there was no connection.
    """
    place = _Place()
    while True:
        try:
            for block in _blocks(api, {**query, "follow": True}, place):
                if not block.event:
                    yield json.loads("\n".join(block.data))
                else:
                    _say(block)
        except NotAsked as error:
            if not place.id:
                raise
            sys.stderr.write(f"{error}; trying again\n")
        time.sleep(place.retry_seconds)


def read(api: Api, query: Query) -> Iterator[Any]:
    """The events that are there, and then the end. Raises Refused or NotAsked."""
    for block in _blocks(api, {**query, "follow": False}, _Place()):
        if not block.event:
            yield json.loads("\n".join(block.data))
        elif block.event != "closed":
            _say(block)


def last_position(api: Api) -> int:
    """Where the journal ends. Raises Refused or NotAsked."""
    place = _Place()
    for _ in _blocks(api, {"follow": False}, place):
        pass
    position = place.id.rpartition("-")[2]
    if not position.isdecimal():
        raise NotAsked(f"{api.url}: the event stream did not say where it stands")
    return int(position)


def _blocks(api: Api, query: Query, place: _Place) -> Iterator[_Block]:
    """Blocks with data. Source: WHATWG HTML Living Standard, section 9.2.6 (Interpreting an event stream)."""
    headers = {"Accept": "text/event-stream"}
    if place.id:
        headers["Last-Event-ID"] = place.id
    block = _Block()
    for line in api.lines(_PATH, query, headers):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if block.data:
                yield block
            block = _Block()
        elif name == "data":
            block.data.append(value)
        elif name == "event":
            block.event = value
        elif name == "id":
            place.id = value
        elif name == "retry" and value.isdecimal():
            place.retry_seconds = int(value) / 1000


def _say(block: _Block) -> None:
    sys.stderr.write(f"{block.event}: {' '.join(block.data)}\n")
