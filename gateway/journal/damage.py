"""Events whose bytes are no longer what was written, in a page that SQLite finds sound. Blocking.

One changed byte must not keep every reader at its place for ever, and must not be passed by in silence: a stand-in
takes the event's place, and says so.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import msgspec

from gateway.events import (
    CATALOGUE,
    Classification,
    DamagedEvent,
    Data,
    Envelope,
    Event,
    StoredEvent,
    TimeSource,
    encode,
    event_id,
    source_of,
)

BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, TypeError)
"""What `opened` raises for bytes that are no event."""

MISNAMED = "source or type are not those of the body"

_ROW = """
SELECT id, (SELECT appended FROM ages WHERE ages.position >= events.position ORDER BY ages.position LIMIT 1)
FROM events WHERE position = ?
"""


def opened(event: StoredEvent) -> Envelope:
    """The envelope, with the rest of the body judged as far as that is quick: it is JSON, and its texts are UTF-8."""
    if not event.body.isascii():
        event.body.decode()
    return event.envelope


def checked(connection: sqlite3.Connection, event: StoredEvent) -> StoredEvent:
    """The event itself, its envelope decoded already, or a stand-in for it."""
    try:
        envelope = opened(event)
    except BROKEN as error:
        return _stand_in(connection, event, str(error))
    if envelope.type == event.type and envelope.source == event.source:
        return event
    named = StoredEvent(
        event.position,
        event.sequence,
        event.type or envelope.type,
        event.source or envelope.source,
        event.body,
    )
    return _stand_in(connection, named, MISNAMED)


def _stand_in(connection: sqlite3.Connection, event: StoredEvent, fault: str) -> DamagedEvent:
    """Of the id and the time that the row tells beside the body; the key of the partition is lost."""
    key, appended = connection.execute(_ROW, (event.position,)).fetchone() or (None, None)
    time = datetime.fromtimestamp(appended if isinstance(appended, float) else 0.0, UTC)
    known = CATALOGUE.get(event.type)
    source = event.source or source_of("unknown", "unknown")
    place = f"journal/{event.position}"
    body = encode(
        Event(
            id=key.hex() if isinstance(key, bytes) else event_id("damaged", event.position),
            source=source,
            type=event.type,
            subject=place,
            time=time,
            recordedtime=time,
            timesource=TimeSource.GATEWAY,
            partitionkey=place,
            data=Data(),
            dataclassification=known.classification if known else Classification.CONTENT,
            anomaly=f"the bytes of this event in the journal are damaged: {fault}",
        )
    )
    return DamagedEvent(
        event.position,
        event.sequence,
        event.type,
        source,
        body,
        f"{len(event.body)} bytes at position {event.position} of the journal are damaged: {fault}",
    )
