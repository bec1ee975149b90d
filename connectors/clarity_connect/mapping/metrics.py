"""Metric bags and breakdowns to whole sets of values. Source: "Realtime Data Response", "Metric Bag"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.clarity_connect.mapping.message import Message
from connectors.clarity_connect.mapping.state import MAX_OBJECTS, MAX_VALUES, State, put
from connectors.clarity_connect.mapping.values import fields, identifier, number, objects
from gateway.events.operations import MetricObject, Metrics

_DEPTH = 4


def on_metrics(
    message: Message,
    state: State,
    subject: str,
    about: MetricObject,
    told: dict[str, Any],
    *,
    restate: bool = False,
) -> None:
    """Merge the values that came, and tell all that are known of the object; `restate` also if none changed."""
    event, _, _ = subject.partition("/")
    key = f"{subject}/{about.kind}"
    values = state.metrics.get(key, {})
    before = dict(values)
    for name, value in _flat(fields(told.get("metrics")), "", _DEPTH):
        _set(values, name, value)
    for kind in ("breakdowns", "addedBreakdowns"):
        for breakdown in objects(told.get(kind)):
            if (prefix := _prefix(breakdown)) is not None:
                bags = breakdown.get("metrics", breakdown)
                for name, value in _flat(fields(bags), prefix, _DEPTH):
                    _set(values, name, value)
    for breakdown in objects(told.get("removedBreakdowns")):
        if (prefix := _prefix(breakdown)) is not None:
            for name in [name for name in values if name.startswith(prefix)]:
                del values[name]
    if values == before and not restate:
        return
    put(state.metrics, key, values, MAX_OBJECTS)
    message.add(
        f"{event}.metrics.observed",
        subject,
        Metrics(
            object=about,
            values=dict(values),
            observed_at=message.received,
            native=message.native(id=about.id),
        ),
    )


def _set(values: dict[str, float], name: str, value: float) -> None:
    if name in values or len(values) < MAX_VALUES:
        values[name] = value


def _prefix(breakdown: dict[str, Any]) -> str | None:
    for name, kind in (("queueId", "queue"), ("agentId", "agent"), ("id", "queue")):
        if (found := identifier(breakdown.get(name))) is not None:
            return f"{kind}.{found}."
    return None


def _flat(bag: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, float]]:
    for name, value in bag.items():
        if not isinstance(name, str) or name in {"queueId", "agentId", "id"}:
            continue
        if isinstance(value, dict):
            if depth > 1:
                yield from _flat(value, f"{prefix}{name}.", depth - 1)
        elif (found := number(value)) is not None:
            yield f"{prefix}{name}", found
