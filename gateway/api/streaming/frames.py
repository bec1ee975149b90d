"""Server-sent events as bytes. Pure.

An event of the journal is an unnamed event whose data is its CloudEvents JSON and whose id is its place. What the
stream
says about itself is a named event, so that a reader never takes one for the other.

Source: WHATWG HTML Living Standard, section 9.2.5 (Parsing an event stream) and 9.2.6 (Interpreting an event stream).
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.events import StoredEvent

MEDIA_TYPE = "text/event-stream"


def event_frame(journal: str, event: StoredEvent) -> bytes:
    """One event of the journal; `journal` is its short name."""
    data = event.structured()
    if b"\n" in data or b"\r" in data:
        # A line of data ends at any line end; within JSON one is white space.
        data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"id: %b-%d\ndata: %b\n\n" % (journal.encode(), event.position, data)


def place_frame(journal: str, position: int) -> bytes:
    """A comment that shows that the stream lives, and the place up to which the reader has everything.

    An id without data is remembered by readers and gives no event.
    """
    return b":\nid: %b-%d\n\n" % (journal.encode(), position)


def opening_frame(journal: str, position: int, retry_seconds: float) -> bytes:
    """The begin of a stream: how long to wait before connecting again, and from where."""
    return b"retry: %d\n" % (retry_seconds * 1000) + place_frame(journal, position)


def notice_frame(name: str, facts: dict[str, Any]) -> bytes:
    """What the stream says about itself."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(facts))


def framed(chunk: bytes) -> bytes:
    """A piece of a body as it is written to the connection. Source: RFC 9112, section 7.1 (Chunked Transfer Coding)."""
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)
