"""What the loop hands to the writer's thread, and gets back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.contracts import HeldChanges
from gateway.errors import JournalError


class Row(NamedTuple):
    """One event, encoded: what the writer needs of it."""

    key: bytes
    source: str
    type: str
    body: bytes


class BurialRow(NamedTuple):
    """One dead letter to be, encoded."""

    sink: str
    position: int
    event_id: str
    event_type: str
    reason: str
    message: str
    buried: str
    body: bytes
    sequence: int
    source: str


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """One request; the writer fills `result` or `error`, the loop then resolves `future`."""

    future: asyncio.Future[Any]
    result: Any = None
    error: JournalError | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Append(Work):
    """Events and the resume state of one feed.

    Attributes:
        size_bytes: of the bodies and the state.
        released: whether it no longer counts in the queue's bounds.
    """

    feed: str
    rows: Sequence[Row]
    resume: bytes | None
    size_bytes: int
    released: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Commit(Work):
    """A consumer's position (None: the consumer is forgotten), its burials, and what it holds from now on."""

    consumer: str
    position: int | None
    burials: Sequence[BurialRow] = ()
    held: HeldChanges | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Call(Work):
    """Anything else that writes, run inside the transaction."""

    run: Callable[[sqlite3.Connection], Any]


@dataclass(slots=True, eq=False, kw_only=True)
class Trim(Work):
    """Apply the retention policy; the result is how many events were removed."""

    removed: int = field(default=0)


@dataclass(slots=True, eq=False, kw_only=True)
class Probe(Work):
    """Look whether there is room again; the result is True or False."""


@dataclass(slots=True, eq=False, kw_only=True)
class Stop(Work):
    """The last request: finish and release the file."""
