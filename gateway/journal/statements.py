"""SQL of the writer's hot path, with as many rows in one statement as possible.

Each step of a statement gives the interpreter lock away and has to win it back from a busy event loop, which can take
the interpreter's whole switch interval (5 ms). So the cost that matters is the number of steps, not of rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

ROWS_AT_ONCE = 512
SMALL_ROWS = 128


@lru_cache(maxsize=2048)
def _values(head: str, columns: int, rows: int, tail: str) -> str:
    row = f"({','.join('?' * columns)})"
    return f"{head} VALUES {','.join([row] * rows)} {tail}"


def insert_rows(
    connection: sqlite3.Connection,
    head: str,
    columns: int,
    values: Sequence[Any],
    tail: str = "",
) -> None:
    """Run `head VALUES (…),(…) tail` for a flat sequence of values, in the fewest statements.

    Sizes up to SMALL_ROWS have a statement each, larger ones are cut into few sizes, so that the number of prepared
    statements stays bounded.
    """
    rows = len(values) // columns
    start = 0
    while rows:
        size = next((n for n in (ROWS_AT_ONCE, SMALL_ROWS) if rows >= n), rows)
        stop = start + size * columns
        part = values if size * columns == len(values) else values[start:stop]
        connection.execute(_values(head, columns, size, tail), part)
        start = stop
        rows -= size
