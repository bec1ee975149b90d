"""Every metric stands in the run book, with its labels, and the run book names no other."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

from prometheus_client import CollectorRegistry

from gateway.journal import MemoryJournal
from gateway.picture import Picture
from gateway.telemetry import Telemetry
from gateway.telemetry_figures import (
    ApiFigures,
    watch_api,
    watch_journal,
    watch_picture,
    watch_spans,
)
from gateway.tracing import SpanFigures
from sinks.prometheus.figures import Figures
from tests.repo.checkout import product_files, rows, text

RUN_BOOK = Path("deploy/README.md")
HEADINGS = (
    "### Feeds",
    "### Sinks",
    "### Journal",
    "### Live picture and control API",
    "### Commands and the process",
    "### From the prometheus sink",
)


def registered() -> dict[str, set[str]]:
    """Metrics by the name that a scrape shows, with their labels."""
    registry = CollectorRegistry()
    Telemetry(registry)
    watch_journal(registry, MemoryJournal().statistics, ["a sink"], limit_bytes=1)
    watch_picture(registry, Picture().statistics)
    watch_api(registry, ApiFigures())
    watch_spans(registry, SpanFigures())
    registry.register(Figures(Picture(), max_queues=1, max_values=1))
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for family in collector.collect():
            labels: tuple[str, ...] = getattr(collector, "_labelnames", ()) or getattr(
                family, "_labelnames", ()
            )
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = set(labels)
    return found


def documented() -> dict[str, set[str]]:
    table = chain.from_iterable(rows(RUN_BOOK, heading) for heading in HEADINGS)
    return {cells[0].strip("`"): set(re.findall(r"\w+", cells[1])) for cells in table}


def test_the_run_book_lists_every_metric_with_its_labels() -> None:
    """What an alert can be built on is described, and nothing is described that is not there."""
    assert documented() == registered()


def test_metrics_are_made_where_this_test_looks() -> None:
    """A metric from elsewhere would escape the test above."""
    makers = {
        str(path)
        for path in product_files()
        if re.search(
            r"from prometheus_client.* import .*(Counter|Gauge|Histogram|Metric)", text(path)
        )
    }
    assert makers == {
        "gateway/telemetry_figures.py",
        "gateway/telemetry_metrics.py",
        "sinks/prometheus/figures.py",
    }
