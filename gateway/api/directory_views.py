"""`/v1/directory`: who and what there is on the platforms, by lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.api import scopes
from gateway.api.cursors import cursor_of, place_of
from gateway.api.error_view import ErrorView
from gateway.api.operations import Call, Cursor, Limit, Operation, Reply, Response, Row
from gateway.api.runtime import ApiRuntime
from gateway.contracts import DirectoryKind
from gateway.directory import Listed


class DirectoryChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists, and which part of them."""

    kind: Annotated[list[DirectoryKind], Meta(description="only these lists")] = []
    connector: Annotated[list[str], Meta(description="only of these connectors")] = []
    id: Annotated[list[str], Meta(description="only entries with these ids")] = []
    limit: Limit = 100
    cursor: Cursor | None = None


class DirectoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `id` is what events and commands of the connector call it; `details` are the platform's own."""

    connector: str
    kind: DirectoryKind
    id: str
    name: str
    details: Mapping[str, Any]


class DirectorySource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One list that the answer is from.

    Attributes:
        entries: how many it has; further ones that a bound left out are in `left_out`.
        read_at: when the platform said so.
        error: why it could not be read; its entries are then missing from the answer.
    """

    connector: str
    kind: DirectoryKind
    entries: int
    read_at: datetime | None = None
    left_out: int = 0
    error: ErrorView | None = None


class DirectoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the lists, in the order of connectors, kinds and ids."""

    items: Sequence[DirectoryItem]
    sources: Sequence[DirectorySource]
    next: str | None = None


class DirectoryViews:
    """Handlers over the directory."""

    def __init__(self, runtime: ApiRuntime) -> None:
        self._directory = runtime.directory

    async def listed(self, call: Call[DirectoryChoice, None]) -> Reply:
        """The entries that are asked for, and what each list is worth."""
        asked = call.parameters
        after = None if asked.cursor is None else place_of(asked.cursor, tuple[str, str, str])
        wanted = [
            (connector, kind)
            for connector, kind in sorted(self._directory.lists())
            if (not asked.connector or connector in asked.connector)
            and (not asked.kind or kind in asked.kind)
            and call.caller.sees(connector)
        ]
        found = await asyncio.gather(*(self._directory.read(*one) for one in wanted))
        items: list[DirectoryItem] = []
        following: str | None = None
        for one in found:
            if following is None:
                items, following = _fill(items, one, asked, after)
        return Reply(
            value=DirectoryPage(
                items=items, sources=[_source(one) for one in found], next=following
            )
        )


def _fill(
    items: list[DirectoryItem],
    listed: Listed,
    asked: DirectoryChoice,
    after: tuple[str, str, str] | None,
) -> tuple[list[DirectoryItem], str | None]:
    """Add what is wanted of one list; with the cursor of the next page when this one is full."""
    names = [name for name in asked.id if name in listed.by_id] if asked.id else listed.by_id
    for name in sorted(names):
        place = (listed.connector, listed.kind.value, name)
        if after is not None and place <= after:
            continue
        if len(items) == asked.limit:
            last = items[-1]
            return items, cursor_of((last.connector, last.kind, last.id))
        entry = listed.by_id[name]
        items.append(
            DirectoryItem(
                connector=listed.connector,
                kind=listed.kind,
                id=entry.id,
                name=entry.name,
                details=entry.details,
            )
        )
    return items, None


def _source(listed: Listed) -> DirectorySource:
    listing = listed.listing
    return DirectorySource(
        connector=listed.connector,
        kind=listed.kind,
        entries=len(listed.by_id),
        read_at=listing.read_at if listing else None,
        left_out=listing.left_out + len(listing.entries) - len(listed.by_id) if listing else 0,
        error=ErrorView.of(listed.failure),
    )


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    return (
        Operation(
            id="read_directory",
            method="GET",
            path="/v1/directory",
            tag="directory",
            summary="Agents, teams, queues, skills, states and other lists of the platforms",
            handle=DirectoryViews(runtime).listed,
            scope=scopes.READ,
            honours=frozenset({"connectors"}),
            parameters=DirectoryChoice,
            responses={
                200: Response(
                    type=DirectoryPage,
                    description="what could be read; `sources` says what could not",
                )
            },
        ),
    )
