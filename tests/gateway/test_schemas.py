"""The published schemas: of now, valid, and true of what is encoded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import gateway.schemas
from gateway.events import CATALOGUE, EventType
from gateway.schemas import documents, export, schema
from tests.support.catalogue import ENTRIES, stored, validator

FOLDER = Path(gateway.schemas.__file__).parent


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
    validator(entry).validate(json.loads(stored(entry, full=full).structured()))


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
    told = json.loads(stored(entry, full=True).structured()) | change
    assert not validator(entry).is_valid(told)


def test_each_attribute_has_the_words_of_its_docstring() -> None:
    """The schema is documentation too."""
    document = schema(CATALOGUE["tieline.call.held.v1"])
    fields = document["$defs"]["Call"]["properties"]
    assert fields["cause"]["description"] == "why it failed or ended, if told."
    assert fields["talk_seconds"]["description"] == fields["hold_seconds"]["description"]
    assert document["properties"]["partitionkey"]["description"].startswith("events with the same")
