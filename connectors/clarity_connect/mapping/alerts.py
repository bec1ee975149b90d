"""Alerts. The documentation gives no payload, so every plausible spelling of a field is read."""

from __future__ import annotations

from typing import Any

from connectors._wire.json_values import moment
from connectors.clarity_connect.mapping.message import Message
from connectors.clarity_connect.mapping.state import MAX_ALERTS, State, put
from connectors.clarity_connect.mapping.values import flag, identifier, number, text
from gateway.events.operations import Alert

_ENDED = frozenset({"cleared", "inactive", "ended", "closed", "resolved"})


def on_alert(message: Message, state: State, told: dict[str, Any]) -> bool:
    """Tell an alert that was raised, changed or cleared; False if the object is none."""
    alert = _first(told, "alertId", "id", "name")
    if alert is None:
        return False
    ended = _ended(told)
    at = moment(told.get("endTime" if ended else "startTime"))
    data = Alert(
        alert=alert,
        rule=text(told.get("name")) or text(told.get("metric")),
        severity=text(told.get("severity")),
        about=_about(told),
        value=number(told.get("value")),
        threshold=number(told.get("threshold")),
        native=message.native(state=text(told.get("state")), alert_id=alert),
    )
    if ended:
        state.alerts.pop(alert, None)
        message.add("alert.cleared", f"alert/{alert}", data, at=at)
    else:
        # One that stands is told again after each subscription, and is raised still.
        put(state.alerts, alert, data.rule or "", MAX_ALERTS)
        message.add("alert.raised", f"alert/{alert}", data, at=at)
    return True


def _ended(told: dict[str, Any]) -> bool:
    active = flag(told.get("isActive"))
    if active is not None:
        return not active
    state = text(told.get("state")) or text(told.get("status")) or ""
    return state.lower() in _ENDED or text(told.get("endTime")) is not None


def _about(told: dict[str, Any]) -> str | None:
    for name in ("queueId", "agentId", "teamId"):
        if (found := identifier(told.get(name))) is not None:
            return f"{name.removesuffix('Id')}/{found}"
    return None


def _first(told: dict[str, Any], *names: str) -> str | None:
    return next((found for name in names if (found := identifier(told.get(name)))), None)
