"""The live picture: agents, calls, interactions, queues and alerts now, by filters, in pages, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from gateway.api import scopes
from gateway.api.callers import Caller
from gateway.api.cursors import cursor_of, place_of
from gateway.api.operations import Call, Cursor, Limit, Operation, Reply, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.picture_alerts import AlertEntry
from gateway.picture_data import AgentEntry, CallEntry, InteractionEntry, QueueEntry, queue_place
from gateway.picture_tables import Table
from gateway.states import AgentState, ConnectionState

T = TypeVar("T")

Position = Annotated[
    int,
    Meta(
        ge=0,
        description="the journal position that this is true for: what came later is in"
        " `/v1/events?after=<position>`",
    ),
]
Names = Annotated[list[str], Meta(max_length=100)]
Connectors = Annotated[Names, Meta(description="only of these connectors")]
Direction = Literal["inbound", "outbound", "internal", "consult", "unknown"]
QueueKind = Annotated[
    Literal["queue", "skill", "skill_group", "team", "group", "business_unit"],
    Meta(description="what it is: a queue, or something that is measured like one"),
]
LOOKED_AT_ONCE = 2_000
"""Entries that are judged before others have a turn: a few milliseconds."""
BOTH = frozenset[Literal["connectors", "agents"]]({"connectors", "agents"})


class PicturePage(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of the picture. `next` is the `cursor` of the part that follows, null at the end.

    Each page is true for its own position: between two pages the picture goes on.
    """

    position: Position
    items: Sequence[T]
    next: str | None = None


