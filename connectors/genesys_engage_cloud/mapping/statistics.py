"""Updates of the Statistics API: values become metrics, the service's state an event.

A message is seen bare and wrapped in one more `data`. Values have no declared type: a number is taken as
it is, an object gives its numbers; a text that is no number cannot be a metric and is kept whole.
Sources: statistics-client-js and -java, `Statistic` and `notifications-api`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectors._genesys.message import Message, Origin
from connectors._genesys.values import (
    first,
    folded,
    identifier,
    mapping,
    milliseconds,
    moment,
    objects,
    text,
)
from connectors._wire.json_values import number
from connectors.genesys_engage_cloud.vendor import METRIC_OBJECTS, SERVICE_STATES
from gateway.events import Event, Provenance
from gateway.events.operations import MetricObject, Metrics, ServiceState

SERVICE = "statistics"
MAX_STATISTICS = 10_000
_PARTS = ("intValue", "floatValue", "doubleValue", "value")


class StatisticsMapper:
    """Maps what the Statistics API sends. Needs no memory: every value is an observation of its own."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def map(
        self, topic: str, data: Any, *, session: str, ordinal: int | str, received: datetime
    ) -> list[Event]:
        """The events of one message, in order."""
        outer = mapping(data)
        message = Message(
            self.origin, topic, outer, session=session, ordinal=ordinal, received=received
        )
        inner = outer
        if isinstance(outer.get("data"), dict) and not (
            {"statistics", "serviceState"} & outer.keys()
        ):
            inner = outer["data"]
        if (word := first(inner, "serviceState")) is not None:
            _tell_service(message, word)
        elif isinstance(inner.get("statistics"), list):
            _tell_values(message, inner["statistics"])
        if not message.events:
            message.not_understood("neither statistics nor the state of the service", data)
        return message.events

    def observed(
        self, statistics: Any, *, session: str, received: datetime, reconciled: bool
    ) -> list[Event]:
        """The events of values that were asked for; the same values of the same time, read twice, have the same ids."""
        message = Message(
            self.origin,
            "",
            {},
            session=session,
            ordinal="",
            received=received,
            provenance=Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT,
            reading=f"values {session}",
        )
        _tell_values(message, statistics if isinstance(statistics, list) else [])
        return message.events


def _tell_service(message: Message, word: str) -> None:
    message.add(
        "tieline.service.state.changed.v1",
        f"service/{SERVICE}",
        f"service/{SERVICE}",
        ServiceState(
            service=SERVICE,
            state=SERVICE_STATES.get(folded(word), "unknown"),
            evidence=word,
            native=message.native(state=word),
        ),
    )


def _tell_values(message: Message, listed: list[Any]) -> None:
    """One event for each object and time, with all of its values."""
    found: dict[tuple[str, str, int | None], dict[str, float]] = {}
    odd: list[dict[str, Any]] = []
    for statistic in objects(listed)[:MAX_STATISTICS]:
        object_id = identifier(statistic.get("objectId"))
        name = first(statistic, "name", "statisticId")
        numbers = _numbers(statistic.get("value"), name) if name is not None else {}
        if object_id is None or not numbers:
            odd.append(statistic)
            continue
        kind = text(statistic.get("objectType")) or ""
        at = milliseconds(statistic.get("timestamp"))
        found.setdefault((kind, object_id, at), {}).update(numbers)
    for (word, object_id, at), values in found.items():
        kind = METRIC_OBJECTS.get(folded(word), "group")
        message.add(
            f"tieline.{kind}.metrics.observed.v1",
            f"{kind}/{object_id}",
            object_id,
            Metrics(
                object=MetricObject(kind=kind, id=object_id),
                values=values,
                observed_at=message.received if at is None else moment(at),
                native=message.native(ids={"objectType": word} if word else {}),
            ),
            told_at=at,
        )
    if odd:
        message.not_understood("statistics whose value is no number, or without an object", odd)


def _numbers(value: Any, name: str) -> dict[str, float]:
    found = number(value)
    if found is not None:
        return {name: found}
    fields = mapping(value)
    for part in _PARTS:
        if (found := number(fields.get(part))) is not None:
            return {name: found}
    return {
        f"{name}.{key}": found
        for key, item in fields.items()
        if (found := number(item)) is not None
    }
