"""JSON Schemas of the events, made from the structs that encode them: `tieline schemas export gateway/schemas`.

One document for each type of the catalogue: the CloudEvents envelope as a sink gives it, with `sequence`, and the
type's own data. Members that a schema does not name are allowed, in the envelope (extension attributes) and in the data
(fields of later versions).

Sources: JSON Schema 2020-12; CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from gateway.events import CATALOGUE, Event, EventType
from gateway.events.envelope import SEQUENCE_DIGITS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = "#/$defs/"
_SUFFIX = ".json"
_ATTRIBUTE = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<text>.+(?:\n {6,}.+)*)", re.MULTILINE)


def schema(entry: EventType) -> dict[str, Any]:
    """The schema of one event type."""
    (envelope, data), parts = msgspec.json.schema_components(
        [Event, entry.data], ref_template=_PLACE + "{name}"
    )
    for struct in _structs(inspect.multi_type_info([Event, entry.data])):
        _say_more(parts[struct.cls.__name__], struct)
    event = parts[_name(envelope)]
    properties = {
        "sequence": {
            "type": "string",
            "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
            "description": "1, 2, 3 … within `source`, zero-padded, so that text order is number order",
        },
        **event["properties"],
        "type": {"const": entry.name},
        "subject": event["properties"]["subject"] | {"pattern": f"^{entry.subject}/"},
        "dataclassification": {"const": entry.classification.value},
        "data": data,
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:tieline:schema:{entry.name}",
        "title": entry.name,
        "description": parts[_name(data)]["description"],
        "type": "object",
        "properties": properties,
        "required": ["sequence", *event["required"]],
        "$defs": {name: parts[name] for name in sorted(_reachable(properties, parts))},
    }


def documents() -> dict[str, str]:
    """File names and their contents, of all types."""
    return {
        entry.name + _SUFFIX: json.dumps(schema(entry), indent=1, ensure_ascii=False) + "\n"
        for entry in CATALOGUE.values()
    }


def export(directory: Path) -> int:
    """Write all documents and remove schemas of types that are gone; returns how many there are. Raises OSError."""
    wanted = documents()
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob(f"tieline.*{_SUFFIX}"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
    return len(wanted)


def _say_more(part: dict[str, Any], struct: inspect.StructType) -> None:
    """Add what the encoder knows and the library leaves out: formats of times, and each attribute's own words."""
    text = part.get("description", "")
    summary = text.split("\n\n", 1)[0]
    part["description"] = " ".join(summary.split())
    words = {
        name: " ".join(match["text"].split())
        for match in _ATTRIBUTE.finditer(re.sub(r"^ {4}", "", text, flags=re.MULTILINE))
        for name in match["names"].split(", ")
    }
    for field in struct.fields:
        shape = part["properties"][field.encode_name]
        if field.name in words:
            shape["description"] = words[field.name]
        if any(isinstance(kind, inspect.DateTimeType) for kind in _members(field.type)):
            for choice in shape.get("anyOf", [shape]):
                if choice.get("type") == "string":
                    choice["format"] = "date-time"


def _members(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _structs(kinds: Iterable[inspect.Type]) -> Iterator[inspect.StructType]:
    """All structs among the types and below them, each once."""
    waiting, seen = list(kinds), set[type]()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, inspect.StructType) and kind.cls not in seen:
            seen.add(kind.cls)
            waiting += [field.type for field in kind.fields]
            yield kind
        elif isinstance(kind, inspect.UnionType):
            waiting += kind.types
        elif isinstance(kind, (inspect.ListType, inspect.VarTupleType)):
            waiting.append(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            waiting.append(kind.value_type)


def _reachable(value: Any, parts: dict[str, Any]) -> set[str]:
    """Names of the parts that a schema refers to, directly or through others."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            reference = here.get("$ref")
            if isinstance(reference, str) and (name := _name(here)) not in found:
                found.add(name)
                waiting.append(parts[name])
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).removeprefix(_PLACE)
