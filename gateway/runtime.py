"""The running gateway as the API and the demo see it. Views only: nothing here starts or stops anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text

from gateway import audit
from gateway.api.error_view import ErrorView
from gateway.api.reload_report import ReloadReport
from gateway.api.runtime import ConnectorView, FeedView, Readiness
from gateway.attachments import AttachmentSpool
from gateway.audit import Act
from gateway.clock import Clock
from gateway.command_router import CommandRouter
from gateway.commands import CommandRecord, CommandRequest
from gateway.contracts import Diagnosable, Journal
from gateway.contracts.attachments import StoredAttachment
from gateway.directory import Directory
from gateway.dispatcher import Dispatcher
from gateway.errors import CommandRefused, JournalFull, Reason
from gateway.feed_runner import FeedRunner
from gateway.lifecycle import StopSignal
from gateway.pausing import ConnectorPauses
from gateway.picture import Picture
from gateway.reloading import Reloader
from gateway.roster import Roster
from gateway.sink_desk import DispatcherDesk
from gateway.sink_runner import SinkRunner
from gateway.states import FeedState
from gateway.supervisor import Supervisor
from gateway.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything that runs, by what it is asked for."""

    roster: Roster
    supervisor: Supervisor
    pauses: ConnectorPauses
    sinks: DispatcherDesk
    sink_runner: SinkRunner
    journal: Journal
    router: CommandRouter
    attachments: AttachmentSpool
    picture: Picture
    directory: Directory
    registry: CollectorRegistry
    telemetry: Telemetry
    clock: Clock
    stop: StopSignal
    reloader: Reloader

    @property
    def dispatchers(self) -> Sequence[Dispatcher]:
        """One for each sink, in the order of the configuration."""
        return list(self.sink_runner.dispatchers.values())

    @property
    def connector_names(self) -> Sequence[str]:
        """In the order of the configuration."""
        return list(self.roster.connectors)

    @property
    def feed_runners(self) -> Sequence[FeedRunner]:
        """One for each feed."""
        return self.supervisor.runners

    def feeds(self) -> Sequence[FeedView]:
        """All feeds, by name."""
        return sorted(map(_feed_view, self.supervisor.runners), key=lambda view: view.name)

    def connectors(self) -> Sequence[ConnectorView]:
        """All connectors, in the order of the configuration."""
        return [self._connector_view(name) for name in self.roster.connectors]

    def _connector_view(self, name: str) -> ConnectorView:
        connector, platform = self.roster.connectors[name], self.roster.platforms[name]
        states = self._feed_states(name)
        return ConnectorView(
            name=name,
            platform=platform.name,
            guarantee=platform.guarantee.value,
            state=self._connector_state(name),
            paused_since=self.pauses.switch(name).since,
            feeds={state.value: number for state, number in states.items()},
            commands=platform.capabilities,
            events=platform.events,
            version=platform.version,
            diagnostics=connector.diagnostics() if isinstance(connector, Diagnosable) else {},
        )

    def _connector_state(self, connector: str) -> str:
        if self.pauses.switch(connector).paused:
            return "paused"
        states = self._feed_states(connector)
        connected = states[FeedState.CONNECTED]
        if connected == states.total():
            return "connected"
        return "degraded" if connected else "down"

    def _feed_states(self, connector: str) -> Counter[FeedState]:
        return Counter(
            runner.state
            for runner in self.supervisor.runners
            if runner.connector.name == connector and runner.state is not None
        )

    async def reload(self) -> ReloadReport:
        """Take the changed configuration file over, as `Reloader.reload` does."""
        return await self.reloader.reload()

    def ready(self) -> Readiness:
        """Ready: the journal has room and every connector has a feed that is connected and not quiet."""
        reasons = []
        if self.stop.requested:
            reasons.append("stopping")
        if self.journal.statistics().full:
            reasons.append("journal_full")
        if any(self._connector_state(name) == "down" for name in self.roster.connectors):
            reasons.append("connector_down")
        if any(self._is_quiet(name) for name in self.roster.connectors):
            reasons.append("feed_quiet")
        return Readiness(ok=not reasons, reasons=reasons)

    def _is_quiet(self, connector: str) -> bool:
        """All that is connected of a connector gives nothing."""
        quiet = [
            runner.watch.quiet_since is not None
            for runner in self.supervisor.runners
            if runner.connector.name == connector and runner.state is FeedState.CONNECTED
        ]
        return bool(quiet) and all(quiet)

    def metrics(self, *, openmetrics: bool = False) -> bytes:
        """The metrics in the Prometheus text exposition format, or in OpenMetrics, which has exemplars."""
        return (openmetrics_text if openmetrics else generate_latest)(self.registry)

    async def submit(
        self,
        request: CommandRequest,
        *,
        idempotency_key: str | None,
        requester: str,
        origin: str | None,
        traceparent: str | None = None,
    ) -> CommandRecord:
        """Accept a command, as `CommandRouter.submit` does; none to a connector that is paused."""
        name = request.connector
        if name in self.roster.connectors and self.pauses.switch(name).paused:
            raise CommandRefused(
                f"connector: {name!r} is paused",
                reason=Reason.STOPPED,
                hint=f"POST /v1/connectors/{name}/resume",
            )
        return await self.router.submit(
            request,
            idempotency_key=idempotency_key,
            requester=requester,
            origin=origin,
            traceparent=traceparent,
        )

    async def pause_connector(self, connector: str) -> None:
        """Pause a connector, as `ConnectorPauses.pause` does."""
        await self.pauses.pause(connector)

    async def resume_connector(self, connector: str) -> None:
        """Resume a connector."""
        await self.pauses.resume(connector)

    async def cancel(self, command_id: str) -> CommandRecord | None:
        """Take a command back, as `CommandRouter.cancel` does."""
        return await self.router.cancel(command_id)

    def command(self, command_id: str) -> CommandRecord | None:
        """A command that is remembered."""
        return self.router.get(command_id)

    def commands(self) -> Iterable[CommandRecord]:
        """All commands that are remembered, newest first."""
        return self.router.newest()

    async def upload(
        self, chunks: AsyncIterable[bytes], *, name: str, media_type: str
    ) -> StoredAttachment:
        """Keep a file for a command to send, as `AttachmentSpool.receive` does."""
        return await self.attachments.receive(chunks, name=name, media_type=media_type)

    def attachment(self, attachment_id: str) -> StoredAttachment | None:
        """A file that is kept."""
        return self.attachments.find(attachment_id)

    def discard_attachment(self, attachment_id: str) -> bool:
        """Remove a file before its time; whether there was one."""
        return self.attachments.discard(attachment_id)

    async def audit(self, act: Act) -> None:
        """Tell what somebody did, in the log and as an event; the log alone while the journal has no room."""
        self.telemetry.audited(act)
        event = audit.of_act(act, self.clock.now())
        try:
            await self.journal.append("audit", [event], None)
        except JournalFull as error:
            self.telemetry.audit_failed(act, error)

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """The command once its verdict stands, or as it is after that time."""
        return await self.router.wait_final(command_id, seconds)


def _feed_view(runner: FeedRunner) -> FeedView:
    state = runner.state or FeedState.PENDING
    return FeedView(
        name=runner.feed.name,
        connector=runner.connector.name,
        platform=runner.connector.platform,
        guarantee=runner.feed.guarantee.value,
        state=state.value,
        state_since=runner.state_since,
        operator_action=state.operator_action,
        session=runner.session,
        last_event_at=runner.last_event_at,
        quiet_since=runner.watch.quiet_since,
        last_error=ErrorView.of(runner.last_error),
        events=runner.events,
        gaps=runner.gaps,
    )
