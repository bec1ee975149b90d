"""The events that tell every sink what became of a command. Pure."""

from __future__ import annotations

from msgspec import UNSET

from gateway.commands import CommandRecord, Status
from gateway.events import CATALOGUE, Event, TimeSource, event_id, source_of
from gateway.events.operations import CommandData

_VERBS = {
    Status.ACCEPTED: "accepted",
    Status.DONE: "done",
    Status.REFUSED: "refused",
    Status.UNSUPPORTED: "refused",
    Status.PARTIAL: "partial",
    Status.UNKNOWN: "unknown",
}


def told(record: CommandRecord, platform: str) -> Event | None:
    """The event that a record's present state deserves; None while the platform has not answered."""
    command, outcome = record.command, record.outcome
    if outcome is None:
        return None
    entry = CATALOGUE[f"tieline.command.{_VERBS[outcome.status]}.v1"]
    target = command.target
    return Event(
        # a late event may turn `unknown` into a certainty, but a command is told each status once
        id=event_id("command", command.id, outcome.status.value),
        source=source_of(command.connector, platform),
        type=entry.name,
        subject=f"command/{command.id}",
        time=record.updated,
        recordedtime=record.updated,
        timesource=TimeSource.GATEWAY,
        partitionkey=target.call or target.interaction or target.agent or command.id,
        causationid=command.id,
        traceparent=command.traceparent or UNSET,
        data=CommandData(
            command=command.id,
            verb=command.verb.value,
            target=str(target),
            connector=command.connector,
            requester=command.requester,
            reason=outcome.reason.value if outcome.reason else None,
            message=outcome.message,
            evidence=outcome.evidence,
            native_reply=outcome.native_reply,
        ),
        dataclassification=entry.classification,
    )
