"""Reading values of any shape as this platform writes them: its names keep their case, its lists may be List Responses.

Nothing here raises. Times, and values that are passed on as they are, are read by `connectors._wire.json_values`.
"""

from __future__ import annotations

import math
from typing import Any

MAX_TEXT = 1024
_MAX_INTEGER = 2**63


def fields(value: Any) -> dict[Any, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A list, also one in a List Response."""
    if isinstance(value, dict):
        value = value.get("items")
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in items(value) if isinstance(item, dict)]


def text(value: Any) -> str | None:
    """A text that is not empty."""
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def identifier(value: Any) -> str | None:
    """An id: the documentation has numbers, some servers quote them."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and -_MAX_INTEGER <= value < _MAX_INTEGER:
        return str(value)
    return text(value)


def flag(value: Any) -> bool | None:
    """A boolean, also as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return None


def number(value: Any) -> float | None:
    """A finite number that is no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
