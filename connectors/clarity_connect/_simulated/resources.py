"""The objects of the Web API v2 as the simulated server writes them ("Request & Response Dictionary")."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.clarity_connect._simulated.model import (
    PARTICIPATIONS,
    REASONS,
    STATUSES,
    Agent,
    Participation,
    Queue,
    Session,
)

Data = dict[str, Any]
SESSION_PROPERTIES = (
    "sessionType",
    "queueId",
    "agentId",
    "customerName",
    "isRecording",
    "canBeRecorded",
    "isSilentJoined",
    "isWhisperJoined",
    "sessionStatus",
    "queuedMs",
    "activeMs",
    "canBeSilentJoined",
    "canBeWhisperJoined",
)
"""In the order of their numbers, from 1."""
STATUS_PROPERTIES = ("agentStatus", "reasonCodeName", "startTime", "endTime", "isSuspended")
CALL_FLOW = {"callFlowId": 1, "callFlowName": "Starter Call Flow"}
DISPOSITIONS = {
    4: ("Accounts", {8: "Password Change", 9: "Address Change"}),
    5: ("Sales", {10: "Order", 11: "Complaint"}),
}


def listed(items: Iterable[Any]) -> Data:
    """A List Response."""
    found = list(items)
    return {"items": found, "count": len(found)}


def stamp(seconds: float) -> str:
    """A JSON timestamp in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def drop_none(data: Data) -> Data:
    """Without what has no value."""
    return {key: value for key, value in data.items() if value is not None}


def status(agent: Agent, *, ids: bool = False) -> Data:
    """A Connect Agent Status; metrics and subscriptions leave the ids out."""
    data: Data = {"agentStatus": STATUSES[agent.status_id]}
    if ids:
        data["agentStatusId"] = agent.status_id
    if agent.reason_id is not None:
        data["reasonCodeName"] = REASONS[agent.reason_id]
        if ids:
            data["reasonCodeId"] = agent.reason_id
    return data | {"startTime": stamp(agent.since), "isSuspended": agent.suspended}


def session_model(session: Session, now: float) -> Data:
    """A Session Model, as sessions stand in metrics and messages."""
    joined = session.joined(7) or session.joined(8)
    queued = session.status in {"Queued", "ReEnqueued"} and session.queued_at is not None
    active_until = session.ended_at or now
    return drop_none(
        {
            "sessionId": session.id,
            "sessionType": session.kind,
            "queueId": session.queue_id,
            "customerName": session.customer,
            "agentId": session.agent.id if session.agent else None,
            "isRecording": session.recorded_at is not None,
            "canBeRecorded": session.can_be_recorded,
            "isSilentJoined": session.joined(8),
            "isWhisperJoined": session.joined(7),
            "sessionStatus": session.status,
            "queuedMs": int((now - session.queued_at) * 1000)
            if queued and session.queued_at
            else 0,
            "activeMs": int((active_until - session.active_at) * 1000) if session.active_at else 0,
            "canBeSilentJoined": not joined,
            "canBeWhisperJoined": not joined,
        }
    )


def session_base(session: Session, queue: Queue | None) -> Data:
    """A Session Base."""
    names = {-1: "Direct Inbound", -2: "Direct Outbound"}
    data = {
        "sessionId": session.id,
        "sessionType": session.kind,
        "queueId": session.queue_id,
        "queueName": queue.name if queue else names.get(session.queue_id, "Unknown"),
        "customerId": session.customer,
        "customerName": session.customer,
        "customerPhone": session.address,
        "agentId": session.agent.id if session.agent else None,
        "agentName": session.agent.name if session.agent else "None",
        "modality": session.modality.label,
        "modalityId": int(session.modality),
        "startTimeStamp": stamp(session.started_at),
        **CALL_FLOW,
        "callNote": session.note,
    }
    if session.disposition_id is not None:
        name, subs = DISPOSITIONS.get(session.disposition_id, ("Unknown", {}))
        data["selectedCallDisposition"] = {
            "callDispositionId": session.disposition_id,
            "name": name,
        }
        if session.sub_disposition_id is not None:
            data["selectedCallSubDisposition"] = {
                "callSubDispositionId": session.sub_disposition_id,
                "name": subs.get(session.sub_disposition_id, "Unknown"),
            }
    return drop_none(data)


def whole_session(session: Session, queue: Queue | None, now: float) -> Data:
    """A Model Session: the base and what is known of it at the moment."""
    optional = {
        "holdStartTime": session.held_at,
        "recordingStartTime": session.recorded_at,
        "answeredTimeStamp": session.answered_at,
        "activeTimeStamp": session.active_at,
        "endTimeStamp": session.ended_at,
    }
    return {
        **session_base(session, queue),
        **session_model(session, now),
        "isOnHold": session.held_at is not None,
        **{name: stamp(at) for name, at in optional.items() if at is not None},
        "sessionHasEnded": session.ended,
        "sessionDurationMs": int(((session.ended_at or now) - session.started_at) * 1000),
        "agents": listed(participation(one, session, now) for one in session.participants),
        "offers": listed(offer(one, session) for one in session.offers),
    }


def participation(one: Participation, session: Session, now: float) -> Data:
    """An Agent Participation."""
    after_call = one.after_call_at is not None
    times = {
        "acceptedTimeStamp": one.accepted_at,
        "afterCallStartTimeStamp": one.after_call_at,
        "primaryAgentStartTimeStamp": one.accepted_at if one.primary else None,
    }
    return {
        **_part(one, session),
        "agentParticipationStatusId": 4 if after_call else 3,
        "agentParticipationStatus": "AfterCall" if after_call else "Accepted",
        **{name: stamp(at) for name, at in times.items() if at is not None},
        "isPrimaryAgent": one.primary,
        "activeMs": int((now - one.accepted_at) * 1000) if one.accepted_at else 0,
    }


def offer(one: Participation, session: Session) -> Data:
    """An Agent Offer."""
    return {
        **_part(one, session),
        "agentParticipationStatusId": 2,
        "agentParticipationStatus": "Offering",
    }


def _part(one: Participation, session: Session) -> Data:
    data = {
        "agentId": one.agent.id,
        "agentName": one.agent.name,
        "agentParticipationTypeId": one.type_id,
        "agentParticipationType": PARTICIPATIONS[one.type_id],
        "allocatedTimeStamp": stamp(session.started_at),
        "offeredTimeStamp": stamp(one.offered_at),
    }
    if one.initiator is not None:
        data["initiatingAgentId"] = one.initiator.id
        data["initiatingAgentName"] = one.initiator.name
    return data
