"""Bodies as the recorder sends them, and a mapper that takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.incontact_wfo import vendor
from connectors.incontact_wfo.mapping import Mapper, Origin, State, Words, read_all
from gateway.events import Event, Provenance

RECEIVED = datetime(2026, 3, 1, 15, 20, tzinfo=UTC)
WORDS = Words(
    calls=vendor.CALL_STATES,
    recordings=vendor.RECORDING_STATES,
    tags=vendor.TAG_FIELDS,
    zone=ZoneInfo("America/Denver"),
)


class Site:
    """A mapper that has looked at an empty tracker once, so that all it is shown is news."""

    def __init__(self, state: State | None = None) -> None:
        self.mapper = Mapper(Origin(feed="wfo/tracker", source="/tieline/wfo/incontact_wfo"), WORDS)
        self.mapper.restore(state)

    def look(
        self,
        body: Any,
        *,
        ticket: int | None = None,
        provenance: Provenance = Provenance.POLLED,
        received: datetime = RECEIVED,
    ) -> list[Event]:
        """What an answer of GetAll leads to."""
        return self.mapper.take(
            read_all(body),
            self.mapper.ticket() if ticket is None else ticket,
            received=received,
            provenance=provenance,
        )


def recording(state: str = "Recording", name: str = "r1", **more: Any) -> dict[str, Any]:
    """A recording."""
    return {"RecordingIdentifier": name, "RecordingState": state, **more}


def call(*recordings: dict[str, Any], state: str = "OnCall", **metadata: Any) -> dict[str, Any]:
    """A call."""
    known = {"callid": "c7", "callinstance": "7", "starttime": "03/01/2026 08:15:00"}
    return {
        "CallInstance": "7",
        "Metadata": known | metadata,
        "CallState": state,
        "Recordings": list(recordings),
    }


def agent(
    active: Any = None, *inactive: dict[str, Any], number: int = 1, **more: Any
) -> dict[str, Any]:
    """An agent's body."""
    return {
        "AgentId": number,
        "AgentPhone": str(4677 + number),
        "Username": f"agent{number}",
        "ActiveCall": active,
        "InactiveCalls": list(inactive),
        **more,
    }


def verbs(events: list[Event]) -> list[str]:
    """Types without prefix and version."""
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]
