"""Agent statuses to agent state, sessions and suspension. Source: "Connect Agent Status", "Status Model"."""

from __future__ import annotations

from typing import Any

from connectors._wire.json_values import moment
from connectors.clarity_connect.mapping.message import Message
from connectors.clarity_connect.mapping.state import MAX_AGENTS, AgentKnown, State, put
from connectors.clarity_connect.mapping.values import (
    fields,
    flag,
    identifier,
    objects,
    text,
)
from connectors.clarity_connect.vendor import BY_SPELLING, STATES, STATUS_NAMES
from gateway.events import Confidence, Provenance
from gateway.events.agents import AgentSession, AgentStateData
from gateway.states import AgentState

_BY_NUMBER = {str(number): name for number, name in STATUS_NAMES.items()}


def on_status(message: Message, state: State, agent: str, told: dict[str, Any]) -> None:
    """Merge an agent's current status and status history, and tell what changed."""
    known = state.agents.get(agent)
    name = text(told.get("name"))
    if known is None:
        known = AgentKnown()
        put(state.agents, agent, known, MAX_AGENTS)
    known.name = name or known.name
    history = objects(told.get("statusHistory"))
    current = fields(told.get("currentStatus"))
    if known.since is not None:
        _tell_missed(message, agent, known, history, before=text(current.get("startTime")))
    if current:
        _on_current(message, agent, known, current)


def _tell_missed(
    message: Message,
    agent: str,
    known: AgentKnown,
    history: list[dict[str, Any]],
    *,
    before: str | None,
) -> None:
    """Statuses that came and went while nobody listened stand in the history only."""
    until = moment(before)
    ended = [
        (start, entry)
        for entry in history
        if text(entry.get("endTime")) and (start := moment(entry.get("startTime"))) is not None
    ]
    for start, entry in sorted(ended, key=lambda pair: pair[0]):
        last = moment(known.since)
        if last is not None and start > last and (until is None or start < until):
            _on_current(message, agent, known, {**entry, "endTime": None}, passed=True)


def status_name(current: dict[str, Any]) -> str | None:
    """The status in the vendor's own spelling, from its name or its number."""
    told = text(current.get("agentStatus"))
    if told is not None:
        return BY_SPELLING.get(told.replace(" ", "").lower(), told)
    value = identifier(current.get("agentStatusId"))
    if value is None:
        return None
    return _BY_NUMBER.get(value, value)


def state_of(status: str | None) -> AgentState:
    """The canonical state of a status."""
    return STATES.get(status or "", AgentState.UNKNOWN)


def _on_current(
    message: Message,
    agent: str,
    known: AgentKnown,
    current: dict[str, Any],
    *,
    passed: bool = False,
) -> None:
    told = status_name(current)
    status = told or known.status
    if status is None and flag(current.get("isSuspended")) is None:
        return
    moved = told is not None and told != known.status
    if moved or "reasonCodeName" in current or "reasonCodeId" in current:
        reason = text(current.get("reasonCodeName"))
        reason_id = identifier(current.get("reasonCodeId"))
    elif told is not None and _is_newer(current, known):
        # A new period of the same status without a reason has none.
        reason = reason_id = None
    else:
        reason, reason_id = known.reason, known.reason_id
    suspended = flag(current.get("isSuspended"))
    suspended = known.suspended if suspended is None else suspended
    since = text(current.get("startTime")) or (None if moved else known.since)
    before = (known.status, known.reason, known.suspended)
    previous = known.status
    same_period = since == known.since
    known.status, known.reason, known.since, known.suspended = status, reason, since, suspended
    known.reason_id = reason_id
    changed = before != (status, reason, suspended)
    if not changed and same_period and message.provenance is Provenance.LIVE:
        return
    if not changed and message.provenance is Provenance.RECONCILED:
        return
    now, was = state_of(status), state_of(previous) if previous is not None else None
    data = AgentStateData(
        agent=agent,
        state=now,
        previous_state=was,
        since=moment(since),
        reason=reason,
        reason_label=reason,
        suspended=suspended,
        native_state=status,
        native=message.native(
            state=status, reason=reason, agent_id=agent, reason_code_id=reason_id
        ),
    )
    at = moment(since) if told is not None and not same_period else None
    subject = f"agent/{agent}"
    if previous is not None and (was is AgentState.LOGGED_OFF) != (now is AgentState.LOGGED_OFF):
        verb = "ended" if now is AgentState.LOGGED_OFF else "started"
        session = AgentSession(agent=agent, reason=reason, native=data.native)
        message.add(f"agent.session.{verb}", subject, session, at=at)
    verb = "changed" if changed and previous is not None else "snapshot"
    confidence = Confidence.INFERRED if passed else Confidence.OBSERVED
    message.add(f"agent.state.{verb}", subject, data, at=at, confidence=confidence)


def _is_newer(current: dict[str, Any], known: AgentKnown) -> bool:
    since = text(current.get("startTime"))
    return since is not None and since != known.since
