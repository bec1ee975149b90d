"""Sessions to calls and interactions: merged from differences, told as transitions.

A session of the modality audio is a call, of the others an interaction. It stands in the lists of its
agents and of its queue; it is over when its status says so or when the last list drops it. Source:
"Session Model", "Model Session", "Added and Removed Session Model", "Agent Participation".
"""

from __future__ import annotations

from typing import Any

from connectors.clarity_connect.mapping import session_events
from connectors.clarity_connect.mapping.message import Message
from connectors.clarity_connect.mapping.session_events import Change
from connectors.clarity_connect.mapping.state import MAX_SESSIONS, SessionKnown, State, put
from connectors.clarity_connect.mapping.values import (
    fields,
    flag,
    identifier,
    number,
    objects,
    text,
)
from connectors.clarity_connect.vendor import SESSION_STATES, word
from gateway.states import ConnectionState

FLAGS = (
    "isRecording", "canBeRecorded", "isSilentJoined", "isWhisperJoined", "canBeSilentJoined",
    "canBeWhisperJoined", "isOnHold", "sessionHasEnded",
)  # fmt: skip
TEXTS = (
    "sessionType", "customerName", "customerPhone", "sessionStatus", "queueName", "agentName",
    "callFlowName", "startTimeStamp", "endTimeStamp", "holdStartTime", "recordingStartTime",
    "answeredTimeStamp", "activeTimeStamp", "callNote",
)  # fmt: skip
IDS = ("queueId", "agentId", "customerId", "callFlowId")
CLOCKS = ("queuedMs", "activeMs", "sessionDurationMs")
_LISTS = ("addedSessions", "sessions", "removedSessions")
_MAX_ITEMS = 100
_TAKEN = frozenset({ConnectionState.CONNECTED, ConnectionState.HELD})


def on_bag(message: Message, state: State, holder: str, bag: Any, *, whole: bool) -> None:
    """The sessions of one agent, queue or group; `whole` says that no other ones are in its list."""
    present: set[str] = set()
    for modality, lists in fields(bag).items():
        if not isinstance(modality, str):
            continue
        added, stood, removed = (objects(fields(lists).get(name)) for name in _LISTS)
        for told in (*added, *stood):
            session = identifier(told.get("sessionId"))
            if session is not None:
                present.add(session)
                on_session(message, state, session, told, modality=modality, holder=holder)
        for told in removed:
            on_removed(message, state, told, holder=holder)
    if whole:
        for session, known in list(state.sessions.items()):
            if holder in known.holders and session not in present:
                on_removed(message, state, {"sessionId": session}, holder=holder)


def on_session(
    message: Message,
    state: State,
    session: str,
    told: dict[str, Any],
    *,
    modality: str = "",
    holder: str = "",
) -> None:
    """Merge what was told of a session and tell what that changes."""
    known = state.sessions.get(session)
    if known is None:
        medium = modality or text(told.get("modality")) or "audio"
        known = SessionKnown(modality=word(medium))
        put(state.sessions, session, known, MAX_SESSIONS)
    if holder and holder not in known.holders:
        known.holders.append(holder)
    _merge(message, session, known, told)


def on_removed(message: Message, state: State, told: dict[str, Any], *, holder: str) -> None:
    """A list dropped a session. When none is left that has it, the session is over."""
    session = identifier(told.get("sessionId"))
    known = state.sessions.get(session or "")
    if session is None or known is None:
        return
    if holder in known.holders:
        known.holders.remove(holder)
    _merge(message, session, known, told)
    if not known.holders:
        end(message, state, session)


def end(message: Message, state: State, session: str) -> None:
    """The platform has the session no more: tell its end, unless that was told, and forget it."""
    known = state.sessions.pop(session, None)
    if known is not None:
        session_events.tell_end(message, session, known)


def state_of(known: SessionKnown) -> ConnectionState | None:
    """The connection state that a session's status and hold flag stand for; none before it has a status."""
    if known.fields.get("sessionHasEnded") is True:
        return ConnectionState.CLEARED
    status = known.fields.get("sessionStatus")
    if status is None:
        return None
    found = SESSION_STATES.get(word(status), ConnectionState.UNKNOWN)
    if found is ConnectionState.CONNECTED and known.fields.get("isOnHold") is True:
        return ConnectionState.HELD
    return found


def _merge(message: Message, session: str, known: SessionKnown, told: dict[str, Any]) -> None:
    before = dict(known.fields)
    old_parties, old_offers = dict(known.parties), list(known.offered)
    _take(known, told)
    if "agents" in told:
        known.parties = _parties(told["agents"])
    if "offers" in told:
        known.offered = list(_parties(told["offers"]))
    previous = ConnectionState(known.state) if known.state else None
    now = state_of(known)
    if now is not None:
        known.state = now.value
    change = Change(
        session=session,
        known=known,
        taken_by=known.taken_by,
        before=before,
        previous=previous,
        now=now if now is not None else previous,
        joined={a: how for a, how in known.parties.items() if a not in old_parties},
        left={a: how for a, how in old_parties.items() if a not in known.parties},
        offered=[agent for agent in known.offered if agent not in old_offers],
        clocks={name: value for name in CLOCKS if (value := number(told.get(name))) is not None},
    )
    session_events.tell(message, change)
    agent = known.fields.get("agentId")
    if change.now in _TAKEN:
        known.taken_by = agent
    elif agent != known.taken_by:
        known.taken_by = None


def _take(known: SessionKnown, told: dict[str, Any]) -> None:
    merged = known.fields
    for name in FLAGS:
        if (value := flag(told.get(name))) is not None:
            merged[name] = value
    for name in TEXTS:
        if name in told:
            _put(merged, name, text(told[name]))
    for name in IDS:
        if name in told:
            _put(merged, name, identifier(told[name]))
    for source, inner, name in (
        ("selectedCallDisposition", "callDispositionId", "dispositionId"),
        ("selectedCallSubDisposition", "callSubDispositionId", "subDispositionId"),
    ):
        if source in told:
            _put(merged, name, identifier(fields(told[source]).get(inner)))
    if "extraItems" in told:
        merged["extraItems"] = {
            key: item.get("value") if isinstance(item.get("value"), str | int | float) else None
            for item in objects(told["extraItems"])[:_MAX_ITEMS]
            if (key := text(item.get("key"))) is not None
        }


def _put(merged: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        merged.pop(name, None)
    else:
        merged[name] = value


def _parties(told: Any) -> dict[str, str]:
    return {
        agent: text(item.get("agentParticipationType")) or ""
        for item in objects(told)[:_MAX_ITEMS]
        if (agent := identifier(item.get("agentId"))) is not None
    }
