"""The events that tell who did what, when, from where, and what came of it. Pure."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from gateway.commands import Command, CommandRecord
from gateway.events import CATALOGUE, Event, TimeSource, event_id, source_of
from gateway.events.audit import AuditData

NOWHERE = "-"
"""Stands for the connector in the source of an act that is about the gateway itself; no connector has this name."""
_LONGEST_VALUE_BYTES = 512
_MOST_DETAILS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One administrative act, or a command that was refused before it was written down; see `AuditData`."""

    act: str
    object: str
    requester: str
    outcome: str
    origin: str | None = None
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def of_act(act: Act, now: datetime) -> Event:
    """The event of an act. Each call is an occurrence of its own."""
    data = AuditData(
        act=act.act,
        object=act.object,
        requester=act.requester,
        outcome=act.outcome,
        origin=act.origin,
        reason=act.reason,
        details=_bounded(act.details) or None,
    )
    return _event(secrets.token_hex(16), source_of(NOWHERE, "gateway"), data, now)


def of_verdict(record: CommandRecord, platform: str) -> Event:
    """The event of a command that has its verdict; the same verdict told twice has the same id."""
    command, outcome = record.command, record.outcome
    verdict = "failed" if outcome is None else outcome.status.value
    return _event(
        event_id("audit", command.id, verdict),
        source_of(command.connector, platform),
        AuditData(
            act="command.send",
            object=f"command/{command.id}",
            requester=command.requester,
            outcome=verdict,
            origin=command.origin,
            reason=outcome.reason.value if outcome and outcome.reason else None,
            connector=command.connector,
            details=described(command),
        ),
        record.updated,
        causationid=command.id,
        traceparent=command.traceparent,
    )


def described(command: Command) -> dict[str, Any]:
    """What of a command belongs into the record: what was asked of whom, not the content."""
    return {
        "verb": command.verb.value,
        "target": str(command.target),
        "agent": command.target.agent or "",
    }


def _event(
    name: str,
    source: str,
    data: AuditData,
    now: datetime,
    causationid: str | None = None,
    traceparent: str | None = None,
) -> Event:
    entry = CATALOGUE["tieline.audit.recorded.v1"]
    return Event(
        id=name,
        source=source,
        type=entry.name,
        subject=f"audit/{name}",
        time=now,
        recordedtime=now,
        timesource=TimeSource.GATEWAY,
        partitionkey=data.object,
        causationid=msgspec.UNSET if causationid is None else causationid,
        traceparent=msgspec.UNSET if traceparent is None else traceparent,
        data=data,
        dataclassification=entry.classification,
    )


def _bounded(details: dict[str, Any]) -> dict[str, Any]:
    """The details without what is long: an audit event is no copy of the request."""
    return {
        name: value
        for name, value in list(details.items())[:_MOST_DETAILS]
        if value is not None and len(msgspec.json.encode(value)) <= _LONGEST_VALUE_BYTES
    }
