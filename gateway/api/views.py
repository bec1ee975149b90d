"""Health, metrics, feeds and connectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.api import scopes
from gateway.api.operations import Call, Items, NoParameters, Operation, Reply, Response, Row
from gateway.api.runtime import ApiRuntime, ConnectorView, FeedView, Readiness

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text"
OPENMETRICS_TYPE = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class FeedChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which feeds to show."""

    connector: Annotated[str, Meta(description="feeds of this connector")] | None = None
    state: Annotated[str, Meta(description="feeds in this state, e.g. `connected`")] | None = None


class Views:
    """Handlers over one runtime."""

    def __init__(self, runtime: ApiRuntime) -> None:
        self._runtime = runtime

    async def healthz(self, _call: Call[NoParameters, None]) -> Reply:
        """Whether the process answers."""
        return Reply(value=Health())

    async def readyz(self, _call: Call[NoParameters, None]) -> Reply:
        """Whether the gateway does its work."""
        readiness = self._runtime.ready()
        return Reply(value=readiness, status=200 if readiness.ok else 503)

    async def metrics(self, call: Call[NoParameters, None]) -> web.Response:
        """The metrics; as OpenMetrics for whoever can read it, since only that has exemplars."""
        openmetrics = OPENMETRICS in call.request.headers.get("Accept", "")
        return web.Response(
            body=self._runtime.metrics(openmetrics=openmetrics),
            headers={"Content-Type": OPENMETRICS_TYPE if openmetrics else METRICS_TYPE},
        )

    async def feeds(self, call: Call[FeedChoice, None]) -> Reply:
        """All feeds, or those of one connector, or in one state."""
        choice = call.parameters
        chosen = [
            feed
            for feed in self._runtime.feeds()
            if choice.connector in {None, feed.connector}
            and choice.state in {None, feed.state}
            and call.caller.sees(feed.connector)
        ]
        return Reply(value=Items(items=chosen))

    async def connectors(self, call: Call[NoParameters, None]) -> Reply:
        """All connectors with their capability tables."""
        chosen = [view for view in self._runtime.connectors() if call.caller.sees(view.name)]
        return Reply(value=Items(items=chosen))


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    views = Views(runtime)
    return (
        Operation(
            id="health",
            method="GET",
            path="/healthz",
            tag="health",
            summary="Whether the process answers",
            handle=views.healthz,
            scope=None,
            parameters=NoParameters,
            responses={200: Response(type=Health, description="it does")},
        ),
        Operation(
            id="readiness",
            method="GET",
            path="/readyz",
            tag="health",
            summary="Whether the gateway does its work",
            handle=views.readyz,
            scope=None,
            parameters=NoParameters,
            responses={
                200: Response(type=Readiness, description="it does"),
                503: Response(type=Readiness, description="it does not; `reasons` says why"),
            },
        ),
        Operation(
            id="metrics",
            method="GET",
            path="/metrics",
            tag="health",
            summary="Metrics for Prometheus",
            handle=views.metrics,
            scope=scopes.READ,
            open_on_loopback=True,
            parameters=NoParameters,
            responses={
                200: Response(
                    type=str, description="the text exposition format", media_type="text/plain"
                )
            },
        ),
        Operation(
            id="list_feeds",
            method="GET",
            path="/v1/feeds",
            tag="feeds",
            summary="Feeds with their state and last error",
            handle=views.feeds,
            scope=scopes.READ,
            honours=frozenset({"connectors"}),
            parameters=FeedChoice,
            responses={200: Response(type=Items[FeedView], description="feeds by name")},
        ),
        Operation(
            id="list_connectors",
            method="GET",
            path="/v1/connectors",
            tag="connectors",
            summary="Connectors: state, guarantee, capability table",
            handle=views.connectors,
            scope=scopes.READ,
            honours=frozenset({"connectors"}),
            parameters=NoParameters,
            responses={
                200: Response(
                    type=Items[ConnectorView], description="in the order of the configuration"
                )
            },
        ),
    )
