"""What the Provisioning API listed, as the entries of the gateway's directory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors._genesys.values import first, identifier
from gateway.contracts import DirectoryEntry, DirectoryKind

KIND_OF: dict[str, DirectoryKind] = {
    "users": DirectoryKind.AGENTS,
    "skills": DirectoryKind.SKILLS,
    "used-skills": DirectoryKind.SKILLS,
    "agent-groups": DirectoryKind.GROUPS,
}
"""Dictionaries, which are operations without `get-`; of two that make one kind the first that is read counts."""
_SHOWN = ("DBID", "dbid", "enabled", "skills", "agentGroups", "accessGroups", "wrapUpTime")


def dictionaries_of(operations: Iterable[str]) -> dict[DirectoryKind, str]:
    """The dictionary of each kind that the operations read."""
    read = [name.removeprefix("get-") for name in operations]
    found: dict[DirectoryKind, str] = {}
    for name in read:
        if name in KIND_OF:
            found.setdefault(KIND_OF[name], name)
    return found


def listed(entries: Mapping[str, Any], agents: Mapping[str, str]) -> list[DirectoryEntry]:
    """The entries. `agents` has the names that events use for users who are called otherwise here.

    People's names and addresses are left out.
    """
    found = []
    for name, entry in entries.items():
        details = {key: entry[key] for key in _SHOWN if key in entry}
        shown = identifier(first(entry, "userName", "name")) or name
        found.append(DirectoryEntry(id=agents.get(name, name), name=shown, details=details))
    return found
