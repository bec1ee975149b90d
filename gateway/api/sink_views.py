"""Sinks: how far they are, pausing them, offering them events once more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.api import scopes
from gateway.api.operations import (
    Audits,
    Call,
    Items,
    NoParameters,
    Operation,
    Reply,
    Response,
    Row,
)
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.api.sinks import SinkDesk, SinkView
from gateway.errors import Reason, TielineError

_BEGIN_SECONDS = 5.0
_LARGEST = 2**62
Name = Annotated[str, Meta(min_length=1, max_length=63, description="the sink's name")]


class OneSink(msgspec.Struct, frozen=True, kw_only=True):
    """Which sink."""

    name: Name


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where.

    Attributes:
        since: a position, for everything behind it; or a time, for everything that the gateway recorded then or later.
    """

    since: Annotated[int, Meta(ge=0, le=_LARGEST)] | Annotated[datetime, Meta(tz=True)]


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay does.

    Attributes:
        position: the sink begins behind it; null while a delivery under way keeps it from beginning.
        repeating_to: up to there events are offered again, if the sink had them.
    """

    sink: str
    position: int | None = None
    repeating_to: int | None = None


class SinkViews:
    """Handlers over all sinks."""

    def __init__(self, desk: SinkDesk) -> None:
        self._desk = desk

    def _find(self, name: str) -> str:
        if name not in self._desk.names():
            known = ", ".join(self._desk.names()) or "none"
            raise Problem(Kind.NOT_FOUND, f"name: there is no sink {name!r}; there are: {known}")
        return name

    async def listed(self, _call: Call[NoParameters, None]) -> Reply:
        """All sinks."""
        return Reply(value=Items(items=[self._desk.view(name) for name in self._desk.names()]))

    async def get(self, call: Call[OneSink, None]) -> Reply:
        """One sink."""
        return Reply(value=self._desk.view(self._find(call.parameters.name)))

    async def pause(self, call: Call[OneSink, None]) -> Reply:
        """Pause it; it is told as it is when that is on record."""
        return await self._act(call, self._desk.pause)

    async def resume(self, call: Call[OneSink, None]) -> Reply:
        """Resume it."""
        return await self._act(call, self._desk.resume)

    async def _act(self, call: Call[OneSink, None], act: Callable[[str], Awaitable[None]]) -> Reply:
        name = self._find(call.parameters.name)
        await act(name)
        return Reply(value=self._desk.view(name))

    async def replay(self, call: Call[OneSink, ReplayBody]) -> Reply:
        """Begin at an earlier place; answered when that has happened, or after a while without."""
        name = self._find(call.parameters.name)
        position = None
        try:
            async with asyncio.timeout(_BEGIN_SECONDS):
                position = await self._desk.replay_since(name, call.body.since)
        except TimeoutError:
            pass  # the wish stands: the sink obeys as soon as its delivery ends
        except TielineError as error:
            if error.reason is Reason.CONFLICT:
                raise Problem(Kind.REPLAY_PENDING, error.message) from None
            if error.reason is Reason.INVALID:
                raise Problem(Kind.NOT_IN_JOURNAL, str(error)) from None
            raise
        view = self._desk.view(name)
        return Reply(
            value=ReplayView(sink=name, position=position, repeating_to=view.repeating_to),
            status=202 if position is None else 200,
        )


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    views = SinkViews(runtime.sinks)
    shown = Response(type=SinkView, description="the sink as it is now")

    def act(verb: str, summary: str, handle: Any) -> Row:
        return Operation(
            id=f"{verb}_sink",
            method="POST",
            path=f"/v1/sinks/{{name}}/{verb}",
            tag="sinks",
            summary=summary,
            handle=handle,
            scope=scopes.ADMIN,
            audits=Audits(act=f"sink.{verb}", object="sink/{name}"),
            parameters=OneSink,
            responses={200: shown},
            problems=(Kind.JOURNAL_FULL, Kind.UNAVAILABLE),
        )

    return (
        Operation(
            id="list_sinks",
            method="GET",
            path="/v1/sinks",
            tag="sinks",
            summary="Sinks: position, lag, what fails",
            handle=views.listed,
            scope=scopes.READ,
            parameters=NoParameters,
            responses={
                200: Response(type=Items[SinkView], description="in the order of the configuration")
            },
        ),
        Operation(
            id="get_sink",
            method="GET",
            path="/v1/sinks/{name}",
            tag="sinks",
            summary="One sink",
            handle=views.get,
            scope=scopes.READ,
            parameters=OneSink,
            responses={200: shown},
        ),
        act("pause", "Deliver nothing more to a sink, also after a restart", views.pause),
        act("resume", "Go on delivering to a paused sink", views.resume),
        Operation(
            id="replay_into_sink",
            method="POST",
            path="/v1/sinks/{name}/replay",
            tag="sinks",
            summary="Offer one sink events once more, from a position or a time",
            handle=views.replay,
            scope=scopes.ADMIN,
            audits=Audits(act="sink.replay", object="sink/{name}"),
            parameters=OneSink,
            body=ReplayBody,
            responses={
                200: Response(type=ReplayView, description="the sink has begun there"),
                202: Response(
                    type=ReplayView, description="it begins there when its delivery under way ends"
                ),
            },
            problems=(
                Kind.REPLAY_PENDING,
                Kind.NOT_IN_JOURNAL,
                Kind.JOURNAL_FULL,
                Kind.UNAVAILABLE,
            ),
        ),
    )
