"""Which time series there are. Bounded by what the gateway knows, never by what a platform sends.

No label holds a call or a user, or an agent whom the configuration does not name: connectors come from the
configuration, states, directions and event types from closed lists, and queues and values are the first so many that
were seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeVar

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.contracts import PictureView
from gateway.events import CATALOGUE, StoredEvent
from gateway.events.operations import MetricObject
from gateway.states import AgentState, ConnectionState

_T = TypeVar("_T", bound=Hashable)

OTHER = "other"
_AGENT_METRICS = "tieline.agent.metrics.observed.v1"
DIRECTIONS = ("inbound", "outbound", "internal", "consult", "unknown")
LIVE_STATES = tuple(state for state in ConnectionState if state is not ConnectionState.CLEARED)


class _Measured(msgspec.Struct):
    object: MetricObject
    values: dict[str, float]
    window: str | None = None


class _Measuring(msgspec.Struct):
    data: _Measured


_metrics = msgspec.json.Decoder(_Measuring)


class Figures(Collector):
    """Shows the picture at each scrape, and how many events were delivered."""

    def __init__(
        self,
        picture: PictureView,
        *,
        max_queues: int,
        max_values: int,
        agents: Collection[str] = (),
    ) -> None:
        self._picture = picture
        self._agents_named = frozenset(agents)
        self._agent_figures: dict[tuple[str, str, str], float] = {}
        self._max_queues = max_queues
        self._max_values = max_values
        self._queues: set[tuple[str, str]] = set()
        self._groups: set[tuple[str, str, str]] = set()
        self._rules: set[tuple[str, str]] = set()
        self._values: set[str] = set()
        self._delivered: Counter[tuple[str, str]] = Counter()
        self._connectors: set[str] = set()

    def count(self, connector: str, event_type: str) -> None:
        """Count one delivered event."""
        known = event_type if event_type in CATALOGUE else OTHER
        self._delivered[connector, known] += 1
        self._connectors.add(connector)

    def wants(self, event: StoredEvent) -> bool:
        """Whether the event has figures of an agent who is named."""
        return event.type == _AGENT_METRICS and bool(self._agents_named)

    def observe(self, connector: str, event: StoredEvent) -> None:
        """Take over what such an event says. An event that has no figures is passed over."""
        try:
            data = _metrics.decode(event.body).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if data.object.id not in self._agents_named:
            return
        for name, value in data.values.items():
            shown = f"{name}@{data.window}" if data.window else name
            if _admit(self._values, shown, self._max_values):
                self._agent_figures[connector, data.object.id, shown] = value

    def describe(self) -> list[Metric]:
        """The metrics without their series: the registry refuses names that are taken."""
        return [
            _agents(),
            _calls(),
            _alerts(),
            _queue_values(),
            _folded(0),
            _hidden(0),
            _group_values(),
            _agent_values(),
            _delivered(),
        ]

    def collect(self) -> Iterator[Metric]:
        """Everything there is to show, read from the picture now."""
        agents = self._picture.agents_by_state()
        calls = self._picture.calls_by_state()
        connectors = sorted(self._connectors | {key[0] for key in (*agents, *calls)})
        yield self._agents(agents, connectors)
        yield self._calls(calls, connectors)
        yield self._alerts(self._picture.alerts_by_rule())
        yield from self._queue_values(self._picture.queue_values())
        yield self._group_values(self._picture.group_values())
        family = _agent_values()
        for labels, value in self._agent_figures.items():
            family.add_metric(labels, value)
        yield family
        delivered = _delivered()
        for key, count in sorted(self._delivered.items()):
            delivered.add_metric(key, count)
        yield delivered

    def _agents(self, seen: Mapping[tuple[str, str], int], connectors: list[str]) -> Metric:
        family = _agents()
        for connector in connectors:
            for state in AgentState:
                family.add_metric((connector, state), seen.get((connector, state), 0))
        return family

    def _calls(self, seen: Mapping[tuple[str, str, str], int], connectors: list[str]) -> Metric:
        family = _calls()
        for connector in connectors:
            for state in LIVE_STATES:
                for direction in DIRECTIONS:
                    key = (connector, state, direction)
                    family.add_metric(key, seen.get(key, 0))
        return family

    def _alerts(self, seen: Mapping[tuple[str, str], int]) -> Metric:
        """The first `max_queues` rules by name, for ever; alerts of further ones are added up."""
        shown = dict.fromkeys(self._rules, 0)
        for (connector, rule), number in seen.items():
            known = _admit(self._rules, (connector, rule), self._max_queues)
            key = (connector, rule if known else OTHER)
            shown[key] = shown.get(key, 0) + number
        family = _alerts()
        for labels, number in sorted(shown.items()):
            family.add_metric(labels, number)
        return family

    def _queue_values(self, seen: Mapping[tuple[str, str, str], float]) -> Iterator[Metric]:
        shown: dict[tuple[str, str, str], float] = {}
        folded: set[tuple[str, str]] = set()
        hidden: set[str] = set()
        for (connector, queue, name), value in seen.items():
            if not _admit(self._values, name, self._max_values):
                hidden.add(name)
            elif _admit(self._queues, (connector, queue), self._max_queues):
                shown[connector, queue, name] = value
            else:
                folded.add((connector, queue))
                key = (connector, OTHER, name)
                shown[key] = shown.get(key, 0.0) + value
        family = _queue_values()
        for labels, value in shown.items():
            family.add_metric(labels, value)
        yield family
        yield _folded(len(folded))
        yield _hidden(len(hidden))

    def _group_values(self, seen: Mapping[tuple[str, str, str, str], float]) -> Metric:
        """The first `max_queues` groups; figures of others are left out, for adding up skills means nothing."""
        family = _group_values()
        for (connector, kind, group, name), value in seen.items():
            if _admit(self._values, name, self._max_values) and _admit(
                self._groups, (connector, kind, group), self._max_queues
            ):
                family.add_metric((connector, kind, group, name), value)
        return family


def _agent_values() -> GaugeMetricFamily:
    labels = ("connector", "agent", "value")
    said = "Last value of a figure of an agent who is named in the settings."
    return GaugeMetricFamily("tieline_agent_value", said, labels=labels)


def _group_values() -> GaugeMetricFamily:
    labels = ("connector", "kind", "group", "value")
    said = "Last value of a figure of a skill, team or other group."
    return GaugeMetricFamily("tieline_group_value", said, labels=labels)


def _agents() -> GaugeMetricFamily:
    labels = ("connector", "state")
    return GaugeMetricFamily("tieline_agents", "Agents by state.", labels=labels)


def _calls() -> GaugeMetricFamily:
    labels = ("connector", "state", "direction")
    return GaugeMetricFamily("tieline_calls", "Calls by connection state.", labels=labels)


def _alerts() -> GaugeMetricFamily:
    labels = ("connector", "rule")
    said = "Alerts of platforms that stand, by the rule that raised them."
    return GaugeMetricFamily("tieline_alerts", said, labels=labels)


def _queue_values() -> GaugeMetricFamily:
    labels = ("connector", "queue", "value")
    said = "Last value of a figure of a queue."
    return GaugeMetricFamily("tieline_queue_value", said, labels=labels)


def _folded(value: float) -> GaugeMetricFamily:
    said = "Queues that are added up as other."
    return GaugeMetricFamily("tieline_queues_folded", said, value=value)


def _hidden(value: float) -> GaugeMetricFamily:
    said = "Values of queues that are not shown."
    return GaugeMetricFamily("tieline_queue_values_hidden", said, value=value)


def _delivered() -> CounterMetricFamily:
    labels = ("connector", "type")
    said = "Events that this sink took."
    return CounterMetricFamily("tieline_delivered_events", said, labels=labels)


def _admit(admitted: set[_T], candidate: _T, most: int) -> bool:
    """Whether a candidate is among the first so many; once admitted, always."""
    if candidate in admitted:
        return True
    if len(admitted) >= most:
        return False
    admitted.add(candidate)
    return True
