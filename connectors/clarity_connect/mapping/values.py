"""Reading values of any shape: nothing here raises."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 1024
MAX_STAMP = 40
MAX_DEPTH = 32
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


def moment(value: Any) -> datetime | None:
    """A JSON timestamp; one without a zone is UTC, as the documentation says."""
    if not isinstance(value, str) or len(value) > MAX_STAMP:
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The value as it can be written as JSON again: bounded in depth, integers within 64 bits."""
    if isinstance(value, dict):
        return {str(key): clean(item, depth - 1) for key, item in value.items()} if depth else "…"
    if isinstance(value, list):
        return [clean(item, depth - 1) for item in value] if depth else "…"
    if isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
        return str(value) if -(2**1024) < value < 2**1024 else "…"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
