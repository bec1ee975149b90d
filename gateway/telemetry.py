"""Telemetry: a list of named things that can happen; each writes its log line and moves its metrics together.

Nothing else in the core logs operations or touches a metric, so this file is the list of what an operator can see.
State changes are logged once, not per attempt. Label values come from the configuration (connector, sink) or from
closed lists; no agent, call, user or feed name is ever a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway import __version__
from gateway.audit import Act
from gateway.commands import CommandRecord
from gateway.errors import REMEDIES, Reason, TielineError
from gateway.journal.notices import JournalNotice, Notice
from gateway.states import FeedState
from gateway.tracing import Tracing, trace_id_of

_DELAY_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
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

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tieline_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"tieline_{name}", text, labels, registry=registry)

        info = gauge("info", "Name and version of the gateway.", "name", "version")
        info.labels(gateway, __version__).set(1)
        self._feeds = gauge("feeds", "Feeds by state.", "connector", "state")
        self._feed_events_of = lru_cache(
            counter("feed_events", "Events of feeds that entered the journal.", "connector").labels
        )
        self._feed_duplicates = counter(
            "feed_duplicate_events", "Events that the journal already had.", "connector"
        )
        newest = gauge(
            "feed_newest_event_timestamp_seconds", "When any feed last gave an event.", "connector"
        )
        self._feed_newest_of = lru_cache(newest.labels)
        self._connects = counter("feed_connects", "Connections made.", "connector", "resumed")
        self._disconnects = counter("feed_disconnects", "Connections lost.", "connector", "reason")
        self._connect_failures = counter(
            "feed_connect_failures", "Attempts to connect that failed.", "connector", "reason"
        )
        self._gaps = counter(
            "feed_gaps", "Interruptions that may have lost events.", "connector", "reason"
        )
        self._quiet = gauge(
            "feeds_quiet", "Connected feeds that gave nothing for longer than usual.", "connector"
        )
        self._fell_quiet = counter(
            "feed_quiet_alarms", "How often a quiet feed was connected anew.", "connector"
        )
        self._resyncs = counter(
            "feed_resyncs",
            "Comparisons with the platform's state that no gap had asked for.",
            "connector",
            "reason",
        )
        self._file_changes = counter(
            "secret_file_changes",
            "Changes of files with secrets, certificates or accounts.",
            "result",
        )
        for result in ("taken_over", "refused", "failed", "needs_restart"):
            # There from the start, so that the first one is seen as an increase.
            self._file_changes.labels(result)
        self._connector_paused = gauge(
            "connector_paused", "1 while an operator has paused the connector.", "connector"
        )
        self._not_understood = counter(
            "vendor_messages", "Messages that the mapping did not understand.", "connector"
        )
        self._anomalies = counter(
            "anomalies", "Surprising events, passed on all the same.", "connector"
        )
        self._sink_up = gauge("sink_up", "1 when the sink is open.", "sink")
        self._sink_events = counter("sink_events", "Events that a sink has settled.", "sink")
        self._sink_retries = counter(
            "sink_retries", "Deliveries that must be tried again.", "sink", "reason"
        )
        self._held = gauge(
            "sink_held_events", "Events that are held back by their partition keys.", "sink"
        )
        self._paused_sinks: set[str] = set()
        self._paused = gauge("sink_paused", "1 while the sink is paused.", "sink")
        self._dead = counter("dead_letters", "Events that became dead letters.", "sink", "reason")
        self._delivery = Histogram(
            "tieline_sink_delivery_seconds",
            "Duration of one batch's delivery.",
            ["sink"],
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self._delay = Histogram(
            "tieline_sink_delay_seconds",
            "From receipt by the gateway to settlement by the sink, of the oldest event of each batch.",
            ["sink"],
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self._commands = counter("commands", "Commands by verdict.", "connector", "verb", "status")
        self._stop_steps = gauge("stopping", "1 while the gateway drains.")

    def feed_state(self, connector: str, feed: str, old: FeedState | None, new: FeedState) -> None:
        """A feed went from one state to another."""
        if old is None:
            # A counter that first appears with its first event is one that no rate() sees grow.
            for counter in (self._not_understood, self._anomalies, self._feed_duplicates):
                counter.labels(connector)
            # None of a connector's feeds connected is a number too, and the one that pages.
            self._feeds.labels(connector, FeedState.CONNECTED.value)
        else:
            self._feeds.labels(connector, old.value).dec()
        self._feeds.labels(connector, new.value).inc()
        self._log.debug("feed state", feed=feed, old=old and old.value, new=new.value)

    def feed_connected(
        self, connector: str, feed: str, *, resumed: bool, after_failures: int
    ) -> None:
        """A feed is connected; said at info once per connection."""
        self._connects.labels(connector, "yes" if resumed else "no").inc()
        self._log.info("feed connected", feed=feed, resumed=resumed, failures_before=after_failures)

    def feed_lost(self, connector: str, feed: str, error: TielineError) -> None:
        """An established connection is gone."""
        self._disconnects.labels(connector, error.reason.value).inc()
        self._log.warning("feed disconnected", feed=feed, **_described(error))

    def feed_connect_failed(
        self, connector: str, feed: str, error: TielineError, *, first: bool, wait_seconds: float
    ) -> None:
        """An attempt to connect failed; only the first in a row is a warning."""
        self._connect_failures.labels(connector, error.reason.value).inc()
        log = self._log.warning if first else self._log.debug
        log(
            "feed cannot connect",
            feed=feed,
            next_try_seconds=round(wait_seconds, 1),
            **_described(error),
        )

    def feed_given_up(self, connector: str, feed: str, error: TielineError) -> None:
        """A feed cannot work until a person changes the configuration."""
        self._connect_failures.labels(connector, error.reason.value).inc()
        self._log.error("feed given up", feed=feed, **_described(error))

    def feed_crashed(self, connector: str, feed: str, error: BaseException) -> None:
        """A defect of ours ended a feed's session; it is connected again."""
        self._disconnects.labels(connector, Reason.OTHER.value).inc()
        self._log.error("feed crashed: please report this", feed=feed, exc_info=error)

    def feed_delivered(
        self, connector: str, *, stored: int, duplicates: int, at_seconds: float
    ) -> None:
        """A delivery is durable."""
        self._feed_events_of(connector).inc(stored)
        self._feed_newest_of(connector).set(at_seconds)
        if duplicates:
            self._feed_duplicates.labels(connector).inc(duplicates)

    def feed_gap(self, connector: str, feed: str, *, reason: str) -> None:
        """Events of a feed may have been lost."""
        self._gaps.labels(connector, reason).inc()
        self._log.warning("feed gap", feed=feed, reason=reason, hint=_GAP_HINT)

    def feed_quiet(self, connector: str, feed: str, since: datetime, rhythm_seconds: float) -> None:
        """A connected feed gave nothing for too long; it is connected anew."""
        self._fell_quiet.labels(connector).inc()
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
            self._quiet.labels(connector).set(number)

    def feed_resynced(self, connector: str, feed: str, reason: str, recovered: int) -> None:
        """The platform's state was compared without a gap; `recovered` events put right what differed."""
        self._resyncs.labels(connector, reason).inc()
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
        self._feeds.labels(connector, state.value).dec()

    def connector_paused(self, connector: str, *, paused: bool) -> None:
        """An operator paused a connector or resumed it, or a restart found it paused."""
        self._connector_paused.labels(connector).set(paused)
        if paused:
            hint = f"`tieline connectors resume {connector}` ends it"
            self._log.warning("connector paused", connector=connector, hint=hint)
        else:
            self._log.info("connector resumed", connector=connector)

    def surprising(self, connector: str, *, not_understood: int, anomalies: int) -> None:
        """A delivery held messages that were not understood, or illegal transitions."""
        if not_understood:
            self._not_understood.labels(connector).inc(not_understood)
        if anomalies:
            self._anomalies.labels(connector).inc(anomalies)

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
        self._sink_up.labels(sink).set(1)
        self._log.info("sink open", sink=sink, position=position)

    def taken_over(self, report: object, *, result: str, hint: str, files: bool = False) -> None:
        """A changed configuration, or `files` that it draws on, are in force, but for what the hint names.

        `result` is `taken_over`, `needs_restart` or `failed`; a hint is empty only at the first.
        """
        if files:
            self._file_changes.labels(result).inc()
        log = self._log.error if result == "failed" else self._log.warning
        what = "changed files taken over" if files else "configuration reloaded"
        more = {"hint": hint} if hint else {}
        (log if hint else self._log.info)(what, **msgspec.to_builtins(report), **more)

    def reload_refused(self, error: TielineError) -> None:
        """A configuration could not be taken over; what was in force still is."""
        self._log.error("configuration not reloaded", **_described(error))

    def files_refused(self, error: TielineError) -> None:
        """A file that the configuration draws on has changed and cannot be taken over; what was in force still is."""
        self._file_changes.labels("refused").inc()
        self._log.error("changed files not taken over", **_described(error))

    def sink_forgotten(self, sink: str, *, undelivered: int) -> None:
        """A sink is no longer configured; the journal keeps nothing for it any more."""
        for gauge in (self._sink_up, self._held, self._paused):
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
        self._sink_up.labels(sink).set(0)
        self._sink_retries.labels(sink, error.reason.value).inc()
        log = self._log.warning if first else self._log.debug
        log("sink failing", sink=sink, next_try_seconds=round(wait_seconds, 1), **_described(error))

    def sink_setback(
        self, sink: str, *, reason: Reason, message: str, first: bool, wait_seconds: float
    ) -> None:
        """A sink stopped before the end of a batch; the rest is offered again."""
        self._sink_retries.labels(sink, reason.value).inc()
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
        self._sink_retries.labels(sink, reason.value).inc()
        self._log.warning(
            "sink holds a key back",
            sink=sink,
            reason=reason.value,
            error=message,
            hint=REMEDIES[reason],
        )

    def sink_holds(self, sink: str, *, events: int) -> None:
        """How many events a sink holds back."""
        self._held.labels(sink).set(events)

    def sink_paused(self, sink: str, *, paused: bool) -> None:
        """A sink is paused, or is not; told at the start too, and logged if it is news."""
        self._paused.labels(sink).set(paused)
        if paused:
            self._paused_sinks.add(sink)
            self._log.info("sink paused", sink=sink)
        elif sink in self._paused_sinks:
            self._paused_sinks.remove(sink)
            self._log.info("sink resumed", sink=sink)

    def sink_crashed(self, sink: str, error: BaseException) -> None:
        """A defect of ours ended a delivery; the sink is opened anew."""
        self._sink_up.labels(sink).set(0)
        self._sink_retries.labels(sink, Reason.OTHER.value).inc()
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
        self._sink_events.labels(sink).inc(events)
        trace_id = trace_id_of(traceparent)
        exemplar = None if trace_id is None else {"trace_id": trace_id}
        self._delivery.labels(sink).observe(duration_seconds, exemplar)
        self._delay.labels(sink).observe(delay_seconds, exemplar)

    def dead_letter(self, sink: str, event_id: str, reason: Reason, message: str) -> None:
        """A sink refused an event for good."""
        self._dead.labels(sink, reason.value).inc()
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
        self._commands.labels(command.connector, command.verb.value, outcome.status.value).inc()
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
        self._stop_steps.set(1)
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
