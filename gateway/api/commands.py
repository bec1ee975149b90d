"""Commands over HTTP: sent, followed, looked up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.api import scopes
from gateway.api.operations import (
    ANY_SCOPE,
    Call,
    Items,
    Operation,
    Reply,
    Response,
    Row,
)
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.api.waiting import Waiting
from gateway.commands import CommandRecord, CommandRequest, Outcome, Status, Target, Verb
from gateway.errors import Reason

LONGEST_DEADLINE_SECONDS = 86_400
Wait = Annotated[
    float,
    Meta(
        ge=0,
        le=86_400,
        description="seconds to hold the answer until the verdict stands; at most `gateway.api.max_wait_seconds`",
    ),
]
CommandId = Annotated[str, Meta(min_length=1, max_length=64, description="the command's id")]


class StrictTarget(Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target in which a misspelt field is an error."""


class CommandBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command to send."""

    verb: Verb
    connector: Annotated[str, Meta(min_length=1, max_length=63)]
    target: StrictTarget = StrictTarget()
    arguments: dict[str, Any] = {}
    deadline_seconds: Annotated[float, Meta(gt=0, le=LONGEST_DEADLINE_SECONDS)] | None = None


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a command that is sent."""

    wait: Wait | None = None
    key: (
        Annotated[
            str,
            Meta(
                pattern=r'^("[!-~]{0,253}[!#-~]"|[!#-~][!-~]{0,254})$',
                description="the same key with the same body is the same command, never a second one;"
                " 1 to 255 visible ASCII characters, bare or quoted",
            ),
        ]
        | None
    ) = None


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of looking up one command."""

    id: CommandId
    wait: Wait | None = None


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="most commands in the answer")] = 100


class CommandView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command and what is known of it.

    `status` is `accepted` until there is a verdict; `final` says whether it stands; `evidence` is the id of the event
    that decided.
    """

    id: str
    verb: Verb
    connector: str
    target: Target
    arguments: dict[str, Any]
    requester: str
    created: datetime
    deadline: datetime
    updated: datetime
    status: Status
    final: bool
    idempotency_key: str | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    message: str | UnsetType = UNSET
    evidence: str | UnsetType = UNSET
    native_reply: Any = UNSET
    parts: dict[str, OutcomeView] | UnsetType = UNSET


class OutcomeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one part of a command on many."""

    status: Status
    reason: Reason | UnsetType = UNSET
    message: str | UnsetType = UNSET
    evidence: str | UnsetType = UNSET
    native_reply: Any = UNSET


class Commands:
    """Handlers over one runtime."""

    def __init__(self, runtime: ApiRuntime, waiting: Waiting) -> None:
        self._runtime = runtime
        self._waiting = waiting

    async def submit(self, call: Call[Submission, CommandBody]) -> Reply:
        """Accept a command; with `wait`, answer when its verdict stands or the time is over."""
        asked = call.body
        call.caller.require(scopes.command_scope(asked.verb))
        call.caller.require_sight(asked.connector, asked.target.agent)
        request = CommandRequest(
            verb=asked.verb,
            connector=asked.connector,
            target=Target(**msgspec.structs.asdict(asked.target)),
            arguments=asked.arguments,
            deadline_seconds=asked.deadline_seconds,
        )
        record = await self._runtime.submit(
            request, idempotency_key=_bare(call.parameters.key), requester=call.caller.name
        )
        record = await self._waiting.verdict(record, call.parameters.wait)
        location = call.request.app.router["get_command"].url_for(id=record.command.id)
        return Reply(
            value=view(record),
            status=200 if record.final else 202,
            headers={"Location": str(location)},
        )

    async def get(self, call: Call[Lookup, None]) -> Reply:
        """One command; with `wait`, when its verdict stands or the time is over."""
        record = await self._runtime.command(call.parameters.id)
        if record is None or not (
            call.caller.has(scopes.READ) or record.command.requester == call.caller.name
        ):
            raise Problem(Kind.NOT_FOUND, "there is no such command, or it is forgotten by now")
        call.caller.require_sight(record.command.connector, record.command.target.agent)
        return Reply(value=view(await self._waiting.verdict(record, call.parameters.wait)))

    async def newest(self, call: Call[Newest, None]) -> Reply:
        """The newest commands."""
        records = await self._runtime.commands(call.parameters.limit)
        return Reply(value=Items(items=[view(record) for record in records]))


def operations(runtime: ApiRuntime, waiting: Waiting) -> Sequence[Row]:
    """The rows."""
    commands = Commands(runtime, waiting)
    location = {"Location": "path of the command"}
    return (
        Operation(
            id="list_commands",
            method="GET",
            path="/v1/commands",
            tag="commands",
            summary="Commands, the newest first",
            handle=commands.newest,
            scope=scopes.READ,
            parameters=Newest,
            responses={200: Response(type=Items[CommandView], description="the newest first")},
        ),
        Operation(
            id="submit_command",
            method="POST",
            path="/v1/commands",
            tag="commands",
            summary="Send a command",
            handle=commands.submit,
            scope=ANY_SCOPE,
            honours=frozenset({"connectors", "agents"}),
            parameters=Submission,
            headers={"key": "Idempotency-Key"},
            body=CommandBody,
            responses={
                200: Response(type=CommandView, description="the verdict stands", headers=location),
                202: Response(
                    type=CommandView, description="written down; no verdict yet", headers=location
                ),
            },
            problems=(
                Kind.UNKNOWN_CONNECTOR,
                Kind.UNSUPPORTED_COMMAND,
                Kind.INVALID_COMMAND,
                Kind.KEY_REUSED,
                Kind.RATE_LIMITED,
                Kind.JOURNAL_FULL,
                Kind.UNAVAILABLE,
            ),
        ),
        Operation(
            id="get_command",
            method="GET",
            path="/v1/commands/{id}",
            tag="commands",
            summary="One command",
            handle=commands.get,
            scope=ANY_SCOPE,
            honours=frozenset({"connectors", "agents"}),
            parameters=Lookup,
            responses={200: Response(type=CommandView, description="as it stands")},
        ),
    )


def view(record: CommandRecord) -> CommandView:
    """A command as it is shown: the request, and its outcome without what only the router needs."""
    command, outcome = record.command, record.outcome
    shown = _outcome_view(outcome) if outcome else None
    return CommandView(
        id=command.id,
        verb=command.verb,
        connector=command.connector,
        target=command.target,
        arguments=command.arguments,
        requester=command.requester,
        created=command.created,
        deadline=command.deadline,
        updated=record.updated,
        status=shown.status if shown else Status.ACCEPTED,
        final=record.final,
        idempotency_key=_or_unset(command.idempotency_key),
        reason=shown.reason if shown else UNSET,
        message=shown.message if shown else UNSET,
        evidence=shown.evidence if shown else UNSET,
        native_reply=shown.native_reply if shown else UNSET,
        parts=(
            {name: _outcome_view(part) for name, part in outcome.parts.items()}
            if outcome and outcome.parts
            else UNSET
        ),
    )


def _outcome_view(outcome: Outcome) -> OutcomeView:
    return OutcomeView(
        status=outcome.status,
        reason=_or_unset(outcome.reason),
        message=_or_unset(outcome.message),
        evidence=_or_unset(outcome.evidence),
        native_reply=_or_unset(outcome.native_reply),
    )


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value


def _bare(key: str | None) -> str | None:
    """The key without the quotes that it may have.

    Source: the IETF draft "The Idempotency-Key HTTP Header Field", section 2.1 (a structured header's string).
    """
    if key is not None and key.startswith('"'):
        return key[1:-1]
    return key
