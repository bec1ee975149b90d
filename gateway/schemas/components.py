"""Schemas of structs, made from the structs: what msgspec says of them, and what it leaves out. Pure.

Source: JSON Schema 2020-12, Validation vocabulary (`format`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_origin

import msgspec
from msgspec import inspect

_ATTRIBUTE = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<text>.+(?:\n {6,}.+)*)", re.MULTILINE)

Schema = dict[str, Any]


def components(types: Sequence[Any], place: str) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    """A schema for each type, and all structs and enumerations that they refer to below `place`, by name.

    What a docstring says of the attributes of a struct is said in its schema, and times have their format.
    """
    schemas, parts = msgspec.json.schema_components(types, ref_template=place + "{name}")
    words = {name: part.get("description", "") for name, part in parts.items()}
    for name, part in parts.items():
        part["description"] = " ".join(words[name].split("\n\n", 1)[0].split())
    for struct in _structs(inspect.multi_type_info(types)):
        for name in _names(struct, parts):
            _say_more(parts[name], words[name], struct)
    return schemas, parts


def reachable(value: Any, parts: dict[str, Schema], place: str) -> set[str]:
    """Names of the parts that a schema refers to, directly or through others."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            reference = here.get("$ref")
            if isinstance(reference, str) and (name := reference.removeprefix(place)) not in found:
                found.add(name)
                waiting.append(parts[name])
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found


def _names(struct: inspect.StructType, parts: dict[str, Schema]) -> Iterator[str]:
    """The names under which a struct is among the parts; a generic one is there for each of its uses."""
    plain = (get_origin(struct.cls) or struct.cls).__name__
    for name, part in parts.items():
        if part.get("title", "").partition("[")[0] == plain and "properties" in part:
            yield name


def _say_more(part: Schema, text: str, struct: inspect.StructType) -> None:
    words = {
        name: " ".join(match["text"].split())
        for match in _ATTRIBUTE.finditer(re.sub(r"^ {4}", "", text, flags=re.MULTILINE))
        for name in match["names"].split(", ")
    }
    for field in struct.fields:
        shape = part["properties"].get(field.encode_name)
        if shape is None:
            continue
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
        elif isinstance(kind, (inspect.ListType, inspect.VarTupleType, inspect.CollectionType)):
            waiting.append(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            waiting.append(kind.value_type)
        elif isinstance(kind, inspect.Metadata):
            waiting.append(kind.type)
