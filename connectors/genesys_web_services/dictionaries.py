"""The site's dictionaries: where each is read, and what of an entry is kept. Pure.

Sources: Genesys Web Services API reference, "Settings" (Agent States, User-Defined Setting Groups),
"Users API", "Skills API", "Queues API", "Devices API", "Contacts API", "Features", "Workbins"
(GetWorkbinTypesInfo).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from connectors.genesys_web_services.mapping.values import (
    fingerprint,
    identifier,
    objects,
    text,
)

MAX_DETAIL_CHARACTERS = 2_000


class Entry(msgspec.Struct, frozen=True):
    """One entry of a dictionary: the platform's id, the name it is known by, and some of its fields as texts."""

    id: str
    name: str
    details: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def mark(self) -> int:
        """A number that changes with the entry."""
        return fingerprint([self.name, sorted(self.details.items())])


class Source(NamedTuple):
    """Where a dictionary is read and what an entry of it is made of.

    Attributes:
        path: below the server's root.
        lists: under which names of the answer the entries stand.
        ids, names: the fields that may hold an entry's id and name, the first that does.
        details: the fields that are kept.
        personal: the fields that are kept only if people's names and numbers may be.
    """

    path: str
    lists: tuple[str, ...]
    ids: tuple[str, ...] = ("id",)
    names: tuple[str, ...] = ("name",)
    details: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()


_ALL = "?fields=*"
SOURCES: dict[str, Source] = {
    "agent_states": Source(
        "/api/v2/settings/agent-states",
        ("settings",),
        ids=("operationName", "id"),
        names=("displayName", "operationName"),
        details=("id", "operationName", "state", "workMode", "reason"),
    ),
    "users": Source(
        f"/api/v2/users{_ALL}",
        ("users",),
        ids=("id", "userName"),
        names=("userName", "id"),
        details=("roles",),
        personal=("firstName", "lastName"),
    ),
    "skills": Source(f"/api/v2/skills{_ALL}", ("skills",), details=("description",)),
    "queues": Source(
        f"/api/v2/queues{_ALL}",
        ("queues",),
        details=("channel", "description", "phoneNumber", "internal"),
    ),
    "devices": Source(
        f"/api/v2/devices{_ALL}",
        ("devices",),
        names=("id",),
        details=("telephonyNetwork", "type", "model", "vendor"),
        personal=("phoneNumber", "e164Number"),
    ),
    "contacts": Source(
        f"/api/v2/contacts{_ALL}",
        ("contacts",),
        names=("id",),
        details=("type",),
        personal=("name", "phoneNumber", "userName", "firstName", "lastName", "employeeId"),
    ),
    "features": Source(
        f"/api/v2/features{_ALL}",
        ("features",),
        names=("displayName", "id"),
        details=("description",),
    ),
    "settings": Source(
        "/api/v2/settings", ("settings",), ids=("name", "uri"), names=("displayName", "name")
    ),
    "dispositions": Source(
        "/api/v2/settings/dispositions",
        ("settings",),
        ids=("name", "id"),
        names=("displayName", "name"),
        details=("possibleValues",),
    ),
    "workbins": Source(
        "/api/v2/me/workbins",
        ("workbins",),
        ids=("workbinId", "id"),
        names=("workbinName", "name", "workbinId"),
        details=("viewName", "workbinType"),
    ),
}


def entries(dictionary: str, reply: dict[str, Any], *, personal: bool) -> dict[str, Entry]:
    """The entries of an answer by their id, in its order; what has no id is left out."""
    source = SOURCES[dictionary]
    found: dict[str, Entry] = {}
    listed = next((items for name in source.lists if (items := objects(reply.get(name)))), [])
    kept = source.details + (source.personal if personal else ())
    for item in listed:
        name = _first(item, source.ids)
        if name is None:
            continue
        details = {field: said for field in kept if (said := _as_text(item.get(field))) is not None}
        found[name] = Entry(name, _first(item, source.names) or name, details)
    return found


def _first(item: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := identifier(item.get(name)))), None)


def _as_text(value: Any) -> str | None:
    """A field as text; what is no text is written as JSON, so that a change of it is seen."""
    if value is None:
        return None
    said = text(value)
    if said is None:
        try:
            said = msgspec.json.encode(value).decode()
        except (TypeError, ValueError, RecursionError, msgspec.EncodeError):
            return None
    return said[:MAX_DETAIL_CHARACTERS]
