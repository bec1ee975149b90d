"""Reading JSON of any shape: every reader takes any value, and none of them raises.

Servers differ in the case of their keys, write numbers and booleans as text, and leave out what
they have no value for. What cannot be read counts as absent; it is never guessed.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot read: not of the form, not UTF-8, or nested too deeply."""
MAX_TEXT = 1024
MAX_STAMP = 40
MAX_DEPTH = 32
_INTEGERS = 2**63
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def fields(value: Any) -> dict[str, Any]:
    """The members of an object by their names in lower case; empty for anything else.

    Of two names that differ in case only, the first one counts.
    """
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = {}
    for name, member in value.items():
        found.setdefault(str(name).lower(), member)
    return found


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, each as `fields` returns it; empty for anything else."""
    if not isinstance(value, list):
        return []
    return [fields(item) for item in value if isinstance(item, dict)]


def text(value: Any) -> str | None:
    """A text that is not blank, without spaces at its ends; a number is written out."""
    if isinstance(value, str):
        return value.strip()[:MAX_TEXT] or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and -_INTEGERS <= value < _INTEGERS:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value) if value.is_integer() else value)
    return None


def identifier(value: Any) -> str | None:
    """What can name something: a text, or a whole number that is not negative."""
    if isinstance(value, float) and not value.is_integer():
        return None
    found = text(int(value)) if isinstance(value, float) else text(value)
    return None if found is None or found.startswith("-") else found


def flag(value: Any) -> bool | None:
    """A boolean, also as text or as 1 and 0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {1: True, 0: False}.get(value)
    return _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None


def number(value: Any) -> float | None:
    """A finite number, also as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def moment(value: Any) -> datetime | None:
    """A date and time of ISO 8601, in UTC; one that names no zone is taken as UTC."""
    if not isinstance(value, str) or len(value) > MAX_STAMP:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The value as it can be written as JSON again: bounded in depth, integers within 64 bits."""
    if isinstance(value, dict):
        return {str(key): clean(item, depth - 1) for key, item in value.items()} if depth else "…"
    if isinstance(value, list):
        return [clean(item, depth - 1) for item in value] if depth else "…"
    if isinstance(value, int) and not -_INTEGERS <= value < _INTEGERS:
        return str(value) if -(2**1024) < value < 2**1024 else "…"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def fingerprint(value: Any) -> int:
    """A number that is equal for equal content, also in another process."""
    encoded = msgspec.json.encode(clean(value), order="sorted")
    return int.from_bytes(blake2b(encoded, digest_size=7).digest(), "big")
