"""What the API asks of the gateway, and the views that it shows."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from gateway.api.error_view import ErrorView
from gateway.api.reload_report import ReloadReport
from gateway.api.sinks import SinkDesk
from gateway.audit import Act
from gateway.commands import Capability, CommandRecord, CommandRequest
from gateway.contracts import Journal
from gateway.contracts.attachments import StoredAttachment
from gateway.directory import Directory
from gateway.picture import Picture


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """One feed.

    Attributes:
        state: a `gateway.states.FeedState`; since `state_since`.
        operator_action: what a person should do about the state; empty when nothing.
        session: the platform session's public name.
        quiet_since: the last event of a feed that gives nothing for longer than usual.
        events, gaps: counted since the process began.
    """

    name: str
    connector: str
    platform: str
    guarantee: str
    state: str
    state_since: datetime
    operator_action: str = ""
    session: str | None = None
    last_event_at: datetime | None = None
    quiet_since: datetime | None = None
    last_error: ErrorView | None = None
    events: int = 0
    gaps: int = 0


class ConnectorView(msgspec.Struct, frozen=True, kw_only=True):
    """One connector: what it promises, what it takes, how its feeds are.

    Attributes:
        state: `connected` when all feeds are, `degraded` when some are, `down` when none is, `paused` when
            an operator wants so, since `paused_since`.
        feeds: number of feeds by state.
        commands: the capability table.
        events: event type to `full` or `partial`.
        version: of the platform's tables.
        diagnostics: the connector's own facts, redacted.
    """

    name: str
    platform: str
    guarantee: str
    state: str
    feeds: Mapping[str, int]
    commands: Sequence[Capability]
    events: Mapping[str, str]
    version: str
    diagnostics: Mapping[str, Any] = {}
    paused_since: datetime | None = None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the gateway does its work. `reasons` are bounded words without names: everyone may read them."""

    ok: bool
    reasons: Sequence[str] = ()


class ApiRuntime(Protocol):
    """The running gateway as the API sees it. Nothing here blocks on a platform or a receiver."""

    @property
    def picture(self) -> Picture:
        """Agents, calls, interactions and queues as they are now. For reading only."""
        ...

    @property
    def directory(self) -> Directory:
        """The platforms' lists."""
        ...

    @property
    def journal(self) -> Journal:
        """The events. For reading only."""
        ...

    @property
    def sinks(self) -> SinkDesk:
        """All sinks, and their dead letters."""
        ...

    def feeds(self) -> Sequence[FeedView]:
        """All feeds, by name."""
        ...

    def connectors(self) -> Sequence[ConnectorView]:
        """All connectors, in the order of the configuration."""
        ...

    async def pause_connector(self, connector: str) -> None:
        """Read nothing more of a connector until it is resumed, also after a restart. Raises KeyError, JournalError."""
        ...

    async def resume_connector(self, connector: str) -> None:
        """Connect its feeds again. Raises KeyError, JournalError."""
        ...

    async def reload(self) -> ReloadReport:
        """Read the configuration file again and swap what changed. Raises ConfigError: nothing was changed."""
        ...

    def ready(self) -> Readiness:
        """Whether traffic may be relied on. No I/O."""
        ...

    def metrics(self, *, openmetrics: bool = False) -> bytes:
        """The metrics in the Prometheus text exposition format 0.0.4, or in OpenMetrics 1.0.0."""
        ...

    async def submit(
        self,
        request: CommandRequest,
        *,
        idempotency_key: str | None,
        requester: str,
        origin: str | None,
        traceparent: str | None = None,
    ) -> CommandRecord:
        """Accept a command: durable when it returns, sent soon after; `traceparent` is the request's header.

        The same key with the same request gives the earlier command. Raises CommandRefused with reason `not_found`
        (no such connector), `unsupported`, `invalid`, `rate_limited` or `stopped`; a TielineError with reason
        `conflict` when the key belongs to another request; JournalFull.
        """
        ...

    async def cancel(self, command_id: str) -> CommandRecord | None:
        """Take a command back that waits for its turn; as it is then, None if it is not known.

        Raises CommandRefused with reason `conflict`: it was sent, or has its verdict.
        """
        ...

    def command(self, command_id: str) -> CommandRecord | None:
        """A command that is remembered."""
        ...

    def commands(self) -> Iterable[CommandRecord]:
        """All commands that are remembered, newest first; read it without waiting in between."""
        ...

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """The command once its verdict stands, or as it is after that time. Cancelling it changes nothing."""
        ...

    async def upload(
        self, chunks: AsyncIterable[bytes], *, name: str, media_type: str
    ) -> StoredAttachment:
        """Keep a file for a command to send; read chunk by chunk. Raises AttachmentRefused."""
        ...

    def attachment(self, attachment_id: str) -> StoredAttachment | None:
        """A file that is kept."""
        ...

    def discard_attachment(self, attachment_id: str) -> bool:
        """Remove a file before its time; whether there was one."""
        ...

    async def audit(self, act: Act) -> None:
        """Tell what somebody did, in the log and as an event. Raises nothing for want of room."""
        ...