class PictureItem(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One thing of the picture."""

    position: Position
    item: T


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list."""

    connector: Connectors = []
    limit: Limit = 100
    cursor: Cursor | None = None


class AgentChoice(Paging, frozen=True, kw_only=True):
    """Which agents."""

    state: Annotated[list[AgentState], Meta(description="in one of these states")] = []
    medium: Annotated[Names, Meta(description="that are told to have one of these media")] = []


class CallChoice(Paging, frozen=True, kw_only=True):
    """Which calls."""

    state: Annotated[list[ConnectionState], Meta(description="in one of these states")] = []
    direction: Annotated[list[Direction], Meta(description="of these directions")] = []
    agent: Annotated[Names, Meta(description="that one of these agents takes part in")] = []
    queue: Annotated[Names, Meta(description="of these queues")] = []


class InteractionChoice(Paging, frozen=True, kw_only=True):
    """Which interactions."""

    state: Annotated[Names, Meta(description="in one of these states, e.g. `queued`")] = []
    medium: Annotated[Names, Meta(description="of these media, e.g. `chat`")] = []
    agent: Annotated[Names, Meta(description="that these agents have")] = []
    queue: Annotated[Names, Meta(description="of these queues")] = []
    workbin: Annotated[Names, Meta(description="in these workbins")] = []


class QueueChoice(Paging, frozen=True, kw_only=True):
    """Which queues."""

    kind: Annotated[list[QueueKind], Meta(description="of these kinds; none: queues")] = []


class AlertChoice(Paging, frozen=True, kw_only=True):
    """Which alerts."""

    rule: Annotated[Names, Meta(description="of these rules")] = []
    severity: Annotated[
        Names, Meta(description="of these severities, in the platform's words")
    ] = []


class One(msgspec.Struct, frozen=True, kw_only=True):
    """Which thing: ids are only unique within a connector."""

    connector: Annotated[str, Meta(description="the connector's name")]
    id: Annotated[str, Meta(description="the id, percent-encoded")]


class OneQueue(One, frozen=True, kw_only=True):
    """Which queue or group."""

    kind: QueueKind = "queue"


def _among(wanted: Sequence[Any], *found: Any) -> bool:
    return not wanted or any(one in wanted for one in found)


def _wants_agent(choice: AgentChoice, entry: AgentEntry) -> bool:
    return _among(choice.state, entry.state) and _among(
        choice.medium, *(medium.media for medium in entry.media)
    )


def _wants_call(choice: CallChoice, entry: CallEntry) -> bool:
    return (
        _among(choice.state, entry.state)
        and _among(choice.direction, entry.direction)
        and _among(choice.agent, *entry.agents)
        and _among(choice.queue, entry.queue)
    )


def _wants_interaction(choice: InteractionChoice, entry: InteractionEntry) -> bool:
    return (
        _among(choice.state, entry.state)
        and _among(choice.medium, entry.media)
        and _among(choice.agent, entry.agent)
        and _among(choice.queue, entry.queue)
        and _among(choice.workbin, entry.workbin)
    )


def _wants_queue(choice: QueueChoice, entry: QueueEntry) -> bool:
    return entry.kind in (choice.kind or ("queue",))


def _wants_alert(choice: AlertChoice, entry: AlertEntry) -> bool:
    return _among(choice.rule, entry.rule) and _among(choice.severity, entry.severity)


def _agents_of(entry: msgspec.Struct) -> Sequence[str]:
    if isinstance(entry, CallEntry):
        return entry.agents
    agent = getattr(entry, "agent", None)
    return () if agent is None else (agent,)


def _sees(caller: Caller, entry: Any) -> bool:
    """Whether the entry is within the caller's limits; a call is if one of its agents is."""
    agents = _agents_of(entry)
    if not agents:
        return caller.sees(entry.connector)
    return any(caller.sees(entry.connector, agent) for agent in agents)


class PictureViews:
    """Handlers over one picture."""

    def __init__(self, runtime: ApiRuntime) -> None:
        self._picture = runtime.picture

    def lister(
        self, table: Table[Any], wants: Callable[[Any, Any], bool]
    ) -> Callable[[Call[Any, None]], Awaitable[Reply]]:
        """The handler of a list."""

        async def listed(call: Call[Any, None]) -> Reply:
            choice, caller = call.parameters, call.caller
            place = None if choice.cursor is None else place_of(choice.cursor, tuple[str, str])
            # What changes while others have their turns comes again behind this position.
            position = self._picture.position
            items: list[Any] = []
            while True:
                more, place = table.page(
                    place,
                    choice.limit - len(items),
                    lambda entry: (
                        _among(choice.connector, entry.connector)
                        and wants(choice, entry)
                        and _sees(caller, entry)
                    ),
                    look_at=LOOKED_AT_ONCE,
                )
                items += more
                if place is None or len(items) == choice.limit:
                    break
                await asyncio.sleep(0)
            following = None if place is None else cursor_of(place)
            return Reply(value=PicturePage(position=position, items=items, next=following))

        return listed

    def finder(self, table: Table[Any], what: str) -> Callable[[Call[Any, None]], Awaitable[Reply]]:
        """The handler of one thing."""

        async def found(call: Call[Any, None]) -> Reply:
            asked = call.parameters
            name = queue_place(asked.kind, asked.id) if isinstance(asked, OneQueue) else asked.id
            entry = table.get((asked.connector, name))
            if entry is None or not _sees(call.caller, entry):
                raise Problem(
                    Kind.NOT_FOUND,
                    f"id: connector {asked.connector!r} has no {what} {asked.id!r} that the gateway knows of now",
                )
            return Reply(value=PictureItem(position=self._picture.position, item=entry))

        return found


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    views, picture = PictureViews(runtime), runtime.picture

    def pair(
        name: str,
        table: Table[Any],
        entry: type,
        choice: type[Paging],
        wants: Callable[[Any, Any], bool],
        *,
        one: type[One] = One,
        honours: frozenset[Literal["connectors", "agents"]] = BOTH,
    ) -> tuple[Row, Row]:
        described: Mapping[str, Any] = {
            "method": "GET",
            "tag": "picture",
            "scope": scopes.READ,
            "honours": honours,
        }
        return (
            Operation(
                id=f"list_{name}s",
                path=f"/v1/{name}s",
                summary=f"{name.capitalize()}s as they are now",
                handle=views.lister(table, wants),
                parameters=choice,
                responses={
                    200: Response(
                        type=PicturePage[entry],  # type: ignore[valid-type] # a type that is passed in
                        description="in the order of connectors and ids",
                    )
                },
                **described,
            ),
            Operation(
                id=f"get_{name}",
                path=f"/v1/{name}s/{{connector}}/{{id}}",
                summary=f"One {name} as it is now",
                handle=views.finder(table, name),
                parameters=one,
                responses={
                    200: Response(
                        type=PictureItem[entry],  # type: ignore[valid-type] # a type that is passed in
                        description="as it is now",
                    )
                },
                **described,
            ),
        )

    return (
        *pair("agent", picture.agent_table, AgentEntry, AgentChoice, _wants_agent),
        *pair("call", picture.call_table, CallEntry, CallChoice, _wants_call),
        *pair(
            "interaction",
            picture.interaction_table,
            InteractionEntry,
            InteractionChoice,
            _wants_interaction,
        ),
        *pair(
            "queue",
            picture.queue_table,
            QueueEntry,
            QueueChoice,
            _wants_queue,
            one=OneQueue,
            honours=frozenset({"connectors"}),
        ),
        *pair(
            "alert",
            picture.alert_table,
            AlertEntry,
            AlertChoice,
            _wants_alert,
            honours=frozenset({"connectors"}),
        ),
    )
