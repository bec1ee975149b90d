"""Attached data as the platform writes it: a list of `{key, type, value}`, nested where the type is `kvlist`.

Source: workspace-client-java, `Kvpair`; workspace-client-js for the same lists in commands. The type
of a number is spelled `int` and, in some of the vendor's own data, `interger`.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.values import MAX_DEPTH, clean, text

_NUMBERS = frozenset({"int", "integer", "interger"})
_MAX_DIGITS = 18


def is_pairs(value: Any) -> bool:
    """Whether this is data in one of the two forms that are taken: a list of pairs or a plain object."""
    return isinstance(value, list | dict)


def from_pairs(value: Any, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The data as an object. A key that occurs more than once has the list of its values."""
    if isinstance(value, dict):
        return {key: clean(item, depth) for key, item in value.items()}
    found: dict[str, Any] = {}
    repeated: set[str] = set()
    for pair in value if isinstance(value, list) else ():
        key = text(pair.get("key")) if isinstance(pair, dict) else None
        if key is None:
            continue
        item = _value(pair, depth)
        if key not in found:
            found[key] = item
        elif key in repeated:
            found[key].append(item)
        else:
            repeated.add(key)
            found[key] = [found[key], item]
    return found


def to_pairs(data: dict[str, Any], depth: int = MAX_DEPTH) -> list[dict[str, Any]]:
    """An object as the list that the platform takes. What is neither text, number nor object is written as text."""
    return [_pair(key, value, depth) for key, value in data.items()]


def _value(pair: dict[str, Any], depth: int) -> Any:
    kind, value = pair.get("type"), pair.get("value")
    if kind == "kvlist" or (isinstance(value, list) and kind is None):
        return from_pairs(value, depth - 1) if depth > 0 else "…"
    if isinstance(kind, str) and kind in _NUMBERS and isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
            return int(value)
    return clean(value, depth)


def _pair(key: str, value: Any, depth: int) -> dict[str, Any]:
    if isinstance(value, dict) and depth > 0:
        return {"key": key, "type": "kvlist", "value": to_pairs(value, depth - 1)}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"key": key, "type": "int", "value": value}
    if isinstance(value, bool):
        value = "true" if value else "false"
    return {"key": key, "type": "str", "value": "" if value is None else str(value)}
