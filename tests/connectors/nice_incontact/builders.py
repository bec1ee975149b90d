"""Events of an agent session as the platform writes them, and a mapper that they are given to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.nice_incontact.mapping import AgentPicture, Mapper, Origin
from gateway.events import Event

RECEIVED = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AGENT = "1001"
FRAME = {"IISHost": "C7-WEB01", "VCHost": "C7-VC01"}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """One event; its fields in the platform's own spelling."""
    return {**FRAME, "Type": kind, **fields}


def start(session: str = "9001", **fields: Any) -> dict[str, Any]:
    """AgentSessionStart."""
    told = {"AgentId": AGENT, "SessionId": session, "StationId": "4711", "MaxConcurrentChats": "2"}
    return event("AgentSessionStart", **(told | fields))


def state(word: str = "Available", **fields: Any) -> dict[str, Any]:
    """AgentState."""
    told = {"CurrentOutReason": "", "NextStates": [], "StartTimeUTC": "2026-11-24T09:59:00.000Z"}
    return event("AgentState", CurrentState=word, **(told | {"IsAcw": "False"} | fields))


def call(status: str, contact: str = "77", at: int = 0, **fields: Any) -> dict[str, Any]:
    """CallContactEvent; `at` is the minute of its last change."""
    told = {
        "ContactID": contact,
        "MasterID": "70",
        "Status": status,
        "CallType": "Regular",
        "ANI": "8015551234",
        "DNIS": "8005550000",
        "Skill": "501",
        "IsInbound": "True",
        "StartTimeUTC": "2026-11-24T09:00:00.000Z",
        "LastStateChangeTimeUTC": f"2026-11-24T09:{at:02d}:00.000Z",
        "IsLogging": "False",
        "FinalState": "False",
        "DisconnectCode": "NA",
    }
    return event("CallContactEvent", **(told | fields))


def chat(status: str, contact: str = "88", **fields: Any) -> dict[str, Any]:
    """ChatContactEvent."""
    told = {
        "ContactID": contact,
        "RoomId": "room-1",
        "Skill": "601",
        "StartTime": "2026-11-24T09:00:00.000Z",
        "LastStateChangeTime": "2026-11-24T09:01:00.000Z",
        "FinalState": "False",
    }
    return event("ChatContactEvent", Status=status, **(told | fields))


class Session:
    """A mapper, and answers of polls one after the other."""

    def __init__(self, picture: AgentPicture | None = None, *, keep_payload: bool = False) -> None:
        origin = Origin(
            feed="nice/1001",
            source="/tieline/nice/nice_incontact",
            agent=AGENT,
            keep_payload=keep_payload,
        )
        self.mapper = Mapper(origin, picture)
        self._answers = 0

    def push(self, *events: Any) -> list[Event]:
        """The events of one answer."""
        self._answers += 1
        return self.mapper.map(events, cursor=f"S{self._answers}", received=RECEIVED)

    def adopt(self, *events: Any, occasion: str = "gap 1", reconciled: bool = True) -> list[Event]:
        """The events that a set of current states leads to."""
        return self.mapper.adopt(
            events, occasion=occasion, received=RECEIVED, reconciled=reconciled
        )

    def begun(self) -> Session:
        """After the beginning of a session with an available agent."""
        self.push(start(), state())
        return self


def verbs(events: Sequence[Event]) -> list[str]:
    """Types without prefix and version."""
    return [one.type.removeprefix("tieline.").removesuffix(".v1") for one in events]


def only(events: Sequence[Event]) -> Any:
    """The data of the one event."""
    (one,) = events
    return one.data
