"""What an administrator does to connectors: pause and resume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.api import scopes
from gateway.api.operations import Audits, Call, Operation, Reply, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime, ConnectorView

LIMITS = frozenset[Literal["connectors", "agents"]]({"connectors"})


class OneConnector(msgspec.Struct, frozen=True, kw_only=True):
    """Which connector."""

    name: Annotated[str, Meta(min_length=1, max_length=63, description="the connector's name")]


class ConnectorActs:
    """Handlers over one runtime."""

    def __init__(self, runtime: ApiRuntime) -> None:
        self._runtime = runtime

    def _find(self, name: str) -> ConnectorView:
        views = {view.name: view for view in self._runtime.connectors()}
        if name not in views:
            known = ", ".join(views) or "none"
            raise Problem(
                Kind.NOT_FOUND, f"name: there is no connector {name!r}; there are: {known}"
            )
        return views[name]

    async def get(self, call: Call[OneConnector, None]) -> Reply:
        """One connector."""
        call.caller.require_sight(call.parameters.name)
        return Reply(value=self._find(call.parameters.name))

    async def pause(self, call: Call[OneConnector, None]) -> Reply:
        """Pause it; it is told as it is when that is on record."""
        return await self._act(call, self._runtime.pause_connector)

    async def resume(self, call: Call[OneConnector, None]) -> Reply:
        """Resume it."""
        return await self._act(call, self._runtime.resume_connector)

    async def _act(
        self, call: Call[OneConnector, None], act: Callable[[str], Awaitable[None]]
    ) -> Reply:
        name = call.parameters.name
        call.caller.require_sight(name)
        self._find(name)
        await act(name)
        return Reply(value=self._find(name))


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The rows."""
    acts = ConnectorActs(runtime)
    shown = {200: Response(type=ConnectorView, description="the connector as it is now")}

    def act(verb: str, summary: str, handle: Any) -> Row:
        return Operation(
            id=f"{verb}_connector",
            method="POST",
            path=f"/v1/connectors/{{name}}/{verb}",
            tag="connectors",
            summary=summary,
            handle=handle,
            scope=scopes.ADMIN,
            honours=LIMITS,
            audits=Audits(act=f"connector.{verb}", object="connector/{name}"),
            parameters=OneConnector,
            responses=shown,
            problems=(Kind.JOURNAL_FULL, Kind.UNAVAILABLE),
        )

    return (
        Operation(
            id="get_connector",
            method="GET",
            path="/v1/connectors/{name}",
            tag="connectors",
            summary="One connector",
            handle=acts.get,
            scope=scopes.READ,
            honours=LIMITS,
            parameters=OneConnector,
            responses=shown,
        ),
        act("pause", "Read nothing more of a connector, also after a restart", acts.pause),
        act("resume", "Connect the feeds of a paused connector again", acts.resume),
    )
