"""Names of rotated files, and when a new file begins. No I/O.

`events.jsonl` becomes `events.20260102T030405Z.00000000000000000123.jsonl`: the time for people, the last journal
position for order and uniqueness.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sinks.file.lines import POSITION_DIGITS


def rotated_name(path: Path, now: datetime, position: int, attempt: int = 0) -> str:
    """The name that the active file gets; `attempt` tells names apart that would be equal."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    twin = f".{attempt}" if attempt else ""
    return f"{path.stem}.{stamp}.{str(position).zfill(POSITION_DIGITS)}{twin}{path.suffix}"


def rotated_files(path: Path, names: Iterable[str]) -> list[str]:
    """Those among the names that were rotated from this path, oldest first."""
    pattern = re.compile(
        re.escape(path.stem)
        + rf"\.(\d{{8}}T\d{{6}}Z\.\d{{{POSITION_DIGITS}}}(?:\.\d+)?)"
        + re.escape(path.suffix)
    )
    found = [(match.group(1), name) for name in names if (match := pattern.fullmatch(name))]
    return [name for _, name in sorted(found)]


def period_of(seconds_since_epoch: float, rotate_seconds: int | None) -> int:
    """The number of the period a moment lies in; always the same without a period."""
    return int(seconds_since_epoch // rotate_seconds) if rotate_seconds else 0
