"""Cursors of paged lists: the place behind which the next page begins, as a text that a client hands back unread."""

from __future__ import annotations

import base64
from typing import TypeVar

import msgspec

from gateway.api.problems import Kind, Problem

T = TypeVar("T")


def cursor_of(place: object) -> str:
    """The cursor for a place, which is any value that msgspec can encode."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str, kind: type[T]) -> T:
    """The place in a cursor. Raises Problem when it was not made by `cursor_of`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=kind)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise Problem(
            Kind.INVALID_QUERY, "cursor: expected `next` of the page before, unchanged"
        ) from None
