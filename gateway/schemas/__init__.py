"""JSON Schemas of the events, made from the structs that encode them: `tieline schemas export gateway/schemas`.

One document for each type of the catalogue: the CloudEvents envelope as a sink gives it, with `sequence`, and the
type's own data. Members that a schema does not name are allowed, in the envelope (extension attributes) and in the data
(fields of later versions).

Sources: JSON Schema 2020-12; CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.events import CATALOGUE, Event, EventType
from gateway.events.envelope import SEQUENCE_DIGITS
from gateway.schemas.asyncapi import FILE, asyncapi
from gateway.schemas.components import components, reachable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = "#/$defs/"
_SUFFIX = ".json"


def schema(entry: EventType) -> dict[str, Any]:
    """The schema of one event type."""
    (envelope, data), parts = components([Event, entry.data], _PLACE)
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
        "$defs": {name: parts[name] for name in sorted(reachable(properties, parts, _PLACE))},
    }


def documents() -> dict[str, str]:
    """File names and their contents: a schema for each type, and the AsyncAPI document over them."""
    contents = {entry.name + _SUFFIX: schema(entry) for entry in CATALOGUE.values()}
    contents[FILE] = asyncapi()
    return {
        name: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in contents.items()
    }


def export(directory: Path) -> int:
    """Write all documents, remove schemas of types that are gone; returns how many types there are. Raises OSError."""
    wanted = documents()
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob(f"tieline.*{_SUFFIX}"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
    return len(CATALOGUE)


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).removeprefix(_PLACE)
