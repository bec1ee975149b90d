"""The event that tells consumers of a dead letter: of the same key, so that whoever misses the one finds the other."""

from __future__ import annotations

from gateway.contracts import DeadLetter
from gateway.events import CATALOGUE, Event, StoredEvent, TimeSource, event_id
from gateway.events.operations import DeadLetterData

DEAD = "tieline.delivery.dead.v1"
_TYPE = CATALOGUE[DEAD]


def dead_event(letter: DeadLetter, journal_id: str) -> Event | None:
    """The event of a letter; None for a letter that is itself such an event, which nobody wants to hear about for ever.

    The letter's number makes the id: told twice, it is one event.
    """
    if letter.event_type == DEAD:
        return None
    envelope = StoredEvent(letter.position, 0, letter.event_type, "", letter.body).envelope
    return Event(
        id=event_id("dead letter", journal_id, letter.id),
        source=envelope.source,
        type=DEAD,
        subject=f"sink/{letter.sink}",
        time=letter.buried,
        recordedtime=letter.buried,
        timesource=TimeSource.GATEWAY,
        partitionkey=envelope.partitionkey,
        data=DeadLetterData(
            sink=letter.sink,
            event=letter.event_id,
            reason=letter.reason.value,
            message=letter.message,
        ),
        dataclassification=_TYPE.classification,
        causationid=letter.event_id,
    )
