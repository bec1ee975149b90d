"""The contract of what a platform says about its structure: who and what there is, as lists of a few kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class DirectoryKind(StrEnum):
    """The lists that a platform may have. `states` are those an agent can choose, with their reasons."""

    AGENTS = "agents"
    TEAMS = "teams"
    GROUPS = "groups"
    BUSINESS_UNITS = "business_units"
    QUEUES = "queues"
    SKILLS = "skills"
    STATES = "states"
    DISPOSITIONS = "dispositions"
    WORKBINS = "workbins"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """One entry of a list.

    Attributes:
        id: what events and commands of the connector call it.
        name: what people call it; the id where the platform says nothing.
        details: further facts as JSON values, by the platform's names for them. No secrets.
    """

    id: str
    name: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryListing:
    """A list as it was at one moment.

    Attributes:
        entries: in the platform's order.
        read_at: when the platform said so.
        left_out: how many entries a bound cut off.
    """

    entries: Sequence[DirectoryEntry]
    read_at: datetime
    left_out: int = 0


@runtime_checkable
class DirectoryReader(Protocol):
    """Optional: a connector that knows its platform's lists."""

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """The lists that this instance, as it is configured, can give. No I/O; always the same."""
        ...

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """One list, of a kind in `directory_kinds`.

        Either asks the platform or gives what was read last. Called by the API, for one kind at most once at a time,
        concurrently with the feeds; the caller sets the time limit and remembers the answer for a while, so nothing is
        retried here. Cancellation changes nothing. Raises like `Feed.connect`: NotReady when nothing was read yet.
        """
        ...
