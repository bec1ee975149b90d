"""Taking a changed configuration over: what came of it, and the operation that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway.api import scopes
from gateway.api.operations import Audits, Call, NoParameters, Operation, Reply, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.api.runtime import ApiRuntime


class BlockChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Names of blocks that came, went, or were built anew."""

    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    changed: Sequence[str] = ()


class ReloadFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A block that could not be built although the file is right; what was there before runs on if there was one.

    Attributes:
        block: `connector/<name>` or `sink/<name>`.
    """

    block: str
    message: str
    hint: str = ""


class ReloadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload found and did.

    Attributes:
        taken_over: changed keys of `gateway` that are in force now.
        need_restart: changed keys of `gateway` that a running gateway cannot take over.
        failed: blocks that could not be built.
        warnings: about the file.
    """

    connectors: BlockChanges
    sinks: BlockChanges
    taken_over: Sequence[str] = ()
    need_restart: Sequence[str] = ()
    failed: Sequence[ReloadFailure] = ()
    warnings: Sequence[str] = ()


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
