"""A runtime for tests of the API: it implements the whole protocol, in memory, without a platform."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from gateway.api.runtime import ApiRuntime, ConnectorView, ErrorView, FeedView, Readiness
from gateway.capabilities import check
from gateway.commands import (
    Argument,
    Capability,
    Command,
    CommandRecord,
    CommandRequest,
    Outcome,
    Verb,
)
from gateway.errors import CommandRefused, Reason, TielineError
from gateway.picture import Picture

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CAPABILITIES = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=("agent",),
        arguments=(
            Argument(name="state", kind="string", required=True, choices=("ready", "not_ready")),
            Argument(name="reason", kind="string"),
        ),
        confirmed_by=("tieline.agent.state.changed.v1",),
    ),
    Capability(
        verb=Verb.CALL_DIAL,
        target=("agent",),
        arguments=(Argument(name="destination", kind="string", required=True),),
    ),
)


class FakeRuntime:
    """Commands stay accepted until `settle`; `failure` is raised by the next call to anything."""

    def __init__(self) -> None:
        self.readiness = Readiness(ok=True)
        self.picture = Picture()
        self.failure: Exception | None = None
        self.records: dict[str, CommandRecord] = {}
        self.submitted = asyncio.Event()
        self.waiting = asyncio.Event()
        self._keys: dict[str, str] = {}
        self._settled: dict[str, asyncio.Event] = {}

    def feeds(self) -> Sequence[FeedView]:
        """Two feeds of one connector."""
        self._fail()
        return [
            FeedView(
                name="gws-main/anna",
                connector="gws-main",
                platform="test_platform",
                guarantee="resumable",
                state="connected",
                state_since=NOW,
                session="s1",
                last_event_at=NOW,
                events=7,
            ),
            FeedView(
                name="gws-main/ben",
                connector="gws-main",
                platform="test_platform",
                guarantee="resumable",
                state="auth_rejected",
                state_since=NOW,
                operator_action="check the account",
                last_error=ErrorView(reason="auth", message="refused"),
            ),
        ]

    def connectors(self) -> Sequence[ConnectorView]:
        """One connector."""
        self._fail()
        return [
            ConnectorView(
                name="gws-main",
                platform="test_platform",
                guarantee="resumable",
                state="degraded",
                feeds={"connected": 1, "auth_rejected": 1},
                commands=CAPABILITIES,
                events={"tieline.agent.state.changed.v1": "full"},
                version="2026-01",
            )
        ]

    def ready(self) -> Readiness:
        """What the test says."""
        self._fail()
        return self.readiness

    def metrics(self) -> bytes:
        """One metric."""
        self._fail()
        return b"# TYPE tieline_info gauge\ntieline_info 1.0\n"

    async def submit(
        self, request: CommandRequest, *, idempotency_key: str | None, requester: str
    ) -> CommandRecord:
        """Check against the table, remember the key, keep the command."""
        self._fail()
        if request.connector != "gws-main":
            raise CommandRefused(
                f"connector: there is no {request.connector!r}", reason=Reason.NOT_FOUND
            )
        check(request, CAPABILITIES)
        digest = hashlib.sha256(msgspec.json.encode(request)).hexdigest()
        if idempotency_key in self._keys:
            record = self.records[self._keys[idempotency_key]]
            if record.digest != digest:
                raise TielineError("Idempotency-Key: used before", reason=Reason.CONFLICT)
            return record
        command = Command(
            id=f"command-{len(self.records) + 1}",
            verb=request.verb,
            connector=request.connector,
            target=request.target,
            requester=requester,
            created=NOW,
            deadline=NOW + timedelta(seconds=request.deadline_seconds or 15),
            arguments=request.arguments,
            idempotency_key=idempotency_key,
        )
        record = CommandRecord(
            command=command, outcome=None, position=0, digest=digest, updated=NOW
        )
        self.records[command.id] = record
        self._settled[command.id] = asyncio.Event()
        self.submitted.set()
        if idempotency_key is not None:
            self._keys[idempotency_key] = command.id
        return record

    async def command(self, command_id: str) -> CommandRecord | None:
        """A command that was submitted."""
        self._fail()
        return self.records.get(command_id)

    async def commands(self, limit: int) -> Sequence[CommandRecord]:
        """The newest first."""
        self._fail()
        return list(self.records.values())[::-1][:limit]

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """Wait for `settle`."""
        self.waiting.set()
        try:
            async with asyncio.timeout(seconds):
                await self._settled[command_id].wait()
        except TimeoutError:
            pass
        return self.records.get(command_id)

    def settle(self, command_id: str, outcome: Outcome) -> None:
        """Give a command its verdict."""
        self.records[command_id] = msgspec.structs.replace(
            self.records[command_id], outcome=outcome
        )
        self._settled[command_id].set()

    def _fail(self) -> None:
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure


_IS_A_RUNTIME: type[ApiRuntime] = FakeRuntime
