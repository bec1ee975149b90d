"""The vocabulary of the API: an `Operation` is one row that says everything about a method and path.

Routing, the checks before a handler runs, the OpenAPI document and the page for people are all made from the same rows,
so none of them can say something else than the others. A family of operations is a function that returns its rows;
`table.py` lists the families.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.api.callers import Caller
from gateway.api.problems import Kind

JSON = "application/json"
ANY_SCOPE = "any"
"""The scope of operations that take every valid token, and decide by what is asked."""

P = TypeVar("P")
B = TypeVar("B")
T = TypeVar("T")


class NoParameters(msgspec.Struct, frozen=True, kw_only=True):
    """An operation without parameters."""


class Items(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list that is complete."""

    items: Sequence[T]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list. `next` is the `cursor` of the part that follows, null at the end."""

    items: Sequence[T]
    next: str | None = None


Limit = Annotated[int, Meta(ge=1, le=1000, description="most items in the answer")]
Cursor = Annotated[
    str, Meta(max_length=512, description="`next` of the page before; none: the first page")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers: a value that is encoded as JSON, and its status."""

    value: Any
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[P, B]):
    """One request, checked: who sent it, its parameters and its body in the types of the row.

    Attributes:
        body: decoded, or None when the row has no `body`.
        request: for what no row describes: streamed bodies and answers, the peer's address.
    """

    caller: Caller
    parameters: P
    body: B
    request: web.Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One documented answer. `type` is any type that msgspec knows; None for an answer without a body."""

    type: Any
    description: str
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audits:
    """That an operation is an act which is told as an audit event, whatever comes of it.

    Attributes:
        act: what is done, `<object>.<verb>`.
        object: what it is done to, with `{name}` for parts of the path: `sink/{name}`.
        details: what of the parameters and the body is told; by default both, without long values.
        refusals_only: others tell of success, as the command router does with the verdict.
    """

    act: str
    object: str
    details: Callable[[Call[Any, Any]], Mapping[str, Any]] | None = None
    refusals_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[P, B]):
    """One row of the table.

    Attributes:
        id: stable name, unique; clients are generated from it.
        path: with `{name}` where a field of `parameters` belongs.
        scope: a scope that the caller must have, `ANY_SCOPE` for any valid token, None: open to all.
        open_on_loopback: no token is asked for while the API listens on loopback only.
        audits: set for what changes something: it is told as an audit event, and its caller's rate is limited.
        honours: limits of a caller that the handler applies. A caller with a limit that is not named here is refused.
        parameters: a struct; its fields are the parameters. Those named in the path come from there, those in
            `headers` from that header, all others from the query, lists by repetition. Annotate with `msgspec.Meta`.
        headers: field of `parameters` to the name of its header.
        body: type of the JSON body, None when there is none.
        body_schema: name of a schema that describes the body better than its type can.
        body_media_type: for a body that the handler reads itself from `Call.request`, whatever its size.
        responses: answers by status, without problems.
        problems: kinds of problem besides those that follow from the row itself.
    """

    id: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    tag: str
    summary: str
    handle: Callable[[Call[P, B]], Awaitable[Reply | web.StreamResponse]]
    scope: str | None
    responses: Mapping[int, Response]
    parameters: type[P]
    open_on_loopback: bool = False
    audits: Audits | None = None
    honours: frozenset[Literal["connectors", "agents"]] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: type[B] | None = None
    body_schema: str | None = None
    body_media_type: str | None = None
    problems: tuple[Kind, ...] = ()

    @property
    def all_problems(self) -> tuple[Kind, ...]:
        """Every kind of problem that may come, in the order of the table of problems."""
        kinds = {Kind.INVALID_QUERY, Kind.UNKNOWN_HOST, Kind.INTERNAL, *self.problems}
        if self.scope is not None:
            kinds |= {Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.UNAVAILABLE}
        if self.audits is not None:
            kinds.add(Kind.RATE_LIMITED)
        if self.headers:
            kinds.add(Kind.INVALID_HEADER)
        if "{" in self.path:
            kinds.add(Kind.NOT_FOUND)
        if self.body is not None:
            kinds |= {
                Kind.MALFORMED_JSON,
                Kind.BODY_TIMEOUT,
                Kind.TOO_LARGE,
                Kind.UNSUPPORTED_MEDIA_TYPE,
                Kind.INVALID_REQUEST,
            }
        return tuple(kind for kind in Kind if kind in kinds)


Row = Operation[Any, Any]
"""A row of any types, as the table holds it."""
