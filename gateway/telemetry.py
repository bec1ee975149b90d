"""Telemetry: a list of named things that can happen; each writes its log line and moves its metrics together.

Nothing else in the core logs operations or touches a metric, so this file is the list of what an operator can see.
State changes are logged once, not per attempt. Label values come from the configuration (connector, sink) or from
closed lists; no agent, call, user or feed name is ever a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from gateway import __version__
from gateway.audit import Act
from gateway.commands import CommandRecord
from gateway.errors import REMEDIES, Reason, TielineError
from gateway.journal.notices import JournalNotice, Notice
from gateway.states import FeedState
from gateway.telemetry_metrics import Metrics
from gateway.tracing import Tracing, trace_id_of

_GAP_HINT = "feed.gap.closed says from when to when, and what was recovered; see the run book"


class Telemetry:
    """Everything the gateway says about itself. One per process, passed in where it is needed.

    Attributes:
        registry: where the metrics are.
        tracing: makes the spans; None while nothing is traced. Set before anything runs.
    """

    def __init__(self, registry: CollectorRegistry, *, gateway: str = "tieline") -> None:
        self.registry = registry
        self.tracing: Tracing | None = None
        self._log = structlog.get_logger("tieline", gateway=gateway)

        self._metrics = Metrics(registry, gateway)
        self._paused_sinks: set[str] = set()

    def feed_state(self, connector: str, feed: str, old: FeedState | None, new: FeedState) -> None:
        """A feed went from one state to another."""
        if old is None:
            # A counter that first appears with its first event is one that no rate() sees grow.
            for counter in (
                self._metrics.vendor_messages,
                self._metrics.anomalies,
                self._metrics.feed_duplicate_events,
            ):
                counter.labels(connector)
            # None of a connector's feeds connected is a number too, and the one that pages.
            self._metrics.feeds.labels(connector, FeedState.CONNECTED.value)
        else:
            self._metrics.feeds.labels(connector, old.value).dec()
        self._metrics.feeds.labels(connector, new.value).inc()
        self._log.debug("feed state", feed=feed, old=old and old.value, new=new.value)

    def feed_connected(
        self, connector: str, feed: str, *, resumed: bool, after_failures: int
    ) -> None:
        """A feed is connected; said at info once per connection."""
        self._metrics.feed_connects.labels(connector, "yes" if resumed else "no").inc()
        self._log.info("feed connected", feed=feed, resumed=resumed, failures_before=after_failures)

    def feed_lost(self, connector: str, feed: str, error: TielineError) -> None:
        """An established connection is gone."""
        self._metrics.feed_disconnects.labels(connector, error.reason.value).inc()
        self._log.warning("feed disconnected", feed=feed, **_described(error))

    def feed_connect_failed(
        self, connector: str, feed: str, error: TielineError, *, first: bool, wait_seconds: float
    ) -> None:
        """An attempt to connect failed; only the first in a row is a warning."""
        self._metrics.feed_connect_failures.labels(connector, error.reason.value).inc()
        log = self._log.warning if first else self._log.debug
        log(
            "feed cannot connect",
            feed=feed,
            next_try_seconds=round(wait_seconds, 1),
            **_described(error),
        )

    def feed_given_up(self, connector: str, feed: str, error: TielineError) -> None:
        """A feed cannot work until a person changes the configuration."""
        self._metrics.feed_connect_failures.labels(connector, error.reason.value).inc()
        self._log.error("feed given up", feed=feed, **_described(error))

    def feed_crashed(self, connector: str, feed: str, error: BaseException) -> None:
        """A defect of ours ended a feed's session; it is connected again."""
        self._metrics.feed_disconnects.labels(connector, Reason.OTHER.value).inc()
        self._log.error("feed crashed: please report this", feed=feed, exc_info=error)

    def feed_delivered(
        self, connector: str, *, stored: int, duplicates: int, at_seconds: float
    ) -> None:
        """A delivery is durable."""
        self._metrics.feed_events_of(connector).inc(stored)
        self._metrics.feed_newest_event_of(connector).set(at_seconds)
        if duplicates:
            self._metrics.feed_duplicate_events.labels(connector).inc(duplicates)

    def feed_gap(self, connector: str, feed: str, *, reason: str) -> None:
        """Events of a feed may have been lost."""
        self._metrics.feed_gaps.labels(connector, reason).inc()
        self._log.warning("feed gap", feed=feed, reason=reason, hint=_GAP_HINT)

    def feed_quiet(self, connector: str, feed: str, since: datetime, rhythm_seconds: float) -> None:
        """A connected feed gave nothing for too long; it is connected anew."""
        self._metrics.feed_quiet_alarms.labels(connector).inc()
        self._log.warning(
            "feed quiet",
            feed=feed,
            since=since.isoformat(),
            rhythm_seconds=round(rhythm_seconds),
            hint="it is connected anew; set rhythm_seconds of the connector if that is usual",
        )

    def quiet_feeds(self, by_connector: Mapping[str, int]) -> None:
        """How many feeds are quiet now."""
        for connector, number in by_connector.items():
            self._metrics.feeds_quiet.labels(connector).set(number)

    def feed_resynced(self, connector: str, feed: str, reason: str, recovered: int) -> None:
        """The platform's state was compared without a gap; `recovered` events put right what differed."""
        self._metrics.feed_resyncs.labels(connector, reason).inc()
        log = self._log.warning if recovered else self._log.debug
        log(
            "feed compared with the platform",
            feed=feed,
            reason=reason,
            recovered=recovered,
            hint=_GAP_HINT,
        )

    def feed_left(self, connector: str, state: FeedState) -> None:
        """A stopped feed was removed with its connector."""
        self._metrics.feeds.labels(connector, state.value).dec()

    def connector_paused(self, connector: str, *, paused: bool) -> None:
        """An operator paused a connector or resumed it, or a restart found it paused."""
        self._metrics.connector_paused.labels(connector).set(paused)
        if paused:
            hint = f"`tieline connectors resume {connector}` ends it"
            self._log.warning("connector paused", connector=connector, hint=hint)
        else:
            self._log.info("connector resumed", connector=connector)

    def surprising(self, connector: str, *, not_understood: int, anomalies: int) -> None:
        """A delivery held messages that were not understood, or illegal transitions."""
        if not_understood:
            self._metrics.vendor_messages.labels(connector).inc(not_understood)
        if anomalies:
            self._metrics.anomalies.labels(connector).inc(anomalies)

    def journal_full(self, feed: str) -> None:
        """The journal refused an append for want of room; nothing is acknowledged until there is some."""
        self._log.error(
            "journal full: feeds are not acknowledged",
            feed=feed,
            hint=FeedState.JOURNAL_FULL.operator_action,
        )

    def journal_has_room(self, feed: str) -> None:
        """Appends succeed again."""
        self._log.info("journal has room again", feed=feed)

    def journal_notice(self, notice: JournalNotice) -> None:
        """The journal's condition changed."""
        harmless = notice.notice in {Notice.ROOM, Notice.TRIMMED}
        log = self._log.info if harmless else self._log.error
        more = {} if harmless else {"hint": "see the journal's part of the run book"}
        log(
            "journal",
            condition=notice.notice.value,
            text=notice.message,
            events=notice.events,
            **more,
        )

    def sink_opened(self, sink: str, *, position: int) -> None:
        """A sink takes events."""
        self._metrics.sink_up.labels(sink).set(1)
        self._log.info("sink open", sink=sink, position=position)

    def taken_over(self, report: object, *, result: str, hint: str, files: bool = False) -> None:
        """A changed configuration, or `files` that it draws on, are in force, but for what the hint names.

        `result` is `taken_over`, `needs_restart` or `failed`; a hint is empty only at the first.
        """
        if files:
            self._metrics.secret_file_changes.labels(result).inc()
        log = self._log.error if result == "failed" else self._log.warning
        what = "changed files taken over" if files else "configuration reloaded"
        more = {"hint": hint} if hint else {}
        (log if hint else self._log.info)(what, **msgspec.to_builtins(report), **more)

    def reload_refused(self, error: TielineError) -> None:
        """A configuration could not be taken over; what was in force still is."""
        self._log.error("configuration not reloaded", **_described(error))

    def files_refused(self, error: TielineError) -> None:
        """A file that the configuration draws on has changed and cannot be taken over; what was in force still is."""
        self._metrics.secret_file_changes.labels("refused").inc()
        self._log.error("changed files not taken over", **_described(error))

    def sink_forgotten(self, sink: str, *, undelivered: int) -> None:
        """A sink is no longer configured; the journal keeps nothing for it any more."""
        for gauge in (
            self._metrics.sink_up,
            self._metrics.sink_held_events,
            self._metrics.sink_paused,
        ):
            gauge.remove(sink)
        self._log.warning(
            "sink removed from the configuration",
            sink=sink,
            undelivered=undelivered,
            hint="nothing, if it was meant; a sink that is added under the name later begins anew",
        )

    def sink_lost(
        self, sink: str, error: TielineError, *, first: bool, wait_seconds: float
    ) -> None:
        """A sink could not be opened, or failed as a whole."""
        self._metrics.sink_up.labels(sink).set(0)
        self._metrics.sink_retries.labels(sink, error.reason.value).inc()
        log = self._log.warning if first else self._log.debug
        log("sink failing", sink=sink, next_try_seconds=round(wait_seconds, 1), **_described(error))

    def sink_setback(
        self, sink: str, *, reason: Reason, message: str, first: bool, wait_seconds: float
    ) -> None:
        """A sink stopped before the end of a batch; the rest is offered again."""
        self._metrics.sink_retries.labels(sink, reason.value).inc()
        log = self._log.warning if first else self._log.debug
        log(
            "sink delivery must be repeated",
            sink=sink,
            reason=reason.value,
            error=message,
            next_try_seconds=round(wait_seconds, 1),
            hint=REMEDIES[reason],
        )

    def sink_held_key(self, sink: str, reason: Reason, message: str) -> None:
        """A receiver failed at the events of one key; they are held, all others go on."""
        self._metrics.sink_retries.labels(sink, reason.value).inc()
        self._log.warning(
            "sink holds a key back",
            sink=sink,
            reason=reason.value,
            error=message,
            hint=REMEDIES[reason],
        )

    def sink_holds(self, sink: str, *, events: int) -> None:
        """How many events a sink holds back."""
        self._metrics.sink_held_events.labels(sink).set(events)

    def sink_paused(self, sink: str, *, paused: bool) -> None:
        """A sink is paused, or is not; told at the start too, and logged if it is news."""
        self._metrics.sink_paused.labels(sink).set(paused)
        if paused:
            self._paused_sinks.add(sink)
            self._log.info("sink paused", sink=sink)
        elif sink in self._paused_sinks:
            self._paused_sinks.remove(sink)
            self._log.info("sink resumed", sink=sink)

    def sink_crashed(self, sink: str, error: BaseException) -> None:
        """A defect of ours ended a delivery; the sink is opened anew."""
        self._metrics.sink_up.labels(sink).set(0)
        self._metrics.sink_retries.labels(sink, Reason.OTHER.value).inc()
        self._log.error("sink crashed: please report this", sink=sink, exc_info=error)

    def sink_delivered(
        self,
        sink: str,
        *,
        events: int,
        duration_seconds: float,
        delay_seconds: float,
        traceparent: str | None = None,
    ) -> None:
        """A batch, or its front, is settled; `traceparent` is that of the event whose delay it is."""
        self._metrics.sink_events_of(sink).inc(events)
        trace_id = trace_id_of(traceparent)
        exemplar = None if trace_id is None else {"trace_id": trace_id}
        self._metrics.sink_delivery_of(sink).observe(duration_seconds, exemplar)
        self._metrics.sink_delay_of(sink).observe(delay_seconds, exemplar)

    def dead_letter(self, sink: str, event_id: str, reason: Reason, message: str) -> None:
        """A sink refused an event for good."""
        self._metrics.dead_letters.labels(sink, reason.value).inc()
        self._log.warning(
            "event became a dead letter",
            sink=sink,
            event_id=event_id,
            reason=reason.value,
            error=message,
            hint="see `tieline dead-letters list`; replay it when the receiver is mended",
        )

    def command_settled(self, record: CommandRecord) -> None:
        """A command has a status: accepted, or its verdict."""
        command, outcome = record.command, record.outcome
        if outcome is None:
            return
        self._metrics.commands.labels(
            command.connector, command.verb.value, outcome.status.value
        ).inc()
        self._log.info(
            "command",
            command=command.id,
            verb=command.verb.value,
            connector=command.connector,
            status=outcome.status.value,
            reason=outcome.reason and outcome.reason.value,
        )
        if self.tracing is not None and record.final:
            self.tracing.decided(record)

    def traces_exported(self, peer: str, works: bool) -> None:  # noqa: FBT001 - a callback's value
        """The receiver of traces began to fail, or takes them again; told from any thread."""
        if works:
            self._log.info("traces are exported again", peer=peer)
        else:
            self._log.warning(
                "traces cannot be exported",
                peer=peer,
                hint="see whether the receiver runs, gateway.traces.headers and ca_file; events are not affected",
            )

    def audited(self, act: Act) -> None:
        """Somebody did an administrative act, or tried to."""
        self._log.info(
            "audit",
            act=act.act,
            object=act.object,
            requester=act.requester,
            origin=act.origin,
            outcome=act.outcome,
            reason=act.reason,
        )

    def audit_failed(self, act: Act, error: TielineError) -> None:
        """An act stands in the log only: the journal could not take its event."""
        self._log.error("audit event lost", act=act.act, object=act.object, **_described(error))

    def started(self, *, feeds: int, sinks: int, api: str | None) -> None:
        """The gateway runs."""
        self._log.info("gateway started", version=__version__, feeds=feeds, sinks=sinks, api=api)

    def stopping(self, *, signal: str, deadline_seconds: float) -> None:
        """A planned stop began."""
        self._metrics.stopping.set(1)
        self._log.info("gateway stopping", signal=signal, deadline_seconds=deadline_seconds)

    def stopped(self, *, clean: bool, undelivered: dict[str, int]) -> None:
        """The stop is over; what sinks have not had yet waits in the journal."""
        self._log.info("gateway stopped", clean=clean, undelivered=undelivered)

    def cleanup_failed(self, step: str, error: BaseException) -> None:
        """One step of the clean-up failed; the others went on."""
        self._log.error("clean-up step failed: please report this", step=step, exc_info=error)


def _described(error: TielineError) -> dict[str, Any]:
    return {
        "reason": error.reason.value,
        "error": error.message,
        "hint": error.hint or REMEDIES[error.reason],
    }
