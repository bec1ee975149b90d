"""Messages of the Provisioning API: results of asynchronous operations, and changes of objects.

All come on one wildcard subscription; what a message is about stands inside, in `channel`. The innermost
`data` is a text of JSON or an object. What was read is compared with what was read before, by a digest
of each entry, so that only what differs is told. Sources: provisioning-client-js and -java, `notifications`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from connectors._genesys.message import Message, Origin
from connectors._genesys.values import fingerprint, first, identifier, mapping, objects
from gateway.events import Event, Provenance
from gateway.events.operations import DirectoryChanged

OPERATIONS = "operations"
MAX_ENTRIES = 20_000
MAX_CHANGED = 1_000
_PREFIX = "tieline-"
_SEPARATOR = "."
_NAMES = ("userName", "name", "number", "DBID", "dbid", "id")
_PATH_PARTS = 2


class DirectoryPicture(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Digests of what was read, by dictionary and entry; what does not fit counts as changed every time."""

    entries: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


def operation_result_id(operation: str, number: int) -> str:
    """The `_aioId` of an operation: its result comes under it."""
    return f"{_PREFIX}{operation}{_SEPARATOR}{number}"


class ProvisioningMapper:
    """Maps what the Provisioning API sends."""

    def __init__(self, origin: Origin, picture: DirectoryPicture | None = None) -> None:
        self.origin = origin
        self.picture = DirectoryPicture() if picture is None else picture

    def map(
        self, topic: str, data: Any, *, session: str, ordinal: int, received: datetime
    ) -> list[Event]:
        """The events of one message, in order; a result that brings nothing new is told with an empty list."""
        outer = mapping(data)
        message = Message(
            self.origin,
            first(outer, "channel") or topic,
            outer,
            session=session,
            ordinal=ordinal,
            received=received,
        )
        body = mapping(outer.get("data"))
        operation = _operation_of(body.get("id"))
        if not isinstance(data, dict) or not body:
            message.not_understood("a provisioning message without data", data)
        elif operation is not None:
            message.provenance = Provenance.SNAPSHOT
            self._take_result(message, operation, _unwrapped(body.get("data")))
        elif first(outer, "channel") == OPERATIONS:
            message.not_understood("the result of an operation of another program", data)
        else:
            _tell_change(message, body)
        return message.events

    def _take_result(self, message: Message, operation: str, found: Any) -> None:
        directory = operation.removeprefix("get-")
        listed = _entries(found)
        if listed is None:
            message.not_understood(f"a result of {operation} that lists nothing")
            return
        before = self.picture.entries.get(directory, {})
        now = {name: fingerprint(entry) for name, entry in listed.items()}
        changed = [name for name, mark in now.items() if before.get(name) != mark]
        changed += [name for name in before if name not in now]
        self.picture.entries[directory] = dict(list(now.items())[:MAX_ENTRIES])
        _add(message, directory, changed)


def _operation_of(name: Any) -> str | None:
    if not isinstance(name, str) or not name.startswith(_PREFIX):
        return None
    return name.removeprefix(_PREFIX).rpartition(_SEPARATOR)[0] or None


def _unwrapped(value: Any) -> Any:
    """What lies inside the wrappings: a text of JSON, `{statusCode, data}`, `{status, data}`."""
    for _ in range(8):
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return None
        elif isinstance(value, dict) and "data" in value:
            value = value["data"]
        else:
            return value
    return None


def _entries(found: Any) -> dict[str, Any] | None:
    """The entries of a result by name: the first list in it, or the result itself if it is one."""
    lists = [found] if isinstance(found, list) else []
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
    if not lists:
        return None
    named = ((identifier(first(entry, *_NAMES)), entry) for entry in objects(lists[0]))
    return {name: entry for name, entry in named if name is not None}


def _tell_change(message: Message, body: dict[str, Any]) -> None:
    """A change of a watched object: `path` is `/objects/{type}/{id}`, the type may also stand inside."""
    inner = mapping(_unwrapped(body.get("data")))
    path = (first(body, "path") or "").strip("/").split("/")
    kind = first(inner, "type", "objectType")
    if kind is None and len(path) >= _PATH_PARTS:
        kind = path[1] if path[0] == "objects" else path[0]
    thing = mapping(inner.get("object")) or inner
    name = identifier(first(thing, *_NAMES)) or identifier(first(body, "id"))
    if kind is None or name is None:
        message.not_understood("a change that names no object")
        return
    _add(message, kind, [name], operation=first(inner, "operation", "changeType"))


def _add(
    message: Message, directory: str, changed: list[str], *, operation: str | None = None
) -> None:
    message.add(
        "tieline.directory.changed.v1",
        f"directory/{directory}",
        f"directory/{directory}",
        DirectoryChanged(
            directory=directory,
            changed=changed[:MAX_CHANGED],
            native=message.native(state=operation),
        ),
    )
