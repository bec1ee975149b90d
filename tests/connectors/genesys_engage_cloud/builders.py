"""Vendor messages for tests, with the fields that matter to them, and the mappers that hear them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.genesys_engage_cloud.mapping import Mapper, Origin
from connectors.genesys_engage_cloud.mapping.provisioning import ProvisioningMapper
from connectors.genesys_engage_cloud.mapping.statistics import StatisticsMapper
from gateway.events import Event

RECEIVED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = Origin(feed="cloud/kristi", source="/tieline/cloud/genesys_engage_cloud", agent="kristi")
FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parent / "golden"
VOICE = "/workspace/v3/voice"
CHAT = "/workspace/v3/media/chat"


def fixture(name: str) -> list[tuple[str, Any]]:
    """The messages of a fixture: channel and data."""
    listed = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return [(message["channel"], message["data"]) for message in listed]


def names() -> list[str]:
    """All fixtures."""
    return sorted(path.stem for path in FIXTURES.iterdir())


def call(state: str | None, *, notification: str = "StateChange", **fields: Any) -> dict[str, Any]:
    """A call message; `outer` holds fields beside the call, everything else goes into it."""
    outer = fields.pop("outer", {})
    inner = {"id": "c1", "connId": "n1", "callUuid": "u1", "callType": "Inbound", **fields}
    if state is not None:
        inner["state"] = state
    return {
        "messageType": "CallStateChanged",
        "notificationType": notification,
        "call": inner,
        **outer,
    }


def dn(state: str, mode: str = "ManualIn", **fields: Any) -> dict[str, Any]:
    """A message about the agent's phone."""
    body = {"number": "5001", "agentState": state, "agentWorkMode": mode, **fields}
    return {"messageType": "DnStateChanged", "dn": body}


def interaction(state: str, **fields: Any) -> dict[str, Any]:
    """An interaction message."""
    body = {
        "id": "i1",
        "mediatype": "email",
        "state": state,
        "interactionType": "Inbound",
        **fields,
    }
    return {
        "messageType": "InteractionStateChanged",
        "notificationType": "StatusChange",
        "interaction": body,
    }


def error(**fields: Any) -> dict[str, Any]:
    """An error after an operation was taken."""
    found = {"errorCode": 415, "errorMessage": "Invalid Destination DN"}
    return {"messageType": "EventError", "error": found, **fields}


class Agent:
    """One agent's mapper, fed with messages one after another."""

    def __init__(self) -> None:
        self.mapper = Mapper(ORIGIN)
        self.ordinal = 0

    def hear(self, data: Any, topic: str = VOICE) -> list[Event]:
        """The events of the next message."""
        self.ordinal += 1
        return self.mapper.map(
            topic, data, session="client-1", ordinal=self.ordinal, received=RECEIVED
        )

    def verbs(self, data: Any, topic: str = VOICE) -> list[str]:
        """The types of the events of the next message, without prefix and version."""
        return verbs(self.hear(data, topic))


def mapped(messages: list[tuple[str, Any]]) -> list[Event]:
    """The events of messages of any of the three APIs, told apart by their channels."""
    agent = Mapper(ORIGIN)
    statistics, provisioning = StatisticsMapper(ORIGIN), ProvisioningMapper(ORIGIN)
    events: list[Event] = []
    for ordinal, (topic, data) in enumerate(messages, start=1):
        mapper: Mapper | StatisticsMapper | ProvisioningMapper = agent
        if topic.startswith("/statistics"):
            mapper = statistics
        elif topic.startswith("/provisioning"):
            mapper = provisioning
        events += mapper.map(topic, data, session="s1", ordinal=ordinal, received=RECEIVED)
    return events


def verbs(events: list[Event]) -> list[str]:
    """Types without prefix and version."""
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]
