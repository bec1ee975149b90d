"""Messages as the platform pushes them, and a mapper that takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.clarity_connect.mapping import Mapper, Origin, State
from connectors.clarity_connect.settings import DEFAULT_METHODS
from gateway.events import Event

RECEIVED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = Origin(feed="cc/signalr", source="/tieline/cc/clarity_connect")


class Feed:
    """Numbers what it pushes, as a connection does."""

    def __init__(self, state: State | None = None) -> None:
        self.mapper = Mapper(ORIGIN, DEFAULT_METHODS, state)
        self.count = 0

    def push(self, method: str, *args: Any, hub: str = "metricsHub") -> list[Event]:
        """One call of a client method."""
        self.count += 1
        return self.mapper.map(
            hub, method, args, connection="c1", key=f"k{self.count}", received=RECEIVED
        )

    def agent(self, number: int = 5, **fields: Any) -> list[Event]:
        """Something about an agent."""
        return self.push("onAgents", "s1", {"type": "agent", "id": number, **fields})

    def queue(self, number: int = 3, **fields: Any) -> list[Event]:
        """Something about a queue."""
        return self.push("onQueues", "s2", {"type": "queue", "id": number, **fields})

    def status(self, status: str, start: str, **fields: Any) -> list[Event]:
        """An agent's status."""
        return self.agent(currentStatus={"agentStatus": status, "startTime": start, **fields})

    def session(self, how: str, modality: str = "audio", **fields: Any) -> list[Event]:
        """A session in the list of agent 5: `added`, `changed` or `removed`."""
        name = {"added": "addedSessions", "changed": "sessions", "removed": "removedSessions"}[how]
        return self.agent(sessions={modality: {name: [{"sessionId": 70, **fields}]}})


def verbs(events: list[Event]) -> list[str]:
    """Types without prefix and version."""
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]


def stamp(minute: int) -> str:
    """A time of the platform's."""
    return f"2024-01-02T03:{minute:02d}:00.000Z"
