"""`/v1/events`: the journal's events as they come, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
import structlog
from aiohttp import HttpVersion11, web
from msgspec import Meta

from gateway.api import scopes
from gateway.api.callers import Caller
from gateway.api.operations import Call, Operation, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.api.streaming.frames import MEDIA_TYPE
from gateway.api.streaming.places import PATTERN, Place, parse
from gateway.api.streaming.reader import End, EventReader, taken
from gateway.api.streaming.selection import Choice
from gateway.api.streaming.tail import StreamPolicy, Tail
from gateway.clock import Clock
from gateway.contracts import Journal
from gateway.masking import Masker
from gateway.telemetry_figures import ApiFigures

_BEGINNING = "start"
_HEADERS = {
    "X-Accel-Buffering": "no",  # nginx would gather the stream before it passes anything on
}
_log = structlog.get_logger("tieline.api")

Globs = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=50)]


class StreamChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, and from where."""

    type: Annotated[
        Globs, Meta(description="globs of types, e.g. `tieline.call.*`; none: all")
    ] = []
    subject: Annotated[Globs, Meta(description="globs of subjects, e.g. `agent/*`; none: all")] = []
    connector: Annotated[Globs, Meta(description="only of these connectors")] = []
    after: (
        Annotated[
            str,
            Meta(
                pattern=rf"^{_BEGINNING}$|{PATTERN}",
                description="begin behind this position, e.g. the picture's, or behind this event's id; `start`: with"
                " the oldest event that the journal has; none: only what is new",
            ),
        ]
        | None
    ) = None
    follow: Annotated[
        bool, Meta(description="go on as events come; `false`: end when all that is there was sent")
    ] = True
    last_event_id: (
        Annotated[
            str,
            Meta(
                pattern=PATTERN,
                description="the id of the last event that was received: the stream goes on behind it, whatever"
                " `after` says",
            ),
        ]
        | None
    ) = None


class EventStreams:
    """All streams of one application."""

    def __init__(
        self,
        journal: Journal,
        policy: StreamPolicy,
        figures: ApiFigures,
        clock: Clock,
        *,
        mask: Masker | None = None,
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._figures = figures
        self._tail = Tail(journal, clock, policy, mask or Masker(()))
        self._catching_up = asyncio.Semaphore(policy.catching_up)

    def release(self) -> None:
        """Let all readers go: each is told that the gateway stops."""
        self._tail.stop()

    async def stream(self, call: Call[StreamChoice, None]) -> web.StreamResponse:
        """Serve one reader until it leaves."""
        asked = call.parameters
        start = self._start(asked)
        if self._tail.readers >= self._policy.readers:
            raise Problem(
                Kind.RATE_LIMITED,
                f"{self._policy.readers} event streams are open",
                headers={"Retry-After": f"{self._policy.retry_seconds:.0f}"},
            )
        if call.request.version < HttpVersion11:
            raise Problem(Kind.BAD_REQUEST, "an event stream needs HTTP/1.1")
        response = web.StreamResponse(headers={"Content-Type": MEDIA_TYPE, **_HEADERS})
        response.enable_chunked_encoding()
        response.force_close()
        await response.prepare(call.request)
        if call.request.method == "GET":
            await self._follow(call, response, start)
        return response

    async def _follow(
        self, call: Call[StreamChoice, None], response: web.StreamResponse, start: Place | None
    ) -> None:
        self._figures.streams_open += 1
        try:
            async with self._tail.reading():
                reason = await self._serve(call, response, start)
        finally:
            self._figures.streams_open -= 1
        self._figures.streams_ended[reason] += 1
        try:
            async with asyncio.timeout(self._policy.farewell_seconds):
                await response.write(reason.notice)
                await response.write_eof()
                async for _ in taken(_Connection(call.request), 0, self._policy.look_seconds):
                    pass
        except (TimeoutError, ConnectionError):
            if call.request.transport is not None:
                call.request.transport.abort()

    async def _serve(
        self, call: Call[StreamChoice, None], response: web.StreamResponse, start: Place | None
    ) -> End:
        reader = EventReader(
            self._tail,
            self._tail.selection(_choice(call.parameters, call.caller)),
            _Connection(call.request),
            clock=self._clock,
            catching_up=self._catching_up,
            follow=call.parameters.follow,
        )
        expires = call.caller.expires
        left = None if expires is None else (expires - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(left):
                await response.write(b":\n")  # the headers go out with the first piece
                return await reader.run(start)
        except TimeoutError:
            return End.EXPIRED
        except ConnectionError:
            return End.LEFT
        except Exception:  # noqa: BLE001 - the headers are out: nothing but the log can tell of a defect
            _log.exception("api.failed", method="GET", path=call.request.path)
            return End.FAILED

    def _start(self, asked: StreamChoice) -> Place | None:
        if asked.last_event_id is not None:
            return parse(asked.last_event_id)
        if asked.after is None:
            return None
        figures = self._tail.journal.statistics()
        if asked.after == _BEGINNING:
            return Place(figures.first_position - 1, self._tail.name)
        place = parse(asked.after)
        if place.journal not in {None, self._tail.name}:
            raise Problem(Kind.INVALID_QUERY, "after: the id is of another journal")
        if place.position > figures.last_position:
            raise Problem(
                Kind.INVALID_QUERY,
                f"after: the journal ends at position {figures.last_position}",
            )
        return place


class _Connection:
    """A `gateway.api.streaming.reader.Wire`: a request's transport, whose response has begun and is chunked.

    The web server's own writer would encode every piece for every reader anew.
    """

    def __init__(self, request: web.Request) -> None:
        self._request = request

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._transport.write(data)

    def pending(self) -> int:
        """How many wait."""
        return self._transport.get_write_buffer_size()

    @property
    def _transport(self) -> asyncio.WriteTransport:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the reader has gone")
        return transport


def _choice(asked: StreamChoice, caller: Caller) -> Choice:
    return Choice(
        types=frozenset(asked.type),
        subjects=frozenset(asked.subject),
        connectors=frozenset(asked.connector),
        only_connectors=caller.connectors,
        only_agents=caller.agents,
    )


def operations(streams: EventStreams) -> Sequence[Row]:
    """The rows."""
    return (
        Operation(
            id="stream_events",
            method="GET",
            path="/v1/events",
            tag="events",
            summary="Events as they come, as server-sent events",
            handle=streams.stream,
            scope=scopes.READ,
            honours=frozenset({"connectors", "agents"}),
            parameters=StreamChoice,
            headers={"last_event_id": "Last-Event-ID"},
            responses={
                200: Response(
                    type=str,
                    description="unnamed events are those of the journal; `gap` and `closed` are said by the stream",
                    media_type=MEDIA_TYPE,
                )
            },
            problems=(Kind.RATE_LIMITED, Kind.BAD_REQUEST),
        ),
    )
