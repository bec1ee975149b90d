"""A runtime for tests of the API: it implements the whole protocol, in memory, without a platform."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.api import table
from gateway.api.error_view import ErrorView
from gateway.api.event_stream import EventStreams
from gateway.api.operations import Row
from gateway.api.reload_report import BlockChanges, ReloadReport
from gateway.api.runtime import ApiRuntime, ConnectorView, FeedView, Readiness
from gateway.api.settings import ApiSettings
from gateway.api.streaming.tail import StreamPolicy
from gateway.api.waiting import Waiting
from gateway.audit import Act
from gateway.capabilities import check
from gateway.clock import SystemClock
from gateway.commands import (
    Argument,
    Capability,
    Command,
    CommandRecord,
    CommandRequest,
    Outcome,
    Status,
    Verb,
)
from gateway.contracts.attachments import StoredAttachment
from gateway.directory import Directory
from gateway.errors import AttachmentRefused, CommandRefused, Reason, TielineError
from gateway.journal import MemoryJournal
from gateway.picture import Picture
from gateway.sink_desk import DispatcherDesk
from gateway.telemetry_figures import ApiFigures

ATTACHMENT_BYTES = 200_000
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
        self.paused_since: datetime | None = None
        self.picture = Picture()
        self.directory = Directory((), clock=SystemClock())
        self.journal = MemoryJournal()
        self.sinks = DispatcherDesk({}, self.journal)
        self.failure: Exception | None = None
        self.records: dict[str, CommandRecord] = {}
        self.uploads: dict[str, StoredAttachment] = {}
        self.acts: list[Act] = []
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
                state="degraded" if self.paused_since is None else "paused",
                paused_since=self.paused_since,
                feeds={"connected": 1, "auth_rejected": 1},
                commands=CAPABILITIES,
                events={"tieline.agent.state.changed.v1": "full"},
                version="2026-01",
            )
        ]

    async def reload(self) -> ReloadReport:
        """Raise `failure`, or tell of one sink that came."""
        if self.failure is not None:
            raise self.failure
        return ReloadReport(connectors=BlockChanges(), sinks=BlockChanges(added=["crm"]))

    async def pause_connector(self, connector: str) -> None:
        """Pause the one connector."""
        assert connector == "gws-main"
        self.paused_since = NOW

    async def resume_connector(self, connector: str) -> None:
        """Resume it."""
        assert connector == "gws-main"
        self.paused_since = None

    def ready(self) -> Readiness:
        """What the test says."""
        self._fail()
        return self.readiness

    def metrics(self, *, openmetrics: bool = False) -> bytes:
        """One metric."""
        self._fail()
        return b"# TYPE tieline_info gauge\ntieline_info 1.0\n" + b"# EOF\n" * openmetrics

    async def submit(
        self,
        request: CommandRequest,
        *,
        idempotency_key: str | None,
        requester: str,
        origin: str | None,
        traceparent: str | None = None,
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
            created=NOW + timedelta(seconds=len(self.records)),
            deadline=NOW + timedelta(seconds=request.deadline_seconds or 15),
            arguments=request.arguments,
            idempotency_key=idempotency_key,
            origin=origin,
            traceparent=traceparent,
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

    async def cancel(self, command_id: str) -> CommandRecord | None:
        """Cancel a command that is not settled."""
        self._fail()
        record = self.records[command_id]
        if record.final:
            raise CommandRefused("it has its verdict", reason=Reason.CONFLICT)
        self.settle(command_id, Outcome(status=Status.REFUSED, reason=Reason.CANCELLED))
        return self.records[command_id]

    def command(self, command_id: str) -> CommandRecord | None:
        """A command that was submitted."""
        self._fail()
        return self.records.get(command_id)

    def commands(self) -> Iterable[CommandRecord]:
        """The newest first."""
        self._fail()
        return reversed(self.records.values())

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """Wait for `settle`."""
        self.waiting.set()
        try:
            async with asyncio.timeout(seconds):
                await self._settled[command_id].wait()
        except TimeoutError:
            pass
        return self.records.get(command_id)

    async def upload(
        self, chunks: AsyncIterable[bytes], *, name: str, media_type: str
    ) -> StoredAttachment:
        """Keep how long it is."""
        self._fail()
        sizes = [len(chunk) async for chunk in chunks]
        if sum(sizes) > ATTACHMENT_BYTES:
            raise AttachmentRefused("too long", reason=Reason.TOO_LARGE)
        stored = StoredAttachment(
            id=f"attachment-{len(self.uploads) + 1}",
            name=name,
            media_type=media_type,
            size_bytes=sum(sizes),
            path=Path("nowhere"),
            expires=NOW + timedelta(hours=1),
        )
        self.uploads[stored.id] = stored
        return stored

    def attachment(self, attachment_id: str) -> StoredAttachment | None:
        """A file that was uploaded."""
        return self.uploads.get(attachment_id)

    def discard_attachment(self, attachment_id: str) -> bool:
        """Forget it."""
        return self.uploads.pop(attachment_id, None) is not None

    async def audit(self, act: Act) -> None:
        """Remember the act."""
        self.acts.append(act)

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


def all_rows() -> list[Row]:
    """Every row of the API's table, over a runtime of its own."""
    runtime = FakeRuntime()
    streams = EventStreams(runtime.journal, StreamPolicy(), ApiFigures(), SystemClock())
    waiting = Waiting(runtime, longest_seconds=0)
    return list(table.operations(runtime, ApiSettings(), waiting, streams))
