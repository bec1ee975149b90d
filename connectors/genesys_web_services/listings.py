"""The site's dictionaries as the entries of the gateway's directory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.genesys_web_services.dictionaries import Entry
from gateway.contracts import DirectoryEntry, DirectoryKind

DICTIONARY_OF: dict[DirectoryKind, str] = {
    DirectoryKind.AGENTS: "users",
    DirectoryKind.SKILLS: "skills",
    DirectoryKind.QUEUES: "queues",
    DirectoryKind.STATES: "agent_states",
    DirectoryKind.DISPOSITIONS: "dispositions",
    DirectoryKind.WORKBINS: "workbins",
}


def kinds_of(dictionaries: Iterable[str]) -> frozenset[DirectoryKind]:
    """The kinds that the dictionaries which are read make up."""
    read = set(dictionaries)
    return frozenset(kind for kind, name in DICTIONARY_OF.items() if name in read)


def listed(
    kind: DirectoryKind, found: Iterable[Entry], agents: Mapping[str, str]
) -> list[DirectoryEntry]:
    """The entries of a dictionary. `agents` has the names that events use for users who are called otherwise here."""
    if kind is not DirectoryKind.AGENTS:
        return [DirectoryEntry(id=one.id, name=one.name, details=one.details) for one in found]
    return [
        DirectoryEntry(
            id=agents.get(one.name, one.name), name=one.name, details={"id": one.id, **one.details}
        )
        for one in found
    ]
