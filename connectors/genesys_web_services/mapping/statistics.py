"""Answers to statistics requests: figures of one queue, skill or agent, each with the time it is of.

An observation is one value of one statistic at one time: its id is made of these, so the same
figure read twice is one event. Source: Genesys Web Services API reference, "Statistics API"
(Query for Most Recent Statistic Values, Query for Range of Statistic Values).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from connectors._wire.json_values import number
from connectors.genesys_web_services.mapping.message import Origin
from connectors.genesys_web_services.mapping.values import (
    clean,
    identifier,
    milliseconds,
    moment,
    objects,
)
from gateway.events import CATALOGUE, Event, Provenance, TimeSource, event_id
from gateway.events.common import Native
from gateway.events.operations import MetricObject, Metrics, VendorMessage

_TYPES = {
    "queue": "tieline.queue.metrics.observed.v1",
    "agent": "tieline.agent.metrics.observed.v1",
    "skill": "tieline.group.metrics.observed.v1",
}
_SUBJECTS = {"queue": "queue", "agent": "agent", "skill": "group"}
_VENDOR_MESSAGE = "tieline.vendor.message.v1"
_MAX_WHY = 200


class Observation(NamedTuple):
    """One value of one statistic. `value` is none if it is no number, `at_ms` if the server tells no time."""

    statistic: str
    value: float | None
    at_ms: int | None
    raw: Any


def observations(reply: Any) -> list[Observation]:
    """All values of an answer, oldest first; both forms of it are read."""
    found = []
    for statistic in objects(reply.get("statistics")) if isinstance(reply, dict) else []:
        name = identifier(statistic.get("statistic"))
        if name is None:
            continue
        values = objects(statistic.get("values")) if "values" in statistic else [statistic]
        found += [
            Observation(
                name, number(one.get("value")), milliseconds(one.get("time")), one.get("value")
            )
            for one in values
        ]
    return sorted(found, key=lambda one: one.at_ms or 0)


def metrics_event(
    origin: Origin, *, kind: str, id_: str, shown: str, seen: Observation, received: datetime
) -> Event:
    """The event of an observation whose value is a number; `shown` is the object's name in events."""
    type_name = _TYPES[kind]
    at = received if seen.at_ms is None else moment(seen.at_ms)
    subject = f"{_SUBJECTS[kind]}/{shown}"
    occurrence: int | str = at.isoformat() if seen.at_ms is None else seen.at_ms
    return Event(
        id=event_id(origin.feed, kind, id_, seen.statistic, occurrence, type_name),
        source=origin.source,
        type=type_name,
        subject=subject,
        time=at,
        recordedtime=received,
        partitionkey=shown if kind == "agent" else subject,
        data=Metrics(
            object=MetricObject(kind=kind, id=shown),
            values={seen.statistic: seen.value or 0.0},
            observed_at=at,
            native=Native(ids={"objectId": id_}),
        ),
        dataclassification=CATALOGUE[type_name].classification,
        timesource=TimeSource.GATEWAY if seen.at_ms is None else TimeSource.PLATFORM,
        provenance=Provenance.POLLED,
    )


def finding(
    origin: Origin, *, about: str, why: str, payload: Any, received: datetime, occurrence: str = ""
) -> Event:
    """An event that keeps something that is no figure: a wrong name, a refusal, a value that is no number.

    The same finding has the same id for ever, so that it is told once.
    """
    subject = f"feed/{origin.feed}"
    return Event(
        id=event_id(origin.feed, "finding", about, occurrence, _VENDOR_MESSAGE),
        source=origin.source,
        type=_VENDOR_MESSAGE,
        subject=subject,
        time=received,
        recordedtime=received,
        partitionkey=subject,
        data=VendorMessage(
            topic=about,
            why=why[:_MAX_WHY],
            native=Native(type="statistics", payload=clean(payload)),
        ),
        dataclassification=CATALOGUE[_VENDOR_MESSAGE].classification,
        timesource=TimeSource.GATEWAY,
        provenance=Provenance.POLLED,
    )
