"""Commands over HTTP: sent, followed, looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from gateway.api import command_schemas, scopes
from gateway.api.callers import Caller
from gateway.api.operations import (
    ANY_SCOPE,
    Audits,
    Call,
    Cursor,
    Limit,
    Operation,
    Page,
    Reply,
    Response,
    Row,
)
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.api.waiting import Waiting
from gateway.commands import CommandRecord, CommandRequest, Outcome, Status, Target, Verb
from gateway.errors import Reason
from gateway.tracing import HEADER

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
    deadline_seconds: (
        Annotated[float, Meta(gt=0, le=command_schemas.LONGEST_DEADLINE_SECONDS)] | None
    ) = None


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Names one command."""

    id: CommandId


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


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which commands to list. What is given must all be true of a command."""

    status: Annotated[list[Status], Meta(description="in one of these states")] = []
    verb: Annotated[list[Verb], Meta(description="one of these verbs")] = []
    connector: Annotated[str, Meta(description="sent to this connector")] | None = None
    agent: Annotated[str, Meta(description="about this agent")] | None = None
    requester: Annotated[str, Meta(description="sent by this caller")] | None = None
    cursor: Cursor | None = None
    limit: Limit = 100

    def matches(self, record: CommandRecord) -> bool:
        """Whether the command is to be listed."""
        command = record.command
        return (
            (not self.status or _status(record) in self.status)
            and (not self.verb or command.verb in self.verb)
            and self.connector in {None, command.connector}
            and self.agent in {None, command.target.agent}
            and self.requester in {None, command.requester}
        )


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
            request,
            idempotency_key=_bare(call.parameters.key),
            requester=call.caller.name,
            origin=call.request.remote,
            traceparent=_traceparent(call.request),
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
        record = self._find(call.caller, call.parameters.id)
        return Reply(value=view(await self._waiting.verdict(record, call.parameters.wait)))

    async def cancel(self, call: Call[Which, None]) -> Reply:
        """Take a command back that was not sent yet."""
        record = self._find(call.caller, call.parameters.id)
        call.caller.require(scopes.command_scope(record.command.verb))
        cancelled = await self._runtime.cancel(record.command.id)
        return Reply(value=view(cancelled or record))

    async def list(self, call: Call[Selection, None]) -> Reply:
        """Commands that were chosen, the newest first, page by page."""
        chosen = call.parameters
        before = _place(chosen.cursor) if chosen.cursor is not None else None
        found = (
            record
            for record in self._runtime.commands()
            if (before is None or _order(record) < before)
            and chosen.matches(record)
            and call.caller.sees(record.command.connector, record.command.target.agent)
        )
        records = [*islice(found, chosen.limit)]
        more = next(found, None) is not None
        return Reply(
            value=Page(
                items=[view(record) for record in records],
                next=_cursor(records[-1]) if more else None,
            )
        )

    def _find(self, caller: Caller, command_id: str) -> CommandRecord:
        """A command that the caller may see: all with the scope `read`, else those it has sent."""
        record = self._runtime.command(command_id)
        if record is None or not (
            caller.has(scopes.READ) or record.command.requester == caller.name
        ):
            raise Problem(Kind.NOT_FOUND, "there is no such command, or it is forgotten by now")
        caller.require_sight(record.command.connector, record.command.target.agent)
        return record


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
            handle=commands.list,
            scope=scopes.READ,
            honours=frozenset({"connectors", "agents"}),
            parameters=Selection,
            responses={200: Response(type=Page[CommandView], description="the newest first")},
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
            audits=Audits(
                act="command.send",
                object="command/-",
                details=_told_of_refusal,
                refusals_only=True,
            ),
            headers={"key": "Idempotency-Key"},
            body=CommandBody,
            body_schema=command_schemas.NAME,
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
        Operation(
            id="cancel_command",
            method="DELETE",
            path="/v1/commands/{id}",
            tag="commands",
            summary="Take a command back that was not sent yet",
            handle=commands.cancel,
            scope=ANY_SCOPE,
            honours=frozenset({"connectors", "agents"}),
            audits=Audits(act="command.cancel", object="command/{id}"),
            parameters=Which,
            responses={
                200: Response(
                    type=CommandView, description="it was not sent: refused, reason `cancelled`"
                )
            },
            problems=(Kind.ALREADY_SENT,),
        ),
    )


def _told_of_refusal(call: Call[Submission, CommandBody]) -> Mapping[str, Any]:
    """What an audit event tells of a command that was refused before it was written down."""
    asked = call.body
    return {
        "verb": asked.verb.value,
        "target": str(asked.target),
        "connector": asked.connector,
        "agent": asked.target.agent,
    }


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
        status=_status(record),
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


def _status(record: CommandRecord) -> Status:
    return Status.ACCEPTED if record.outcome is None else record.outcome.status


def _order(record: CommandRecord) -> tuple[datetime, str]:
    return (record.command.created, record.command.id)


def _cursor(record: CommandRecord) -> str:
    created, command_id = _order(record)
    return f"{created.isoformat()}|{command_id}"


def _place(cursor: str) -> tuple[datetime, str]:
    """The place in the list that a cursor names."""
    created, _, command_id = cursor.partition("|")
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Problem(Kind.INVALID_QUERY, "cursor: expected `next` of an earlier page")
    return (moment, command_id)


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value


def _traceparent(request: web.Request) -> str | None:
    """The trace that the request belongs to; what is wrong with the header is never the command's fault.

    Source: W3C Trace Context, section 3.2 (more than one header counts as none).
    """
    values = request.headers.getall(HEADER, [])
    return values[0] if len(values) == 1 else None


def _bare(key: str | None) -> str | None:
    """The key without the quotes that it may have.

    Source: the IETF draft "The Idempotency-Key HTTP Header Field", section 2.1 (a structured header's string).
    """
    if key is not None and key.startswith('"'):
        return key[1:-1]
    return key
