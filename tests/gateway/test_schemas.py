"""The published schemas: of now, valid, and true of what is encoded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec import inspect

import gateway.schemas
from gateway.events import CATALOGUE, Event, EventType, StoredEvent, encode
from gateway.schemas import documents, export, schema

FOLDER = Path(gateway.schemas.__file__).parent
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ENTRIES = list(CATALOGUE.values())


def test_the_published_schemas_are_of_now() -> None:
    """Run `make schemas` after changing an event."""
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert published == documents()


def test_export_removes_what_is_gone_and_leaves_other_files(tmp_path: Path) -> None:
    """Only files that look like schemas of events are removed."""
    (tmp_path / "tieline.old.thing.v1.json").write_text("{}")
    (tmp_path / "notes.json").write_text("{}")
    assert export(tmp_path) == len(CATALOGUE)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == set(documents()) | {"notes.json"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
def test_an_encoded_event_fits_its_schema(entry: EventType, *, full: bool) -> None:
    """With only what is required, and with every field set."""
    validator(entry).validate(json.loads(encoded(entry, full=full)))


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": "1"},
        {"time": "yesterday"},
        {"type": "tieline.call.held.v2"},
        {"subject": "agent/7"},
        {"dataclassification": "content"},
        {"specversion": "0.3"},
        {"data": {}},
        {"data": {"call": "7", "state": "asleep"}},
        {"provenance": "guessed"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_no_sink_would_give_does_not_fit(change: dict[str, Any]) -> None:
    """The schema is not so wide that anything fits."""
    entry = CATALOGUE["tieline.call.held.v1"]
    told = json.loads(encoded(entry, full=True)) | change
    assert not validator(entry).is_valid(told)


def test_each_attribute_has_the_words_of_its_docstring() -> None:
    """The schema is documentation too."""
    document = schema(CATALOGUE["tieline.call.held.v1"])
    fields = document["$defs"]["Call"]["properties"]
    assert fields["cause"]["description"] == "why it failed or ended, if told."
    assert fields["talk_seconds"]["description"] == fields["hold_seconds"]["description"]
    assert document["properties"]["partitionkey"]["description"].startswith("events with the same")


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


def encoded(entry: EventType, *, full: bool) -> bytes:
    """An event of the type as a sink gives it."""
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
        data=msgspec.convert(example(info, full=full), entry.data),
        dataclassification=entry.classification,
        **extras,
    )
    stored = StoredEvent(
        position=9, sequence=3, type=entry.name, source=event.source, body=encode(event)
    )
    return stored.structured()


SCALARS: dict[type, Any] = {
    inspect.AnyType: "anything",
    inspect.BoolType: True,
    inspect.DateTimeType: NOW,
    inspect.FloatType: 1.5,
    inspect.IntType: 7,
    inspect.NoneType: None,
    inspect.StrType: "text",
}


def example(kind: inspect.Type, *, full: bool) -> Any:
    """A value of a type: with all fields, or with those that are required."""
    match kind:
        case inspect.StructType():
            return {
                field.encode_name: example(field.type, full=full)
                for field in kind.fields
                if full or field.required
            }
        case inspect.UnionType():
            return example(
                next(item for item in kind.types if type(item) is not inspect.NoneType), full=full
            )
        case inspect.ListType() | inspect.VarTupleType():
            return [example(kind.item_type, full=full)]
        case inspect.DictType():
            return {"key": example(kind.value_type, full=full)}
        case inspect.EnumType():
            return next(iter(kind.cls)).value
        case _:
            return SCALARS[type(kind)]
