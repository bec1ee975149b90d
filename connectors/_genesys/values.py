"""Reading values of unknown shape: every reader takes any JSON value and none of them raises."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

MAX_IDENTIFIER = 256
MAX_WORD = 64
MAX_DEPTH = 32
MAX_DATA_BYTES = 16 * 1024
MAX_DIGESTS = 1024
_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1
_MAX_MILLISECONDS = 32_503_680_000_000  # the year 3000
_DIGEST_MARK = "\0"

_MISSING = object()
_SWITCHES = {"on": True, "off": False, "true": True, "false": False}

_encode = msgspec.json.Encoder().encode


def folded(word: Any) -> str:
    """A word as it is compared: without case, spaces, hyphens and underscores; empty for anything that is no word."""
    if not isinstance(word, str):
        return ""
    return _fold_word(word) if len(word) <= MAX_WORD else _fold(word)


def _fold(word: str) -> str:
    return word.replace(" ", "").replace("_", "").replace("-", "").lower()


# Platforms have few words and say them all the time.
_fold_word = lru_cache(maxsize=1024)(_fold)


def text(value: Any) -> str | None:
    """A non-empty text; numbers are written out, for the platform sends codes both ways."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool) and _MIN_INT <= value <= _MAX_INT:
        return str(value)
    return None


def identifier(value: Any) -> str | None:
    """A text that can name something; longer than `MAX_IDENTIFIER` characters it is no name."""
    name = text(value)
    return name if name is not None and len(name) <= MAX_IDENTIFIER else None


def first(source: dict[str, Any], *names: str) -> str | None:
    """The first text among several spellings of one field."""
    for name in names:
        value = source.get(name)
        if value is not None and (found := text(value)) is not None:
            return found
    return None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; a single object counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def switch(value: Any) -> bool | None:
    """On, Off, true, false, 1 or 0."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return bool(value)
    return _SWITCHES.get(folded(value))


def seconds(value: Any) -> float | None:
    """A duration in seconds, sent as a number or as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MAX_MILLISECONDS else None


def milliseconds(value: Any) -> int | None:
    """A moment in milliseconds since the epoch, sent as a number or as digits; none if it is not plausible."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:  # noqa: PLR2004 - more digits than any moment has
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value < _MAX_MILLISECONDS else None


def moment(value_milliseconds: int) -> datetime:
    """The UTC time of a moment that `milliseconds` accepted."""
    return datetime.fromtimestamp(value_milliseconds / 1000, UTC)


def last_segment(uri: Any) -> str | None:
    """The id at the end of one of the platform's URIs."""
    return identifier(uri.rstrip("/").rpartition("/")[2]) if isinstance(uri, str) else None


def fingerprint(value: Any) -> int:
    """A number that is equal for equal content, also in another process; 0 when there is none."""
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError):
        return 0
    return int.from_bytes(blake2b(encoded, digest_size=7).digest(), "big")


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The value as it can be written out as JSON again: bounded in depth, integers within 64 bits.

    Scalars come back as they are, so that the usual message costs nothing.
    """
    if isinstance(value, dict):
        if depth <= 0:
            return "…"
        return {
            key: item if isinstance(item, str) else clean(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        if depth <= 0:
            return "…"
        return [clean(item, depth - 1) for item in value]
    if isinstance(value, int) and not _MIN_INT <= value <= _MAX_INT:
        return str(value) if -(2**1024) < value < 2**1024 else "…"
    return value


def kept(data: dict[str, Any]) -> dict[str, Any]:
    """Attached data as it is remembered to find the next change: whole if small, else a digest for each value.

    Of more than `MAX_DIGESTS` entries the last ones are not remembered and count as changed every time.
    """
    if len(_encode(data)) <= MAX_DATA_BYTES:
        return data
    return {key: _digest(data[key]) for key in list(data)[:MAX_DIGESTS]}


def difference(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The new and changed entries, and the names of those that are gone; `before` is what `kept` returned."""
    changed = {}
    for key, value in after.items():
        was = before.get(key, _MISSING)
        if was != value and not (
            isinstance(was, str) and was.startswith(_DIGEST_MARK) and was == _digest(value)
        ):
            changed[key] = value
    return changed, [key for key in before if key not in after]


def _digest(value: Any) -> str:
    return f"{_DIGEST_MARK}{fingerprint(value)}"
