"""What the platform says about its structure, as the entries of the gateway's directory. Pure.

Sources: Clarity Connect Web API Version 2, "Profile" (Get MBU Structure) and "Agent Status" (List Agent
Statuses).
"""

from __future__ import annotations

from typing import Any

from connectors._wire.json_values import clean
from connectors.clarity_connect.mapping.values import fields, identifier, objects, text
from gateway.contracts import DirectoryEntry, DirectoryKind

STRUCTURE: dict[DirectoryKind, str] = {
    DirectoryKind.AGENTS: "agents",
    DirectoryKind.TEAMS: "teams",
    DirectoryKind.GROUPS: "groups",
    DirectoryKind.BUSINESS_UNITS: "businessUnits",
    DirectoryKind.QUEUES: "queues",
}
"""The lists of the structure by their kinds."""

KINDS = frozenset({*STRUCTURE, DirectoryKind.STATES})
_SHOWN = frozenset({"id", "name", "type"})


def structure_entries(kind: DirectoryKind, told: Any) -> list[DirectoryEntry]:
    """One list of the structure; what has no id is left out."""
    found = []
    for entry in objects(fields(told).get(STRUCTURE[kind])):
        own = identifier(entry.get("id"))
        if own is not None:
            details = {name: value for name, value in entry.items() if name not in _SHOWN}
            name = text(entry.get("name")) or own
            found.append(DirectoryEntry(id=own, name=name, details=clean(details)))
    return found


def state_entries(statuses: Any) -> list[DirectoryEntry]:
    """Statuses and away reasons, by the word that a command takes as state or reason."""
    found = []
    for entry in objects(statuses):
        name = text(entry.get("reasonCodeName")) or text(entry.get("agentStatus"))
        if name is not None:
            found.append(DirectoryEntry(id=name, name=name, details=clean(entry)))
    return found
