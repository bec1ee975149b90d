"""The platform's lists, as the directory shows them. Pure.

Sources: workspace-client-js and -java, `TargetsApi` (`GET /targets`) and the session API (`GET /configuration`, action
codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connectors._genesys.values import clean, first, identifier, mapping, objects
from connectors.genesys_engage_cloud.vendor import WORKSPACE
from gateway.contracts import DirectoryEntry, DirectoryKind

MAX_TARGETS = 10_000
_CODES = "actionCodes"
_TYPES: dict[DirectoryKind, str] = {
    DirectoryKind.AGENTS: "agent",
    DirectoryKind.GROUPS: "agent-group",
    DirectoryKind.QUEUES: "route-point,acd-queue",
    DirectoryKind.SKILLS: "skill",
}
"""Types of targets by kind; the states are no targets."""
KINDS = frozenset({*_TYPES, DirectoryKind.STATES})
_DETAILS = ("DBID", "id", "userName", "number", "switchName")
_CODE_DETAILS = ("name", "code", "type")


def path_of(kind: DirectoryKind) -> str:
    """What is asked for a list."""
    if kind is DirectoryKind.STATES:
        return f"{WORKSPACE}/configuration?{urlencode({'types': _CODES})}"
    query = {"searchTerm": "*", "types": _TYPES[kind], "limit": MAX_TARGETS}
    return f"{WORKSPACE}/targets?{urlencode(query, safe=',*')}"


def listed(
    kind: DirectoryKind, data: Any, agents: Mapping[str, str]
) -> tuple[list[DirectoryEntry], int]:
    """The entries of an answer, and how many a bound cut off.

    `agents` has the names that events use for users who are called otherwise here.
    """
    answer = mapping(data)
    if kind is DirectoryKind.STATES:
        codes = [_state(code) for code in objects(answer.get(_CODES))]
        return [entry for entry in codes if entry is not None], 0
    targets = objects(answer.get("targets"))
    total = answer.get("totalMatches")
    left_out = max(0, total - len(targets)) if isinstance(total, int) else 0
    found = [_target(kind, target, agents) for target in targets]
    return [entry for entry in found if entry is not None], left_out


def _target(
    kind: DirectoryKind, target: dict[str, Any], agents: Mapping[str, str]
) -> DirectoryEntry | None:
    """A target. Agents are known by their user names, all else by its name."""
    own = identifier(first(target, "userName" if kind is DirectoryKind.AGENTS else "name"))
    if own is None:
        return None
    details = {key: clean(target[key]) for key in _DETAILS if target.get(key) is not None}
    name = identifier(first(target, "name")) or own
    return DirectoryEntry(id=agents.get(own, own), name=name, details=details)


def _state(code: dict[str, Any]) -> DirectoryEntry | None:
    """An action code: its code is what a command takes as reason."""
    own = identifier(first(code, "code", "name"))
    if own is None:
        return None
    details = {key: clean(code[key]) for key in _CODE_DETAILS if code.get(key) is not None}
    return DirectoryEntry(id=own, name=identifier(first(code, "name")) or own, details=details)
