"""The metrics that telemetry moves. Their names, labels and meaning are an interface: the run book lists them all.

What an event or a batch moves is looked up once per connector or sink, and named `..._of`.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway import __version__

_DELAY_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """All of one process."""

    def __init__(self, registry: CollectorRegistry, gateway: str) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tieline_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"tieline_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(
                f"tieline_{name}", text, labels, buckets=_DELAY_BUCKETS, registry=registry
            )

        info = gauge("info", "Name and version of the gateway.", "name", "version")
        info.labels(gateway, __version__).set(1)
        self.feeds = gauge("feeds", "Feeds by state.", "connector", "state")
        self.feed_events_of = lru_cache(
            counter("feed_events", "Events of feeds that entered the journal.", "connector").labels
        )
        self.feed_duplicate_events = counter(
            "feed_duplicate_events", "Events that the journal already had.", "connector"
        )
        newest = gauge(
            "feed_newest_event_timestamp_seconds", "When any feed last gave an event.", "connector"
        )
        self.feed_newest_event_of = lru_cache(newest.labels)
        self.feed_connects = counter("feed_connects", "Connections made.", "connector", "resumed")
        self.feed_disconnects = counter(
            "feed_disconnects", "Connections lost.", "connector", "reason"
        )
        self.feed_connect_failures = counter(
            "feed_connect_failures", "Attempts to connect that failed.", "connector", "reason"
        )
        self.feed_gaps = counter(
            "feed_gaps", "Interruptions that may have lost events.", "connector", "reason"
        )
        self.feeds_quiet = gauge(
            "feeds_quiet", "Connected feeds that gave nothing for longer than usual.", "connector"
        )
        self.feed_quiet_alarms = counter(
            "feed_quiet_alarms", "How often a quiet feed was connected anew.", "connector"
        )
        self.feed_resyncs = counter(
            "feed_resyncs",
            "Comparisons with the platform's state that no gap had asked for.",
            "connector",
            "reason",
        )
        self.secret_file_changes = counter(
            "secret_file_changes",
            "Changes of files with secrets, certificates or accounts.",
            "result",
        )
        for result in ("taken_over", "refused", "failed", "needs_restart"):
            # There from the start, so that the first one is seen as an increase.
            self.secret_file_changes.labels(result)
        self.connector_paused = gauge(
            "connector_paused", "1 while an operator has paused the connector.", "connector"
        )
        self.vendor_messages = counter(
            "vendor_messages", "Messages that the mapping did not understand.", "connector"
        )
        self.anomalies = counter(
            "anomalies", "Surprising events, passed on all the same.", "connector"
        )
        self.sink_up = gauge("sink_up", "1 when the sink is open.", "sink")
        self.sink_events_of = lru_cache(
            counter("sink_events", "Events that a sink has settled.", "sink").labels
        )
        self.sink_retries = counter(
            "sink_retries", "Deliveries that must be tried again.", "sink", "reason"
        )
        self.sink_held_events = gauge(
            "sink_held_events", "Events that are held back by their partition keys.", "sink"
        )
        self.sink_paused = gauge("sink_paused", "1 while the sink is paused.", "sink")
        self.dead_letters = counter(
            "dead_letters", "Events that became dead letters.", "sink", "reason"
        )
        self.sink_delivery_of = lru_cache(
            histogram("sink_delivery_seconds", "Duration of one batch's delivery.", "sink").labels
        )
        self.sink_delay_of = lru_cache(
            histogram(
                "sink_delay_seconds",
                "From receipt by the gateway to settlement by the sink, of the oldest event of each batch.",
                "sink",
            ).labels
        )
        self.commands = counter("commands", "Commands by verdict.", "connector", "verb", "status")
        self.stopping = gauge("stopping", "1 while the gateway drains.")
