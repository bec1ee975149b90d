"""The operation that has a changed configuration taken over."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api import scopes
from gateway.api.operations import Audits, Call, NoParameters, Operation, Reply, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.api.reload_report import ReloadReport
from gateway.api.runtime import ApiRuntime
from gateway.errors import ConfigError


def operations(runtime: ApiRuntime) -> Sequence[Row]:
    """The row."""

    async def reload(_call: Call[NoParameters, None]) -> Reply:
        try:
            return Reply(value=await runtime.reload())
        except ConfigError as error:
            raise Problem(Kind.INVALID_CONFIGURATION, str(error)) from error

    return (
        Operation(
            id="reload",
            method="POST",
            path="/v1/reload",
            tag="gateway",
            summary="Read the configuration file again and swap what changed",
            handle=reload,
            scope=scopes.ADMIN,
            audits=Audits(act="configuration.reload", object="gateway"),
            parameters=NoParameters,
            responses={200: Response(type=ReloadReport, description="what was changed")},
            problems=(Kind.INVALID_CONFIGURATION, Kind.JOURNAL_FULL, Kind.UNAVAILABLE),
        ),
    )
