"""Figures that are read at each scrape from the part that keeps them: journal, picture, control API, traces.

The parts count in plain attributes and know nothing of metrics, like the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.contracts import JournalStatistics
from gateway.picture_data import PictureStatistics
from gateway.tracing import SpanFigures


@dataclass(slots=True)
class ApiFigures:
    """What the control API counts.

    Attributes:
        requests: answers by operation and status; the operation is empty for paths that do not exist.
        streams_open: readers of the event stream.
        streams_ended: those that ended, by why.
    """

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    streams_open: int = 0
    streams_ended: Counter[str] = field(default_factory=Counter)


def watch_picture(registry: CollectorRegistry, statistics: Callable[[], PictureStatistics]) -> None:
    """Show the picture's figures at every scrape."""
    registry.register(_PictureCollector(statistics))


def watch_api(registry: CollectorRegistry, figures: ApiFigures) -> None:
    """Show the API's figures at every scrape."""
    registry.register(_ApiCollector(figures))


def watch_spans(registry: CollectorRegistry, figures: SpanFigures) -> None:
    """Show at every scrape what became of the spans of traces."""
    registry.register(_SpanCollector(figures))


def watch_journal(
    registry: CollectorRegistry,
    statistics: Callable[[], JournalStatistics],
    sinks: Collection[str],
    *,
    limit_bytes: int,
) -> None:
    """Show the journal's figures and its limit at every scrape, and the lag of the sinks that there are then."""
    registry.register(_JournalCollector(statistics, sinks, limit_bytes))


class _PictureCollector(Collector):
    def __init__(self, statistics: Callable[[], PictureStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[Metric]:
        figures = self._statistics()
        yield GaugeMetricFamily(
            "tieline_picture_position",
            "Journal position that the live picture is true for.",
            value=figures.position,
        )
        entries = GaugeMetricFamily(
            "tieline_picture_entries", "Entries of the live picture.", labels=["kind"]
        )
        for kind in ("agents", "calls", "interactions", "queues", "alerts"):
            entries.add_metric([kind], getattr(figures, kind))
        yield entries
        evicted = CounterMetricFamily(
            "tieline_picture_evicted",
            "Entries of the live picture that gave way, and values of queues that were left out.",
            labels=["kind"],
        )
        for kind, number in figures.evicted.items():
            evicted.add_metric([kind], number)
        yield evicted
        yield CounterMetricFamily(
            "tieline_picture_undecodable_events",
            "Events whose data was not what their type says.",
            value=figures.undecodable,
        )


class _ApiCollector(Collector):
    def __init__(self, figures: ApiFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        figures = self._figures
        requests = CounterMetricFamily(
            "tieline_api_requests",
            "Answers of the control API.",
            labels=["operation", "status"],
        )
        for (operation, status), number in figures.requests.items():
            requests.add_metric([operation, str(status)], number)
        yield requests
        yield GaugeMetricFamily(
            "tieline_event_streams", "Readers of the event stream.", value=figures.streams_open
        )
        ended = CounterMetricFamily(
            "tieline_event_streams_ended", "Event streams that ended.", labels=["reason"]
        )
        for reason, number in figures.streams_ended.items():
            ended.add_metric([reason], number)
        yield ended


class _SpanCollector(Collector):
    def __init__(self, figures: SpanFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        spans = CounterMetricFamily(
            "tieline_trace_spans", "Spans of traces by what became of them.", labels=["outcome"]
        )
        for outcome in ("exported", "failed", "dropped"):
            spans.add_metric([outcome], getattr(self._figures, outcome))
        yield spans


class _JournalCollector(Collector):
    def __init__(
        self,
        statistics: Callable[[], JournalStatistics],
        sinks: Collection[str],
        limit_bytes: int,
    ) -> None:
        self._statistics = statistics
        self._sinks = sinks
        self._limit_bytes = limit_bytes

    def collect(self) -> Iterable[Metric]:
        figures = self._statistics()
        for name, text, value in (
            ("events", "Events in the journal.", figures.events),
            ("size_bytes", "Size of the journal's files.", figures.size_bytes),
            ("limit_bytes", "Size that the journal is kept below.", self._limit_bytes),
            ("last_position", "Position of the newest event.", figures.last_position),
            ("full", "1 while appends are refused for want of room.", int(figures.full)),
        ):
            yield GaugeMetricFamily(f"tieline_journal_{name}", text, value=value)
        for name, text, value in (
            ("appended_events", "Events appended.", figures.appended),
            ("duplicate_events", "Events left out because they were there.", figures.duplicates),
            ("commits", "Transactions, each with one fsync.", figures.commits),
            ("trimmed_events", "Events removed by retention.", figures.trimmed),
            (
                "trimmed_undelivered_events",
                "Events removed by retention before every sink had them.",
                figures.trimmed_undelivered,
            ),
        ):
            yield CounterMetricFamily(f"tieline_journal_{name}", text, value=value)
        lag = GaugeMetricFamily(
            "tieline_sink_lag_events", "Events that a sink has still to settle.", labels=["sink"]
        )
        for sink in self._sinks:
            lag.add_metric([sink], figures.lag.get(sink, figures.last_position))
        yield lag
