"""Dead letters: listed, looked into, sent again, given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.api import scopes
from gateway.api.cursors import cursor_of, place_of
from gateway.api.operations import (
    Audits,
    Call,
    Cursor,
    Limit,
    NoParameters,
    Operation,
    Page,
    Reply,
    Response,
    Row,
)
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.api.sink_views import Name
from gateway.api.sinks import DeadLetterDetail, DeadLetterView, SinkDesk

_LARGEST_ID = 2**62
Id = Annotated[int, Meta(ge=1, le=_LARGEST_ID)]
Ids = Annotated[list[Id], Meta(min_length=1, max_length=1000, description="ids of letters")]


class LetterChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters."""

    sink: Name | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class OneLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Which letter."""

    id: Annotated[int, Meta(ge=1, le=_LARGEST_ID, description="the letter's id")]


class Letters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which letters."""

    ids: Ids


class Farewell(Letters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Letters that are given up, and why: the note is kept with them."""

    note: Annotated[str, Meta(min_length=1, max_length=1000)]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the letters waited and are settled now."""

    settled: int


class DeadLetterViews:
    """Handlers over all sinks."""

    def __init__(self, desk: SinkDesk) -> None:
        self._desk = desk

    async def listed(self, call: Call[LetterChoice, None]) -> Reply:
        """Waiting letters, by id."""
        asked = call.parameters
        after = 0 if asked.cursor is None else place_of(asked.cursor, Id)
        found = list(await self._desk.dead_letters(asked.sink, after, asked.limit + 1))
        more = len(found) > asked.limit
        found = found[: asked.limit]
        return Reply(value=Page(items=found, next=cursor_of(found[-1].id) if more else None))

    async def get(self, call: Call[OneLetter, None]) -> Reply:
        """One letter with its event."""
        letter = await self._desk.dead_letter(call.parameters.id)
        if letter is None:
            raise Problem(
                Kind.NOT_FOUND, f"id: there is no dead letter {call.parameters.id}, or no longer"
            )
        return Reply(value=letter)

    async def replay(self, call: Call[NoParameters, Letters]) -> Reply:
        """Offer letters again."""
        number = await self._desk.replay(call.body.ids, requester=call.caller.name)
        return Reply(value=Settled(settled=number))

    async def discard(self, call: Call[NoParameters, Farewell]) -> Reply:
        """Give letters up."""
        number = await self._desk.discard(
            call.body.ids, requester=call.caller.name, note=call.body.note
        )
        return Reply(value=Settled(settled=number))


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    views = DeadLetterViews(runtime.sinks)
    settled = {200: Response(type=Settled, description="durable")}
    full = (Kind.JOURNAL_FULL, Kind.UNAVAILABLE)
    return (
        Operation(
            id="list_dead_letters",
            method="GET",
            path="/v1/dead-letters",
            tag="dead letters",
            summary="Events that receivers refused for good, and that nobody has settled yet",
            handle=views.listed,
            scope=scopes.READ,
            parameters=LetterChoice,
            responses={200: Response(type=Page[DeadLetterView], description="by id")},
            problems=(Kind.UNAVAILABLE,),
        ),
        Operation(
            id="get_dead_letter",
            method="GET",
            path="/v1/dead-letters/{id}",
            tag="dead letters",
            summary="One dead letter with its event",
            handle=views.get,
            scope=scopes.READ,
            parameters=OneLetter,
            responses={200: Response(type=DeadLetterDetail, description="whatever its state")},
            problems=(Kind.UNAVAILABLE,),
        ),
        Operation(
            id="replay_dead_letters",
            method="POST",
            path="/v1/dead-letters/replay",
            tag="dead letters",
            summary="Offer dead letters to their sinks again",
            handle=views.replay,
            scope=scopes.ADMIN,
            audits=Audits(act="dead_letters.replay", object="dead-letters"),
            parameters=NoParameters,
            body=Letters,
            responses=settled,
            problems=full,
        ),
        Operation(
            id="discard_dead_letters",
            method="POST",
            path="/v1/dead-letters/discard",
            tag="dead letters",
            summary="Give dead letters up, with a reason",
            handle=views.discard,
            scope=scopes.ADMIN,
            audits=Audits(act="dead_letters.discard", object="dead-letters"),
            parameters=NoParameters,
            body=Farewell,
            responses=settled,
            problems=full,
        ),
    )
