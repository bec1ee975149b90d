"""Figures that are read at each scrape from the part that keeps them: the live picture, and the control API.

The parts count in plain attributes and know nothing of metrics, like the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.picture_data import PictureStatistics


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
