"""Frames: reading what a server wrote on a transport, however untidy.

Keys are single letters: C cursor, S initialized, T reconnect, G groups token, L delay of the next
poll in milliseconds, M messages, D disconnect; I, R, E, H and D are the answer to a call of ours.
Source: SignalR/SignalR 2.2.1, Core `Transports/PersistentResponse.cs`, `Hubs/HubResponse.cs`; the
JavaScript client of 2.4 for how flags are understood.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._wire.untidy_json import NotJson, decode_untidy


class Result(msgspec.Struct, frozen=True):
    """The answer to a call: what was returned, or why not."""

    number: str
    value: Any = None
    error: str | None = None


class Frame(msgspec.Struct, frozen=True):
    """One frame. `cursor` is empty if it has none, which is so for keep-alives and results."""

    cursor: str = ""
    initialized: bool = False
    reconnect: bool = False
    disconnect: bool = False
    groups_token: str | None = None
    poll_delay_seconds: float = 0.0
    entries: tuple[Any, ...] = ()
    result: Result | None = None
    error: str | None = None


class UnreadableFrame(ValueError):
    """A frame that is no JSON object, or whose messages are no list."""


MAX_POLL_DELAY_SECONDS = 300.0
MAX_ERROR_LENGTH = 300


def read_frame(payload: bytes | str) -> Frame:
    """The frame in one payload.

    Raises:
        UnreadableFrame: it is none; what it was to bring is still with the server.
    """
    try:
        tree = decode_untidy(payload)
    except NotJson as error:
        raise UnreadableFrame("the frame is not JSON") from error
    if not isinstance(tree, dict):
        raise UnreadableFrame("the frame is JSON but no object")
    entries = tree.get("M")
    if entries is not None and not isinstance(entries, list):
        raise UnreadableFrame("the frame's M is no array")
    number = tree.get("I")
    result = None if number is None else Result(str(number), tree.get("R"), _error(tree))
    cursor = tree.get("C")
    groups = tree.get("G")
    return Frame(
        cursor=cursor if isinstance(cursor, str) else _number_text(cursor),
        initialized=bool(tree.get("S")),
        reconnect=result is None and bool(tree.get("T")),
        disconnect=result is None and bool(tree.get("D")),
        groups_token=groups if isinstance(groups, str) else None,
        poll_delay_seconds=_delay(tree.get("L")),
        entries=tuple(entries or ()),
        result=result,
        error=_error(tree) if result is None else None,
    )


def _error(tree: dict[Any, Any]) -> str | None:
    error = tree.get("E")
    if error is None:
        return None
    return error[:MAX_ERROR_LENGTH] if isinstance(error, str) else "no reason given"


def _number_text(cursor: Any) -> str:
    is_number = isinstance(cursor, int | float) and not isinstance(cursor, bool)
    return str(cursor) if is_number else ""


def _delay(milliseconds: Any) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return 0.0
    return min(max(milliseconds, 0), MAX_POLL_DELAY_SECONDS * 1000) / 1000
