"""Masking of every event type with every field set: what each field gives away is decided here a second time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import gateway.events
from gateway.events import CATALOGUE, EventType
from gateway.masking import Masker
from tests.support.catalogue import ENTRIES, stored, validator

README = Path(gateway.events.__file__).parent / "README.md"
LEVELS = ["numbers", "names", "texts", "data"]
GIVES_AWAY = {
    "number": {"numbers"},
    "forward_to": {"numbers"},
    "origin": {"numbers"},
    "name": {"names"},
    "requester": {"names"},
    "topic": {"names", "texts"},
    "text": {"texts"},
    "digits": {"texts"},
    "values": {"data"},
    "steps": {"data"},
    "tags": {"data"},
    "details": {"data"},
    "message": {"data"},
    "payload": set(LEVELS),
    "native_reply": set(LEVELS),
}
HARMLESS_THERE = {
    "tieline.agent.metrics.observed.v1": "values",
    "tieline.group.metrics.observed.v1": "values",
    "tieline.queue.metrics.observed.v1": "values",
    "tieline.interaction.message.added.v1": "message",
    "tieline.vendor.message.v1": "topic",
}
"""Types in which a name stands for something else: a figure, an id, a channel of the platform."""

HARMLESS = frozenset(
    {
        *(
            "about",
            "account",
            "act",
            "actor",
            "added",
            "agent",
            "alert",
            "call",
            "cause",
            "changed",
        ),
        *("command", "connector", "content_type", "device", "direction", "directory", "event"),
        *("evidence", "feed", "from", "guarantee", "id", "ids", "interaction", "kind", "media"),
        *("media_type", "members", "mode", "native_state", "notification", "object", "observed_at"),
        *(
            "outcome",
            "owner",
            "owner_kind",
            "parent",
            "pending_state",
            "place",
            "previous",
            "previous_state",
        ),
        *("queue", "reason", "reason_label", "recording", "reference", "related_call", "removed"),
        *("role", "rule", "scope", "service", "session", "severity", "since", "sink", "state"),
        *("station", "supervisor", "target", "to", "type", "verb", "why", "window"),
    }
)
"""Names of all other fields that hold text: ids, times, words of a vocabulary. A new field has to be put somewhere."""

Leaf = tuple[tuple[str | int, ...], Any]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_it_is_decided_of_every_text_what_it_gives_away(entry: EventType) -> None:
    for path, value in leaves(json.loads(stored(entry, full=True).body)["data"]):
        names = set(filter(lambda key: isinstance(key, str), path))
        decided = names & (HARMLESS | GIVES_AWAY.keys())
        assert decided or not isinstance(value, str), f"put {path} into GIVES_AWAY or HARMLESS"


@pytest.mark.parametrize("level", [*LEVELS, "personal", "content"])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_nothing_denied_survives_and_all_else_stays(entry: EventType, level: str) -> None:
    before = stored(entry, full=True)
    after = masker(level)(before)
    told = dict(leaves(json.loads(after.body)))
    for path, value in leaves(json.loads(before.body)):
        if gives_away(entry, path) & levels_of(level):
            assert json.dumps(value).encode() not in after.body, path
        else:
            assert told.get(path) == value, path


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_masked_event_fits_its_schema(entry: EventType, level: str) -> None:
    for full in (True, False):
        masked = masker(level)(stored(entry, full=full))
        validator(entry).validate(json.loads(masked.structured()))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_event_with_nothing_to_mask_is_not_even_decoded(entry: EventType, level: str) -> None:
    for full in (True, False):
        event = stored(entry, full=full)
        denied = [
            path for path, _ in leaves(json.loads(event.body)) if level in gives_away(entry, path)
        ]
        assert (masker(level)(event) is event) == (not denied)


def test_the_table_of_this_module_names_no_field_that_is_gone() -> None:
    paths = [
        path for entry in ENTRIES for path, _ in leaves(json.loads(stored(entry, full=True).body))
    ]
    names = {key for path in paths for key in path}
    assert GIVES_AWAY.keys() | HARMLESS <= names
    assert HARMLESS_THERE.keys() <= CATALOGUE.keys()


def test_the_page_of_the_events_says_the_same() -> None:
    section = README.read_text(encoding="utf-8").split("## Sensitive fields")[1].split("## ")[0]
    rows = {
        cells[1].strip(" `"): set(re.findall(r"`(\w+)`", cells[2]))
        for cells in (line.split("|") for line in section.splitlines() if line.startswith("|"))
        if "`" in cells[2]
    }
    everything = {name for name, levels in GIVES_AWAY.items() if levels == set(LEVELS)}
    assert rows.pop("each of these") == everything
    assert rows == {
        level: {name for name, levels in GIVES_AWAY.items() if level in levels} - everything
        for level in LEVELS
    }


@cache
def masker(word: str) -> Masker:
    """The masker of a sink that is denied one thing."""
    return Masker([word])


def levels_of(word: str) -> set[str]:
    """The classifications behind a word of `mask`."""
    return {"personal": {"numbers", "names"}, "content": {"texts", "data"}}.get(word, {word})


def gives_away(entry: EventType, path: tuple[str | int, ...]) -> set[str]:
    """What a value of an event gives away, by the table of this module."""
    if path[0] != "data":
        return set()
    for parent, key in pairwise(path):
        if isinstance(key, str) and key in GIVES_AWAY:
            if parent == "data" and HARMLESS_THERE.get(entry.name) == key:
                return set()
            return GIVES_AWAY[key]
    return set()


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """Everything in a document that is no object and no list, with where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path, value
