"""Which event decides a command. Pure: expectation and event in, verdict out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.commands import Expectation, Outcome, Status
from gateway.errors import Reason
from gateway.events import DamagedEvent, StoredEvent


def judge(expectation: Expectation, event: StoredEvent) -> Outcome | None:
    """The verdict that the event gives, or None if it says nothing about the command."""
    confirms = event.type in expectation.confirmed_by
    if not confirms and event.type not in expectation.refused_by:
        return None
    if isinstance(event, DamagedEvent):
        return None  # nobody knows whose call it was about
    cause = event.envelope.causationid if expectation.cause is not None else None
    if cause is not None and cause != expectation.cause:
        return None
    if confirms:
        return _confirmed(expectation, event)
    return _refuted(expectation, event, certain=cause is not None)


def _confirmed(expectation: Expectation, event: StoredEvent) -> Outcome | None:
    envelope = event.envelope
    if expectation.subject is not None and envelope.subject != expectation.subject:
        return None
    if expectation.where or expectation.within:
        data = event.data()
        if not _fields_match(expectation.where, data):
            return None
        for name, fields in expectation.within.items():
            found = data.get(name) or ()
            members = (found,) if isinstance(found, dict) else found
            if not any(_fields_match(fields, member) for member in members):
                return None
    return Outcome(
        status=Status.DONE, evidence=envelope.id, evidence_traceparent=envelope.traceparent
    )


def _refuted(expectation: Expectation, event: StoredEvent, *, certain: bool) -> Outcome | None:
    envelope = event.envelope
    other = expectation.subject is not None and envelope.subject != expectation.subject
    data = event.data()
    agent = expectation.where.get("agent")
    if agent is not None and data.get("agent") not in {None, agent}:
        other = True
    if other and not certain:
        return None
    return Outcome(
        status=Status.REFUSED,
        reason=Reason.REFUSED,
        message=data.get("cause") or data.get("reason") or "the platform reported a failure",
        evidence=envelope.id,
        evidence_traceparent=envelope.traceparent,
    )


def _fields_match(expected: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(found.get(name) == value for name, value in expected.items())
