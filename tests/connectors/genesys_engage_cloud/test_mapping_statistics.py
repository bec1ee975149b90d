"""Values of statistics, heard and read."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.genesys_engage_cloud.mapping.statistics import StatisticsMapper
from gateway.events import Event
from gateway.events.operations import Metrics, VendorMessage
from tests.connectors.genesys_engage_cloud.builders import ORIGIN, RECEIVED


def statistic(value: Any, *, kind: str = "Agent", at: int = 1_700_000_000_000) -> dict[str, Any]:
    return {
        "statisticId": "s",
        "name": "Calls",
        "objectId": "kristi",
        "objectType": kind,
        "timestamp": at,
        "value": value,
    }


def read(*statistics: dict[str, Any]) -> list[Event]:
    return StatisticsMapper(ORIGIN).observed(
        list(statistics), session="s1", received=RECEIVED, reconciled=True
    )


def values(event: Event) -> dict[str, float]:
    assert isinstance(event.data, Metrics)
    return event.data.values


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (3, {"Calls": 3.0}),
        (2.5, {"Calls": 2.5}),
        ("7", {"Calls": 7.0}),
        ({"intValue": 4, "stringValue": "4"}, {"Calls": 4.0}),
        ({"ready": 2, "note": "x"}, {"Calls.ready": 2.0}),
    ],
)
def test_a_value_of_any_type_becomes_numbers(value: Any, found: dict[str, float]) -> None:
    (event,) = read(statistic(value))

    assert values(event) == found


@pytest.mark.parametrize("value", ["NotReady", True, None, [], {"a": "b"}, "nan", "1e999"])
def test_what_is_no_number_is_kept_whole(value: Any) -> None:
    (event,) = read(statistic(value))

    assert isinstance(event.data, VendorMessage)
    assert event.data.native.payload[0]["value"] == value


@pytest.mark.parametrize(
    ("kind", "noun"),
    [("Agent", "agent"), ("GroupAgents", "group"), ("Queue", "queue"), ("Surprise", "group")],
)
def test_the_type_of_the_object_decides_the_kind_of_metrics(kind: str, noun: str) -> None:
    (event,) = read(statistic(1, kind=kind))

    assert event.type == f"tieline.{noun}.metrics.observed.v1"
    assert event.subject == f"{noun}/kristi"


def test_the_same_values_read_twice_have_the_same_id_and_newer_ones_another() -> None:
    ids = [
        read(statistic(1, at=at))[0].id for at in (1_700_000_000_000,) * 2 + (1_700_000_001_000,)
    ]

    assert ids[0] == ids[1] != ids[2]
