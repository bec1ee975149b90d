"""An event of each type, with every field set or with those only that must be, and judges of its schema."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema
import msgspec
from msgspec import inspect

from gateway.events import CATALOGUE, Event, EventType, StoredEvent, encode
from gateway.schemas import schema

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ENTRIES = list(CATALOGUE.values())

_SCALARS: dict[type, Any] = {
    inspect.BoolType: True,
    inspect.DateTimeType: NOW,
    inspect.FloatType: 1.5,
    inspect.IntType: 7,
    inspect.NoneType: None,
}


def stored(entry: EventType, *, full: bool) -> StoredEvent:
    """An event of the type as the journal holds it. No two of its texts are the same."""
    info = inspect.type_info(entry.data)
    assert isinstance(info, inspect.StructType)
    extras = (
        {"correlationid": "c", "causationid": "d", "traceparent": "00-0-0-00", "anomaly": "odd"}
        if full
        else {}
    )
    event = Event(
        id="0" * 32,
        source="/tieline/gws-main/test_platform",
        type=entry.name,
        subject=f"{entry.subject}/7",
        time=NOW,
        recordedtime=NOW,
        partitionkey="7",
        data=msgspec.convert(_example(info, itertools.count(), full=full), entry.data),
        dataclassification=entry.classification,
        **extras,
    )
    return StoredEvent(
        position=9, sequence=3, type=entry.name, source=event.source, body=encode(event)
    )


@cache
def validator(entry: EventType) -> jsonschema.Draft202012Validator:
    """A validator that looks at times too; the schema itself is checked first."""
    document = schema(entry)
    jsonschema.Draft202012Validator.check_schema(document)
    checker = jsonschema.FormatChecker(())

    @checker.checks("date-time", raises=ValueError)
    def is_time(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    return jsonschema.Draft202012Validator(document, format_checker=checker)


def _example(kind: inspect.Type, number: itertools.count[int], *, full: bool) -> Any:
    """A value of a type: with all fields, or with those that are required."""
    match kind:
        case inspect.StructType():
            return {
                field.encode_name: _example(field.type, number, full=full)
                for field in kind.fields
                if full or field.required
            }
        case inspect.UnionType():
            first = next(item for item in kind.types if type(item) is not inspect.NoneType)
            return _example(first, number, full=full)
        case inspect.ListType() | inspect.VarTupleType():
            return [_example(kind.item_type, number, full=full)]
        case inspect.DictType():
            return {"key": _example(kind.value_type, number, full=full)}
        case inspect.EnumType():
            return next(iter(kind.cls)).value
        case inspect.AnyType():
            return {"deep": [f"text {next(number)}."]}
        case inspect.StrType():
            return f"text {next(number)}."
        case _:
            return _SCALARS[type(kind)]
