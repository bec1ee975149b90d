"""A receiver of OTLP over HTTP on a real socket: what comes is decoded with the protocol's own messages.

Source: OpenTelemetry Protocol specification, "OTLP/HTTP": POST of an ExportTraceServiceRequest as binary protobuf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.processes import eventually, free_port


@dataclass(frozen=True)
class SeenSpan:
    """One span as it arrived; ids in hexadecimal, `error` is the status' words, None if it did not fail."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...]
    error: str | None
    start_ns: int
    end_ns: int
    resource: Mapping[str, Any]


class OtlpReceiver:
    """Takes spans on `url`.

    Attributes:
        spans: all that came, in that order.
        headers: of the requests that came.
        status: what it answers; with other than 200 nothing is taken.
        hanging: set to let requests wait without an answer, until `release`.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()
        self.spans: list[SeenSpan] = []
        self.headers: list[Mapping[str, str]] = []
        self.status = 200
        self.hanging = False

    @property
    def url(self) -> str:
        """The endpoint for traces."""
        return f"http://127.0.0.1:{self._port}/v1/traces"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def release(self) -> None:
        """Answer who waits, and whoever comes."""
        self.hanging = False
        self._released.set()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers.append(dict(request.headers))
        if self.hanging:
            await self._released.wait()
        if self.status == 200:
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        return web.Response(
            status=self.status,
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )

    def named(self, prefix: str, *, trace_id: str | None = None) -> list[SeenSpan]:
        """The spans whose names begin so, of one trace if it is given."""
        return [
            span
            for span in self.spans
            if span.name.startswith(prefix) and trace_id in {None, span.trace_id}
        ]

    async def wait_for(self, prefix: str, *, trace_id: str | None = None) -> list[SeenSpan]:
        """The spans as `named`, when there is one."""
        found: list[SeenSpan] = await eventually(
            lambda: self.named(prefix, trace_id=trace_id), f"a span {prefix}", timeout_seconds=30.0
        )
        return found


def _spans(request: ExportTraceServiceRequest) -> list[SeenSpan]:
    return [
        SeenSpan(
            name=span.name,
            kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            attributes=_values(span.attributes),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
            error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            resource=_values(group.resource.attributes),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in attributes:
        pair: KeyValue = entry
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind) if kind else None
    return found
