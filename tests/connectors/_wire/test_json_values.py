"""Readers of JSON of any shape take any value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._wire import json_values

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(ANYTHING)
def test_no_value_makes_a_reader_raise(value: Any) -> None:
    for reader in (
        json_values.fields,
        json_values.objects,
        json_values.text,
        json_values.identifier,
        json_values.flag,
        json_values.number,
        json_values.moment,
    ):
        reader(value)


@given(ANYTHING)
def test_what_is_cleaned_can_be_written(value: Any) -> None:
    msgspec.json.encode(json_values.clean(value))


@given(ANYTHING)
def test_equal_content_has_one_fingerprint(value: Any) -> None:
    cleaned = json_values.clean(value)

    assert json_values.fingerprint(value) == json_values.fingerprint(cleaned)
    assert json_values.fingerprint({"a": cleaned, "b": 1}) == json_values.fingerprint(
        {"b": 1, "a": cleaned}
    )


def test_members_are_found_whatever_the_case_of_their_names() -> None:
    assert json_values.fields({"AgentId": 1, "agentid": 2, "TEAM": "x"}) == {
        "agentid": 1,
        "team": "x",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [(" a ", "a"), ("  ", None), (7, "7"), (7.0, "7"), (7.5, "7.5"), (True, None), ([], None)],
)
def test_texts(value: Any, shown: str | None) -> None:
    assert json_values.text(value) == shown


@pytest.mark.parametrize(
    ("value", "name"), [(7, "7"), ("7", "7"), (7.0, "7"), (7.5, None), (-1, None), ("-1", None)]
)
def test_identifiers(value: Any, name: str | None) -> None:
    assert json_values.identifier(value) == name


@pytest.mark.parametrize(
    ("value", "meant"),
    [("True", True), ("False", False), ("", None), (1, True), (0, False), (2, None), (None, None)],
)
def test_booleans_are_texts_too(value: Any, meant: bool | None) -> None:  # noqa: FBT001 - the case
    assert json_values.flag(value) is meant


@pytest.mark.parametrize(("value", "meant"), [("1.5", 1.5), (2, 2.0), ("", None), (True, None)])
def test_numbers_are_texts_too(value: Any, meant: float | None) -> None:
    assert json_values.number(value) == meant


@pytest.mark.parametrize(
    "value", ["2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00", "2026-03-01T13:00:00+01:00"]
)
def test_moments_are_in_utc(value: str) -> None:
    assert json_values.moment(value) == datetime(2026, 3, 1, 12, tzinfo=UTC)
