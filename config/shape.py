"""What the models say about a key: its type, its neighbours, whether it holds a secret."""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretBytes, SecretStr

from config.report import KeyPath, Part

RELATIVE_TO = "relative_to"
"""A key of a field's `json_schema_extra`: the plug-in itself says where a relative path begins."""

_LISTS = (list, tuple, set, frozenset)


def alternatives(annotation: Any) -> Iterator[Any]:
    """The types a value may have, with annotations and unions taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for member in get_args(annotation):
            yield from alternatives(member)
    else:
        yield annotation


def fields_of(annotation: Any) -> dict[str, Any]:
    """Keys and their types, of a model or of a union with models in it; empty for anything else."""
    fields: dict[str, Any] = {}
    for member in alternatives(annotation):
        if not isinstance(member, type):
            continue
        if issubclass(member, BaseModel):
            for name, info in member.model_fields.items():
                extra = info.json_schema_extra
                own_base = isinstance(extra, dict) and RELATIVE_TO in extra
                fields[info.alias or name] = str if own_base else info.annotation
        elif dataclasses.is_dataclass(member):
            fields |= get_type_hints(member)
    return fields


def child(annotation: Any, part: Part) -> Any:
    """The type of one key or item; Any where nothing is known."""
    if isinstance(part, str) and part in (fields := fields_of(annotation)):
        return fields[part]
    for member in alternatives(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if not isinstance(origin, type) or not arguments:
            continue
        if isinstance(part, int) and issubclass(origin, _LISTS):
            return arguments[0]
        if isinstance(part, str) and issubclass(origin, Mapping):
            return arguments[1]
    return Any


def at(annotation: Any, path: KeyPath) -> Any:
    """The type at a key path."""
    for part in path:
        annotation = child(annotation, part)
    return annotation


def is_secret(annotation: Any) -> bool:
    """Whether the value itself is a secret."""
    return any(
        isinstance(member, type) and issubclass(member, (SecretStr, SecretBytes))
        for member in alternatives(annotation)
    )


def is_path(annotation: Any) -> bool:
    """Whether the value is a path of the file system."""
    return any(
        isinstance(member, type) and issubclass(member, Path) for member in alternatives(annotation)
    )


def holds_secret(annotation: Any) -> bool:
    """Whether the value is, or may have in it, a secret."""
    if is_secret(annotation):
        return True
    if any(holds_secret(kind) for kind in fields_of(annotation).values()):
        return True
    return any(
        holds_secret(argument)
        for member in alternatives(annotation)
        if get_origin(member) is not None
        for argument in get_args(member)
        if not isinstance(argument, str)
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...` for a misspelt word, else the list of what exists."""
    names = sorted(known)
    if close := difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    return f"there are: {', '.join(names)}" if names else "there are none"
