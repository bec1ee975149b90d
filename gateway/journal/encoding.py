"""Events and burials as the journal stores them, encoded in the caller's thread so that it hears of bad values."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import Clock
from gateway.contracts import Burial
from gateway.errors import JournalError, Reason
from gateway.events import Event, encode
from gateway.journal.dates import to_text
from gateway.journal.identities import id_key
from gateway.journal.work import BurialRow, Row


def rows_of(events: Sequence[Event]) -> list[Row]:
    """Encode events once and for all. Raises JournalError for what has no JSON form."""
    try:
        return [Row(id_key(event.id), event.source, event.type, encode(event)) for event in events]
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise JournalError(
            f"an event cannot be encoded: {type(error).__name__}: {error}",
            reason=Reason.INVALID,
            hint="its connector put something into the data that has no JSON form",
        ) from error


def burial_rows(consumer: str, burials: Sequence[Burial], clock: Clock) -> list[BurialRow]:
    """Dead letters to be, for the sink that is this consumer."""
    buried = to_text(clock.now())
    return [
        BurialRow(
            sink=consumer,
            position=burial.event.position,
            event_id=burial.event.envelope.id,
            event_type=burial.event.type,
            reason=burial.reason.value,
            message=burial.message,
            buried=buried,
            body=burial.event.body,
            sequence=burial.event.sequence,
            source=burial.event.source,
        )
        for burial in burials
    ]
