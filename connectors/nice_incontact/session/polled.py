"""What an answer to a poll says of its session. Pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import msgspec


class Life(Enum):
    """What a poll says of its session."""

    GOES_ON = auto()
    ENDED = auto()
    UNKNOWN = auto()


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a poll: the session's new name, empty if it has none, and events in order."""

    life: Life
    cursor: str = ""
    events: tuple[Any, ...] = ()
