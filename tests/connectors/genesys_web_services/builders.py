"""Vendor messages for tests, with the fields that matter to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.genesys_web_services.mapping import Mapper, Origin
from gateway.events import Event

RECEIVED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = Origin(feed="gws/agent1", source="/tieline/gws/genesys_web_services", agent="agent1")


def call(state: str | None, *, notification: str = "StatusChange", **fields: Any) -> dict[str, Any]:
    """A call message; `outer` holds fields beside the call, everything else goes into it."""
    outer = fields.pop("outer", {})
    inner = {"id": "c1", "callUuid": "u1", "connId": "n1", "callType": "Inbound", **fields}
    if state is not None:
        inner["state"] = state
    return {
        "messageType": "CallStateChangeMessage",
        "notificationType": notification,
        "call": inner,
        "phoneNumber": "5001",
        **outer,
    }


def device(state: str, *, work_mode: str | None = None, **fields: Any) -> dict[str, Any]:
    """A device message about one device."""
    user = {"state": state} | ({"workMode": work_mode} if work_mode else {})
    body = {"id": "d1", "deviceState": "Active", "phoneNumber": "5001", "userState": user, **fields}
    return {"messageType": "DeviceStateChangeMessage", "devices": [body]}


def interaction(state: str, **fields: Any) -> dict[str, Any]:
    """An interaction message in the nested form."""
    body = {"id": "i1", "state": state, "channel": "email", "type": "Inbound", **fields}
    return {"messageType": "InteractionStateMessage", "interaction": body}


class Agent:
    """One agent's mapper, fed with messages one after another."""

    def __init__(self) -> None:
        self.mapper = Mapper(ORIGIN)
        self.ordinal = 0
        self.received = RECEIVED

    def hear(self, data: Any, topic: str = "/v2/me/calls") -> list[Event]:
        """The events of the next message."""
        self.ordinal += 1
        return self.mapper.map(
            topic, data, session="client-1", ordinal=self.ordinal, received=RECEIVED
        )

    def verbs(self, data: Any, topic: str = "/v2/me/calls") -> list[str]:
        """The types of the events of the next message, without prefix and version."""
        return verbs(self.hear(data, topic))


def verbs(events: list[Event]) -> list[str]:
    """Types without prefix and version."""
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]
